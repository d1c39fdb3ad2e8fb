"""What was sent again: each delivery of the line is found from the action, and the other way."""

import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, Select, insert, select

from shared.again import (
    CARRIES_ON,
    IS_SENT_AGAIN,
    RESTS_OR_DID,
    SEEN_BY_DISPATCH,
    Against,
    first_against,
    none_against,
)
from shared.clock import new_id
from shared.database import Database
from shared.privacy import Keyring
from shared.tables.dispatch import carriages, deliveries
from tests.dispatch.builders import NOON, a_delivery_row
from tests.tracking.builders import an_action

KEYRING = Keyring((("test", b"k" * 32),))


@pytest.fixture
def connection(engine_url: str) -> Iterator[Connection]:
    database = Database(engine_url, KEYRING)
    with database.begin() as connection:
        yield connection
    database.close()


def a_line(connection: Connection, length: int = 3) -> list[UUID]:
    """Deliveries of which each left for the one before."""
    line = [new_id() for _ in range(length)]
    for place, one in enumerate(line):
        row = a_delivery_row(id=one, state="handed_over")
        row |= {"again_of": line[place - 1] if place else None}
        row |= {"moved_to": line[-1] if one != line[-1] else None}
        connection.execute(insert(deliveries).values(row))
    return line


def rests(connection: Connection, on: UUID, **changes: Any) -> UUID:
    action = an_action(connection, **changes)
    carriage = {"action_id": action, "recipient": "prosecutor", "delivery_id": on}
    connection.execute(insert(carriages).values(carriage))
    return action


def carriers(action: UUID) -> Select[tuple[UUID]]:
    found = select(deliveries.c.id).join(carriages, RESTS_OR_DID)
    return found.where(carriages.c.action_id == action)


def carried(delivery: UUID) -> Select[tuple[UUID]]:
    found = select(carriages.c.action_id).join(deliveries, RESTS_OR_DID)
    return found.where(deliveries.c.id == delivery)


def test_an_action_was_on_every_delivery_of_its_line(connection: Connection) -> None:
    line, other = a_line(connection), a_line(connection, 1)
    action = rests(connection, line[-1])
    rests(connection, other[0])

    assert set(connection.scalars(carriers(action))) == set(line)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_every_delivery_of_a_line_carried_what_rests_on_the_last(
    connection: Connection, place: int
) -> None:
    line, other = a_line(connection), a_line(connection, 1)
    action = rests(connection, line[-1])
    rests(connection, other[0])

    assert list(connection.scalars(carried(line[place]))) == [action]


def test_only_the_last_of_a_line_was_not_sent_again(connection: Connection) -> None:
    line = a_line(connection)

    rows = connection.execute(select(deliveries.c.id, IS_SENT_AGAIN))

    assert {row[0]: bool(row[1]) for row in rows} == dict(
        zip(line, [True, True, False], strict=True)
    )


@pytest.mark.parametrize(
    ("changes", "carries_on"),
    [({}, True), ({"erased_at": NOON}, False), ({"standing": "disowned"}, False)],
)
def test_what_was_erased_or_taken_back_does_not_carry_on(
    connection: Connection, changes: dict[str, Any], carries_on: bool
) -> None:
    [delivery] = a_line(connection, 1)
    rests(connection, delivery, **changes)

    said = connection.scalar(select(CARRIES_ON).where(deliveries.c.id == delivery))

    assert bool(said) is carries_on


def test_the_first_that_stands_against_it_is_said(connection: Connection) -> None:
    line = a_line(connection, 2)
    rests(connection, line[-1])
    asked = select(deliveries.c.id, first_against(SEEN_BY_DISPATCH), none_against(SEEN_BY_DISPATCH))

    said = {row[0]: (row[1], bool(row[2])) for row in connection.execute(asked)}

    # Nothing rests on the first any more, which comes after.
    assert said == {line[0]: (Against.SENT_AGAIN, False), line[1]: (None, True)}


@pytest.mark.parametrize(
    ("changes", "against"),
    [
        ({"carrier": "notice"}, Against.NOTICE),
        ({"carrier": "petition"}, Against.PETITION),
        ({"state": "refused"}, Against.NOTHING_LEFT),
        *(
            ({"state": state}, Against.NOT_SETTLED)
            for state in ("due", "sending", "unknown", "cancelled")
        ),
    ],
)
def test_what_stands_against_it_is_said_in_a_word(
    connection: Connection, changes: dict[str, Any], against: Against
) -> None:
    connection.execute(insert(deliveries).values(a_delivery_row(**changes)))

    assert connection.scalar(select(first_against(SEEN_BY_DISPATCH))) == against


@pytest.mark.parametrize("asked", [carriers, carried])
def test_from_either_end_no_table_is_read_whole(connection: Connection, asked: Any) -> None:
    plan = explained(connection, asked(new_id()))

    assert not re.search(r"(SCAN|Seq Scan on) \w+", plan), plan


def explained(connection: Connection, query: Select[tuple[UUID]]) -> str:
    """How the engine would go about it, were the tables large."""
    postgresql = connection.dialect.name == "postgresql"
    if postgresql:
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
    word = "EXPLAIN" if postgresql else "EXPLAIN QUERY PLAN"
    said = query.compile(connection, compile_kwargs={"literal_binds": True})
    return "\n".join(map(str, connection.exec_driver_sql(f"{word} {said}")))
