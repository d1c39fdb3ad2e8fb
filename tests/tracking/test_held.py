"""What is held says so, to whoever waits for it: in the state, and as a moment of the timeline."""

from uuid import UUID

import pytest
from sqlalchemy import Connection, insert

from services.tracking.commands import Command, give
from services.tracking.queries import timeline
from services.tracking.queries.deliveries import get
from services.tracking.words import ShownState
from shared.database import Database
from shared.tables.dispatch import obeyed_commands
from shared.tables.tracking import Verb
from tests.tracking.builders import NOON, a_delivery, an_attempt, minutes
from tests.tracking.test_record import a_receipt, take

REASON = "the family moved to 1 Hidden Road"


def a_held(connection: Connection) -> UUID:
    return a_delivery(connection, state="due", held_reason=REASON, handed_over_at=None)


def a_release(connection: Connection, delivery: UUID) -> None:
    wish = Command(verb=Verb.RELEASE, delivery_id=delivery, given_by="console", why="mended")
    give(connection, wish, NOON + minutes(4))
    row = {"command_id": wish.id, "effect": "released; due at once"}
    connection.execute(insert(obeyed_commands).values(row | {"obeyed_at": NOON + minutes(5)}))


@pytest.mark.parametrize(
    ("tried", "released", "since"),
    [
        (False, False, NOON - minutes(59)),  # its plan
        (True, False, NOON - minutes(58)),  # the end of its last attempt
        (True, True, NOON + minutes(5)),  # released, and held again
    ],
)
def test_the_timeline_ends_with_what_holds_it(
    database: Database, tried: bool, released: bool, since: object
) -> None:
    with database.begin() as connection:
        delivery = a_held(connection)
        if tried:
            an_attempt(connection, delivery, state="not_sent")
        if released:
            a_release(connection, delivery)

    with database.read() as connection:
        shown = get(connection, delivery, client_id=None)
        last = timeline.of_delivery(connection, delivery)[-1]

    assert shown is not None
    assert (shown.state, shown.since) == (ShownState.HELD, since)
    assert (last.word, last.at, last.source) == ("held", since, "dispatch")
    assert last.says == "Waits for a person at the organisation that runs Writ."
    assert last.aside == REASON


def test_what_a_receipt_tells_outdoes_a_hold(database: Database) -> None:
    with database.begin() as connection:
        delivery = a_held(connection)
    take(database, a_receipt(delivery))

    with database.read() as connection:
        words = [one.word for one in timeline.of_delivery(connection, delivery)]

    assert words[-1] == "delivered"
    assert "held" not in words
