"""What keys may do at tracking, and how often."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from services.tracking.app import create_app
from shared.api_keys import Mode
from shared.database import Database
from tests.tracking.builders import a_delivery, a_key, an_action, noon, some_settings
from tests.tracking.receipts.signing import a_certificate
from tests.tracking.test_api import THE_CAMPAIGN, load

TALLY = f"/v1/campaigns/{THE_CAMPAIGN['slug']}/tally"


@pytest.fixture
def web(tmp_path: Path, small_database: Database) -> Iterator[FlaskClient]:
    (tmp_path / "sandbox-sns.pem").write_bytes(a_certificate())
    load(small_database, campaign=THE_CAMPAIGN)
    app = create_app(some_settings(tmp_path), small_database, noon)
    with app.test_client() as client:
        yield client


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def test_a_test_key_counts_what_test_keys_handed_in(
    web: FlaskClient, small_database: Database
) -> None:
    tester = bearer(a_key(small_database, mode=Mode.TEST))
    with small_database.begin() as connection:
        a_delivery(connection)
        a_delivery(connection, mode="test")
        an_action(connection, mode="live", standing="counted")

    answer = web.get(TALLY, headers=tester)

    assert answer.json is not None
    assert answer.json["mode"] == "test"
    assert [one["actions"] for one in answer.json["cases"]] == [1]


def test_a_key_for_another_campaign_finds_no_tally(
    web: FlaskClient, small_database: Database
) -> None:
    other = bearer(a_key(small_database, campaigns=["another"]))

    answer = web.get(TALLY, headers=other)

    assert answer.status_code == 404


def test_a_client_above_its_rate_is_told_when_to_come_back(
    web: FlaskClient, small_database: Database
) -> None:
    slow = bearer(a_key(small_database, rate_per_s=1, daily_actions=5))

    answers = [web.get("/v1/deliveries", headers=slow) for _ in range(11)]

    assert [one.status_code for one in answers] == [200] * 10 + [429]
    assert answers[0].headers["RateLimit-Policy"] == '"requests";q=10;w=10'
    assert answers[0].headers["RateLimit"] == '"requests";r=9;t=10'
    assert answers[10].headers["Retry-After"] == "10"
