"""The overview says loudly when addresses are stopped, and nothing when none is."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import insert

from shared.clock import new_id
from shared.database import Database
from shared.tables.pacing import stops
from tests.tracking.builders import NOON, a_delivery
from tests.tracking.console.world import a_console


@pytest.fixture
def console(tmp_path: Path, small_database: Database) -> Iterator[FlaskClient]:
    with a_console(tmp_path, small_database) as client:
        yield client


@pytest.mark.parametrize(("number", "shown"), [(0, False), (2, True)])
def test_the_overview_counts_stopped_addresses(
    number: int, shown: bool, console: FlaskClient, small_database: Database
) -> None:
    with small_database.begin() as connection:
        a_delivery(connection)
        for key in range(number):
            row = {"id": new_id(), "key": f"{key:040x}", "why": "hard_bounce", "detail": "gone"}
            row |= {"stopped_at": NOON, "stopped_by": "tracking"}
            connection.execute(insert(stops).values(row))

    page = console.get("/console/").text

    assert ("<dt>Addresses stopped</dt><dd>2</dd>" in page) is shown
    assert ("Addresses stopped" in page) is shown


def test_what_is_held_says_why_and_what_could_be_done(
    console: FlaskClient, small_database: Database
) -> None:
    reason = "The address is stopped. It is gone. A letter could go instead."
    with small_database.begin() as connection:
        a_delivery(connection, state="due", held_reason=reason, handed_over_at=None)

    assert reason in console.get("/console/held").text
