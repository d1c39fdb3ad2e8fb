import hashlib
import hmac
import json
from typing import Any
from uuid import UUID

import pytest

from services.tracking.receipts.contract import Receipt, Unreadable, Untrusted
from services.tracking.receipts.pingen import (
    CODES,
    SIGNATURE_HEADER,
    SILENT,
    STATES,
    check_signature,
    door,
    read,
)
from services.tracking.words import EventWord
from tests.tracking.builders import NOON
from tests.tracking.receipts.signing import payload
from tests.tracking.receipts.test_ses import some_trust

DELIVERY = UUID("0190d3a0-1111-7222-8333-444455556666")
LETTER = "0190d3a0-aaaa-7222-8333-000000000001"
SECRET = "a secret of ours at Pingen"


def signature(body: bytes, *, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def entered(body: bytes, header: str | None, secret: str = SECRET) -> Receipt | None:
    headers = {} if header is None else {SIGNATURE_HEADER: header}
    return door(some_trust(print_secrets={"pingen": secret}))(headers, body)


def a_webhook(code: str = "transferred_to_distributor", status: str = "sent") -> bytes:
    said: dict[str, Any] = json.loads(payload("pingen/sent.json"))
    for one in said["included"]:
        if "code" in one["attributes"]:
            one["attributes"]["code"] = code
        if "status" in one["attributes"]:
            one["attributes"]["status"] = status
    return json.dumps(said).encode()


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("sent", EventWord.POSTED),
        ("sent_before_2026", EventWord.POSTED),  # no `deliverable` yet
        ("delivered", EventWord.DELIVERED),
        ("undeliverable", EventWord.RETURNED),  # no `letter` any more
        ("issues", EventWord.REJECTED),
    ],
)
def test_each_category_of_webhook_is_understood(name: str, word: EventWord) -> None:
    body = payload(f"pingen/{name}.json").encode()

    receipt = entered(body, signature(body))

    assert receipt is not None
    assert receipt.source_id == f"evt-{name.partition('_')[0]}"
    assert receipt.delivery_id == DELIVERY
    assert receipt.fact is not None
    assert (receipt.fact.word, receipt.fact.provider_id) == (word, LETTER)
    # Told as 13:00 where Pingen is.
    assert receipt.fact.occurred_at == NOON


def test_the_price_is_told_with_it_since_an_order_is_answered_before_it_is_known() -> None:
    sent = read(payload("pingen/sent.json").encode()).fact
    issue = read(payload("pingen/issues.json").encode()).fact

    assert sent is not None
    assert issue is not None
    assert sent.detail == "Handed to distributor; price CHF 1.63"
    assert issue.detail == "Page limit exceeded"


def test_a_reason_is_kept_without_addresses() -> None:
    fact = read(payload("pingen/undeliverable.json").encode()).fact

    assert fact is not None
    assert fact.detail == "Recipient moved; write to [address]; price CHF 1.63"


@pytest.mark.parametrize("code", CODES)
def test_a_code_counts_more_than_the_state_that_came_with_it(code: str) -> None:
    fact = read(a_webhook(code, "delivered")).fact

    assert fact is not None
    assert fact.word is CODES[code]


@pytest.mark.parametrize("status", STATES)
def test_where_a_code_is_new_the_state_speaks(status: str) -> None:
    fact = read(a_webhook("a_new_code", status)).fact

    assert fact is not None
    assert fact.word is STATES[status]


@pytest.mark.parametrize("code", sorted(SILENT))
def test_what_we_do_not_count_is_kept_without_a_fact(code: str) -> None:
    receipt = read(a_webhook(code, "sent"))

    assert (receipt.fact, receipt.delivery_id) == (None, DELIVERY)


def test_an_unknown_event_of_an_unknown_state_is_kept_without_a_fact() -> None:
    assert read(a_webhook("a_new_code", "folded")).fact is None


def test_no_code_means_two_things() -> None:
    assert not SILENT & set(CODES)


@pytest.mark.parametrize(
    "said",
    [
        {"data": {"id": "evt-1"}},
        {"data": {"id": "evt-1"}, "included": None},
        {"data": {"id": "evt-1"}, "included": [7, {"type": ["letters"]}, {"type": "letters"}]},
        {"data": {"id": "evt-1"}, "included": [{"type": "letters", "attributes": [1]}]},
        {"data": {"id": "evt-1"}, "included": [{"type": "emails", "id": "an email"}]},
        {
            "data": {"id": "evt-1"},
            "included": [{"type": "letters", "attributes": {"file_original_name": "invoice.pdf"}}],
        },
    ],
)
def test_what_is_none_of_ours_is_kept_and_no_fact(said: object) -> None:
    receipt = read(json.dumps(said).encode())

    assert (receipt.source_id, receipt.delivery_id, receipt.fact) == ("evt-1", None, None)


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"\xff", b"[]", b"{}", b'{"data": 7}', b'{"data": {"id": 7}}'),
        *(b'{"data": {"id": ""}}', b'{"data": [{"id": "evt-1"}]}', b"[" * 200_000),
    ],
)
def test_a_body_without_an_id_is_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable):
        read(body)


@pytest.mark.parametrize(
    "header",
    [None, "", "é", "0" * 64, signature(b"{} "), signature(b"{}", secret="another")],
)
def test_any_other_signature_is_not_trusted(header: str | None) -> None:
    with pytest.raises(Untrusted):
        entered(b"{}", header)


def test_without_a_secret_nobody_is_trusted() -> None:
    with pytest.raises(Untrusted, match="no secret"):
        check_signature(signature(b"{}", secret=""), b"{}", "")
    with pytest.raises(Untrusted, match="no secret"):
        door(some_trust())({SIGNATURE_HEADER: signature(b"{}", secret="")}, b"{}")


def test_a_captured_webhook_that_is_repeated_is_the_same_receipt() -> None:
    body = payload("pingen/sent.json").encode()

    assert entered(body, signature(body)) == entered(body, signature(body))


def test_the_body_is_kept_as_it_came() -> None:
    body = payload("pingen/sent.json").encode()

    assert read(body).body == body.decode()
