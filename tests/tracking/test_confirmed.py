"""What becomes of an action that waits for its supporter is told, and counted apart."""

from uuid import UUID

import pytest
from sqlalchemy import Connection

from services.cli import summary
from services.tracking.queries import timeline
from services.tracking.queries.deliveries import Search, find
from services.tracking.queries.tally import tally
from shared.database import Database
from shared.tables.intake import Standing
from tests.tracking.builders import CLIENT, NOON, a_delivery, an_action, minutes


def test_the_timeline_tells_the_question_and_the_answer(database: Database) -> None:
    with database.begin() as connection:
        action = an_action(connection, confirmed_at=NOON - minutes(30))
        asked = a_notice(connection, of=action)
        sent = a_delivery(connection, of=action, planned_at=NOON - minutes(29))

    with database.read() as connection:
        moments = timeline.of_action(connection, action)

    assert [(one.word, one.says, one.delivery_id) for one in moments] == [
        ("accepted", "The action was accepted: appeal by email.", None),
        ("planned", "An email asks the supporter: was this you?", asked),
        ("confirmed", "The supporter said: yes, this was me.", None),
        (
            "planned",
            "Planned as a single delivery: one action, one email: the mailbox is below its pace",
            sent,
        ),
    ]


@pytest.mark.parametrize(
    ("standing", "says"),
    [
        (Standing.UNCONFIRMED, "It waits until its supporter says: yes, this was me."),
        (Standing.DISOWNED, "Its supporter said since: no, this was not me. It is not carried."),
        (Standing.EXPIRED, "Nobody confirmed it in time: it is not carried."),
        (Standing.HELD, "It waits for a person to read it."),
        (Standing.REJECTED, "A person read it since, and said no: it is not carried."),
        (Standing.COUNTED, "It is counted, and not carried by us."),
    ],
)
def test_the_timeline_says_why_nothing_leaves(
    small_database: Database, standing: Standing, says: str
) -> None:
    with small_database.begin() as connection:
        action = an_action(connection, standing=standing)

        [accepted] = timeline.of_action(connection, action)

    assert accepted.says == f"The action was accepted: appeal by email. {says}"


def test_a_client_learns_nothing_of_what_a_supporter_did_elsewhere(
    small_database: Database,
) -> None:
    with small_database.begin() as connection:
        first, second = (
            an_action(connection, standing=one) for one in (Standing.CLEAR, Standing.DUPLICATE)
        )

        told = [timeline.of_action(connection, one)[0].says for one in (first, second)]

    assert told[0] == told[1]


@pytest.mark.parametrize(
    ("of_client", "says"), [(UUID(int=9), " It waits for a person to read it."), (CLIENT, "")]
)
def test_what_came_second_to_another_tools_action_is_told_to_be_held(
    small_database: Database, of_client: UUID, says: str
) -> None:
    with small_database.begin() as connection:
        first = an_action(connection, client_id=of_client)
        changes = {"standing": Standing.DUPLICATE, "duplicate_of": first, "held_for": ["link"]}
        second = an_action(connection, **changes)

        [accepted] = timeline.of_action(connection, second)

    assert accepted.says == f"The action was accepted: appeal by email.{says}"


def test_a_question_is_no_delivery_of_the_case(database: Database) -> None:
    with database.begin() as connection:
        action = an_action(connection)
        a_notice(connection, of=action)
        a_delivery(connection, of=action)

    with database.read() as connection:
        [row] = tally(connection, mode="live", since=NOON)
        of_demo = summary.tally(connection, CLIENT)

    assert (row.kind, sum(row.deliveries.values())) == ("appeal", 1)
    assert of_demo.by_channel() == {"email": 1}


def test_an_action_that_rests_on_a_question_alone_is_not_accounted_for(
    database: Database,
) -> None:
    with database.begin() as connection:
        action = an_action(connection)
        a_notice(connection, of=action)

    with database.read() as connection:
        assert summary.tally(connection, CLIENT).unaccounted == 1


def test_a_question_is_listed_with_its_carrier(small_database: Database) -> None:
    with small_database.begin() as connection:
        action = an_action(connection)
        asked = a_notice(connection, of=action)

    with small_database.read() as connection:
        [shown] = find(connection, Search(client_id=CLIENT), limit=10)

    assert (shown.id, shown.carrier) == (asked, "notice")


def a_notice(connection: Connection, *, of: UUID) -> UUID:
    """The email that asked the supporter."""
    return a_delivery(
        connection,
        of=of,
        carrier="notice",
        kind="confirm",
        recipient="notice/confirm",
        why="An email asks the supporter: was this you?",
    )
