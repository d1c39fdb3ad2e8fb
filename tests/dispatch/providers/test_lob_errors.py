"""Every code of Lob's document is told apart, and says what it means without quoting anybody."""

import re

import pytest

from services.dispatch.providers import lob_errors
from services.dispatch.providers.contract import LaneHeld, ProviderError, Refused, Unclear
from tests import lob_document
from tests.dispatch.providers.lob_line import error, order

# Of checks, templates, remote files, envelopes and return envelopes: we ask for none.
NOT_ASKED = {
    *("bank_account_already_verified", "bank_error", "deleted_bank_account"),
    *("invalid_bank_account", "invalid_bank_account_verification", "invalid_check_international"),
    *("custom_envelope_inventory_depleted", "invalid_file_download_time", "invalid_file_url"),
    *("invalid_perforation_return_envelope", "invalid_template_html", "merge_variable_required"),
    *("merge_variable_whitespace", "special_characters_restricted"),
}
# The status or the question says it.
BY_STATUS = {"internal_server_error", "request_timeout", "service_unavailable"}
ELSEWHERE = {*BY_STATUS, "rate_limit_exceeded", "conflict", "not_found", "not_deletable"}


def test_every_code_of_the_document_is_told_apart() -> None:
    codes = set(lob_document.schema("error")["properties"]["error"]["properties"]["code"]["enum"])

    told = lob_errors._LANE.keys() | lob_errors._REFUSED.keys()
    assert codes - NOT_ASKED - ELSEWHERE == told


@pytest.mark.parametrize("code", lob_errors._LANE)
def test_what_ails_the_account_holds_the_lane(code: str) -> None:
    fault, _ = order(error(422, code))

    assert isinstance(fault, LaneHeld)
    assert fault.after_s > 0
    assert re.fullmatch(rf"Lob answered 422 {code}: [A-Za-z', ]+", str(fault))


@pytest.mark.parametrize("code", lob_errors._REFUSED)
def test_what_ails_the_letter_is_refused_in_words(code: str) -> None:
    fault, _ = order(error(422, code))

    assert type(fault) is Refused
    assert re.fullmatch(rf"Lob answered 422 {code}: [A-Za-z0-9, ]+", str(fault))


@pytest.mark.parametrize(
    ("status", "code", "meaning"),
    [
        (500, "invalid", Unclear),  # a word of theirs never outweighs that something broke
        (503, "service_unavailable", Unclear),
        (422, "a_new_word", Refused),
        (422, "Ana Beispiel", Refused),
    ],
)
def test_a_word_that_says_nothing_leaves_it_to_the_status(
    status: int, code: str, meaning: type[ProviderError]
) -> None:
    fault, _ = order(error(status, code))

    assert type(fault) is meaning
    assert "Ana" not in str(fault)
