"""Numbers that organisers report are shown apart, and are in no other figure."""

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, insert

from services.tracking.queries.reported import Reported, reported
from services.tracking.queries.tally import tally
from shared.clock import new_id
from shared.database import Database
from shared.privacy import Private
from shared.tables.writing_events import reported_counts
from tests.tracking.builders import CLIENT, NOON, a_delivery, a_key
from tests.tracking.console.world import a_console

TALLY = "/v1/campaigns/write-for-rights-2021/tally"
ONE_CASE = {
    "campaign": "write-for-rights-2021",
    "case": "zhang-zhan",
    "kind": "appeal",
    "channel": "letter",
}


def a_report(connection: Connection, **changes: Any) -> None:
    count_id = new_id()
    row = {
        **ONE_CASE,
        "id": count_id,
        "client_id": CLIENT,
        "mode": "live",
        "number": 120,
        "organiser": Private(count_id, "A school"),
        "event_on": dt.date(2021, 12, 9),
        "reported_at": NOON,
    }
    connection.execute(insert(reported_counts).values(row | changes))


def test_reports_are_summed_by_case_kind_and_channel(database: Database) -> None:
    with database.begin() as connection:
        a_report(connection)
        a_report(connection, number=30)
        a_report(connection, channel="postcard", number=7)

        found = reported(connection, mode="live", campaign="write-for-rights-2021")

    assert found == [
        Reported(**ONE_CASE, number=150, reports=2),
        Reported(**(ONE_CASE | {"channel": "postcard"}), number=7, reports=1),
    ]


@pytest.mark.parametrize(
    "changes",
    [{"withdrawn_at": NOON}, {"number": 0}, {"mode": "test"}, {"campaign": "another"}],
)
def test_what_was_withdrawn_or_not_told_or_belongs_elsewhere_is_left_out(
    changes: dict[str, Any], small_database: Database
) -> None:
    with small_database.begin() as connection:
        a_report(connection, **changes)

        assert reported(connection, mode="live", campaign="write-for-rights-2021") == []


def test_a_report_changes_no_count_of_actions(small_database: Database) -> None:
    with small_database.begin() as connection:
        a_delivery(connection, channel="letter")
        before = tally(connection, mode="live", since=NOON)
        a_report(connection)

        assert tally(connection, mode="live", since=NOON) == before


def test_the_tally_tells_them_in_a_field_of_their_own(
    small_database: Database, tmp_path: Path
) -> None:
    web = a_console(tmp_path, small_database)
    with small_database.begin() as connection:
        a_report(connection)

    told = web.get(TALLY, headers={"Authorization": f"Bearer {a_key(small_database)}"}).json

    assert told is not None
    assert told["cases"] == []
    assert told["reported"] == [
        {
            "case": "zhang-zhan",
            "kind": "appeal",
            "channel": "letter",
            "number": 120,
            "reports": 1,
        }
    ]


def test_the_console_shows_them_below_everything_else(
    small_database: Database, tmp_path: Path
) -> None:
    console = a_console(tmp_path, small_database)
    with small_database.begin() as connection:
        a_delivery(connection, channel="letter")
        a_report(connection, number=4_321)

    page = console.get("/console/").text

    figures, _, below = page.partition("Reported without names")
    assert "4,321" not in figures
    assert "4,321" in below
    assert "none of it is in the figures above" in below
