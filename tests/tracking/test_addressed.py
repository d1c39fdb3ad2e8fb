"""The timeline names the holder who was really written to, and no more than people may know."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, insert

from services.tracking.commands import Command, give
from services.tracking.queries import timeline
from services.tracking.queries.overview import overview
from services.tracking.queries.timeline import Moment
from shared.clock import new_id
from shared.database import Database
from shared.tables.dispatch import obeyed_commands
from shared.tables.pacing import stops
from shared.tables.tracking import Verb
from tests.tracking.builders import NOON, a_delivery, an_attempt, minutes


def told(connection: Connection, delivery: UUID, word: str) -> list[Moment]:
    moments = timeline.of_delivery(connection, delivery)
    return [one for one in moments if one.word == word]


def test_each_attempt_names_who_held_the_office_then(database: Database) -> None:
    with database.begin() as connection:
        delivery = a_delivery(connection)
        an_attempt(connection, delivery, number=1, state="not_sent", holder="Old Holder")
        an_attempt(connection, delivery, number=2, holder="New Holder", started_at=NOON)

    with database.read() as connection:
        said = [one.says for one in timeline.of_delivery(connection, delivery)]

    assert [one for one in said if "Addressed" in one] == [
        "Attempt 1: Amazon SES did not take it; it is tried again. Addressed to Old Holder.",
        "Attempt 2: Amazon SES took it. Addressed to New Holder.",
    ]


@pytest.mark.parametrize(
    "changes", [{"kind": "solidarity"}, {"carrier": "notice", "recipient": "notice/confirm"}]
)
def test_who_hands_on_solidarity_is_told_to_nobody(
    changes: dict[str, Any], small_database: Database
) -> None:
    with small_database.begin() as connection:
        delivery = a_delivery(connection, **changes)
        an_attempt(connection, delivery, holder="A Sister")

    with small_database.read() as connection:
        said = " ".join(str(one) for one in timeline.of_delivery(connection, delivery))

    assert "Sister" not in said


@pytest.mark.parametrize("verb", [Verb.STOP, Verb.SLOW])
def test_what_it_taught_us_for_others_is_for_ops_alone(
    verb: Verb, small_database: Database
) -> None:
    effect = "secret.example is stopped; deliveries held: 17"
    with small_database.begin() as connection:
        delivery = a_delivery(connection)
        wish = Command(verb=verb, delivery_id=delivery, given_by="tracking", why="an event")
        give(connection, wish, NOON)
        row = {"command_id": wish.id, "effect": effect, "obeyed_at": NOON + minutes(1)}
        connection.execute(insert(obeyed_commands).values(row))

    with small_database.read() as connection:
        [moment] = told(connection, delivery, f"command_{verb}")

    assert moment.says.startswith("Asked of dispatch: ")
    assert "secret" not in moment.says
    assert "17" not in moment.says
    assert effect in str(moment.aside)


def test_the_overview_counts_what_is_stopped_now(database: Database) -> None:
    row = {"why": "hard_bounce", "detail": "gone", "stopped_at": NOON, "stopped_by": "tracking"}
    with database.begin() as connection:
        for number, lifted in enumerate([None, None, NOON]):
            one = row | {"id": new_id(), "key": f"{number:040x}", "lifted_at": lifted}
            connection.execute(insert(stops).values(one))

    with database.read() as connection:
        live = overview(connection, mode="live", now=NOON)
        test = overview(connection, mode="test", now=NOON)

    assert (live.stopped, test.stopped) == (2, 0)
