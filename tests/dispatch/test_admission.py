"""Before a claim: an address that was stopped is held, and a mailbox gets its emails in turn."""

import datetime as dt
from uuid import UUID

import pytest
from sqlalchemy import insert

from shared.clock import new_id
from shared.tables.pacing import mailbox_key, stops
from tests.dispatch.builders import NOON, World
from tests.dispatch.entries import a_recipient

MAILBOX = a_recipient().mailboxes[0].email


@pytest.fixture
def paced(world: World) -> World:
    """At a pace, on a working day at noon."""
    world.paced = True
    return world


def stop(world: World, key: str) -> None:
    with world.database.begin() as connection:
        connection.execute(
            insert(stops).values(
                id=new_id(),
                key=key,
                why="hard_bounce",
                detail="Its mailbox does not exist.",
                stopped_at=NOON,
                stopped_by="a test",
            )
        )


def sent(world: World, ids: list[UUID]) -> list[UUID]:
    return [one for one in ids if world.delivery(one).state == "handed_over"]


def test_of_one_mailbox_one_email_leaves_and_the_others_wait_their_turn(paced: World) -> None:
    ids = [paced.a_delivery() for _ in range(3)]

    paced.deliver(*ids)

    [first] = sent(paced, ids)
    others = [paced.delivery(one) for one in ids if one != first]
    assert [(one.state, one.attempts, one.woken_at) for one in others] == [("due", 0, None)] * 2
    turns = sorted(one.next_attempt_at for one in others)
    assert turns[0] - NOON >= dt.timedelta(seconds=120)  # 30 an hour
    assert turns[1] - turns[0] >= dt.timedelta(seconds=120)


def test_a_mailbox_that_waited_is_free_again(paced: World) -> None:
    first, second = paced.a_delivery(), paced.a_delivery()
    paced.deliver(first)
    paced.deliver(second)
    assert sent(paced, [first, second]) == [first]

    turn = paced.delivery(second).next_attempt_at
    paced.clock.at = turn
    paced.wake(second)
    paced.deliver(second)

    assert sent(paced, [first, second]) == [first, second]


def test_an_attempt_that_nobody_can_tell_of_counts(paced: World) -> None:
    paced.emails.script = [OSError("reset")]
    first, second = paced.a_delivery(), paced.a_delivery()

    paced.deliver(first)
    paced.deliver(second)

    assert len(paced.emails.calls) == 1


def test_letters_and_test_mode_keep_no_pace(paced: World) -> None:
    ids = [paced.a_delivery(channel="letter") for _ in range(2)]
    ids += [paced.a_delivery(mode="test") for _ in range(2)]

    paced.deliver(*ids)

    assert sent(paced, ids) == ids


def test_a_sandbox_keeps_no_pace(world: World) -> None:
    ids = [world.a_delivery() for _ in range(3)]

    world.deliver(*ids)

    assert sent(world, ids) == ids


@pytest.mark.parametrize("key", [mailbox_key(MAILBOX), "recipient:prosecutor"])
def test_a_stopped_address_is_held_and_never_called(world: World, key: str) -> None:
    stop(world, key)
    one = world.a_delivery()

    world.deliver(one)

    assert world.emails.calls == []
    row = world.delivery(one)
    assert (row.state, row.attempts) == ("due", 0)
    assert row.held_reason


def test_what_is_held_uses_up_no_turn(paced: World) -> None:
    stop(paced, "recipient:prosecutor")
    paced.deliver(paced.a_delivery())

    with paced.database.begin() as connection:
        connection.execute(stops.delete())
    one = paced.a_delivery()
    paced.deliver(one)

    assert sent(paced, [one]) == [one]
