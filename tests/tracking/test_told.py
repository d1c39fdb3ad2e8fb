"""What the API tells of holds, of tests, and of itself."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from services.tracking.app import create_app
from shared.api_keys import Mode
from shared.database import Database
from tests.tracking.builders import (
    a_delivery,
    a_key,
    an_action,
    an_attempt,
    noon,
    some_settings,
)
from tests.tracking.receipts.signing import a_certificate
from tests.tracking.test_api import THE_CAMPAIGN, THE_OFFICE, load


@pytest.fixture
def site(tmp_path: Path, small_database: Database) -> Iterator[FlaskClient]:
    (tmp_path / "sandbox-sns.pem").write_bytes(a_certificate())
    load(small_database, recipient=THE_OFFICE, campaign=THE_CAMPAIGN)
    with create_app(some_settings(tmp_path), small_database, noon).test_client() as client:
        yield client


def test_a_client_learns_that_somebody_must_look_and_not_why(
    site: FlaskClient, small_database: Database
) -> None:
    key = {"Authorization": f"Bearer {a_key(small_database)}"}
    with small_database.begin() as connection:
        action = an_action(connection)
        reason = "the family moved to 1 Hidden Road"
        delivery = a_delivery(connection, of=action, state="due", held_reason=reason)

    status = site.get(f"/v1/deliveries/{delivery}", headers=key)
    followed = site.get(f"/v1/actions/{action}/timeline", headers=key)

    assert status.json is not None
    assert followed.json is not None
    assert (status.json["state"], status.json["since"]) == ("held", status.json["planned_at"])
    last = followed.json["moments"][-1]
    assert (last["word"], last["at"]) == ("held", status.json["since"])
    assert last["says"] == "Waits for a person at the organisation that runs Writ."
    assert "Hidden" not in status.text + followed.text


def test_a_client_is_told_that_a_test_was_never_sent(
    site: FlaskClient, small_database: Database
) -> None:
    key = {"Authorization": f"Bearer {a_key(small_database, mode=Mode.TEST)}"}
    with small_database.begin() as connection:
        action = an_action(connection, mode="test")
        delivery = a_delivery(connection, of=action, mode="test", provider="dry_run")
        an_attempt(connection, delivery, provider="dry_run")

    status = site.get(f"/v1/deliveries/{delivery}", headers=key)
    followed = site.get(f"/v1/actions/{action}/timeline", headers=key)

    assert status.json is not None
    assert followed.json is not None
    assert status.json["mode"] == "test"
    said = [one["says"] for one in followed.json["moments"]]
    assert said[0] == "The action was accepted: appeal by email. It is a test: nothing is sent."
    assert said[-1] == "Attempt 1: a test. It was rendered, and nothing was sent."


def test_summaries_are_plain_words_and_receipts_come_last(site: FlaskClient) -> None:
    document = site.get("/openapi.json").json

    assert document is not None
    operations = [one for methods in document["paths"].values() for one in methods.values()]
    assert not [one["summary"] for one in operations if "`" in one["summary"]]
    assert operations[-1]["operationId"] == "post_receipt"
    assert "`print_vendor`" in operations[-1]["parameters"][0]["description"]


@pytest.mark.parametrize("path", ["/v1/deliveries", "/nothing"])
def test_what_no_operation_answers_is_described_too(site: FlaskClient, path: str) -> None:
    answer = site.put(path)

    assert answer.json is not None
    assert answer.json["code"] in {"method_not_allowed", "not_found"}
    described, _, anchor = answer.json["type"].partition("#")
    assert re.search(f'<tr id="{anchor}">', site.get(described).text)
