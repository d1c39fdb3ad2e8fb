"""Before a claim: an address that was stopped is held, and a mailbox gets its emails in turn."""

import datetime as dt
from uuid import UUID

import pytest
from sqlalchemy import insert, update

from services.dispatch.read_due import read_due
from services.dispatch.wake import mark_due
from shared.clock import new_id
from shared.tables.dispatch import carriages
from shared.tables.pacing import mailbox_key, paces, stops
from tests.dispatch.builders import NOON, World
from tests.dispatch.entries import a_catalogue, a_mailbox, a_recipient
from tests.dispatch.test_digests import a_digest, erase, some_actions

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


def test_a_digest_that_could_not_be_claimed_leaves_the_same_day(paced: World) -> None:
    ids = some_actions(paced, 3)
    digest = a_digest(paced, *ids)
    desk = paced.desk()
    with paced.database.read() as connection:
        [due] = read_due(connection, [digest])
    rendered = desk.preparer.prepare(due, NOON)
    erase(paced, ids[1])

    with paced.database.begin() as connection:
        assert desk.admission.admit(connection, [rendered], "ses") == ([], NOON)

    assert paced.rows(paces) == []  # no turn was used up, and no day
    paced.deliver(digest)
    assert sent(paced, [digest]) == [digest]


def test_a_single_whose_supporter_was_erased_uses_up_no_turn(paced: World) -> None:
    gone, other = paced.a_delivery(), paced.a_delivery()
    desk = paced.desk()
    with paced.database.read() as connection:
        read = {due.id: due for due in read_due(connection, [gone, other])}
    rendered = [desk.preparer.prepare(read[one], NOON) for one in (gone, other)]
    [carried] = paced.rows(carriages, carriages.c.delivery_id == gone)
    erase(paced, carried.action_id)

    with paced.database.begin() as connection:
        admitted, _ = desk.admission.admit(connection, rendered, "ses")

    assert [one.due.id for one in admitted] == [other]


def test_one_that_waits_for_a_changed_mailbox_is_not_woken_before_its_turn(paced: World) -> None:
    old, new = mailbox_key(MAILBOX), mailbox_key("new@prosecutor.example")
    paced.deliver(paced.a_delivery(mailbox=old))  # the row of the old one, free again later
    moved = a_mailbox(email="new@prosecutor.example")
    paced.catalogue = a_catalogue(a_recipient(mailboxes=(moved,)))
    paced.clock.pass_s(600)
    first, waits = paced.a_delivery(mailbox=old), paced.a_delivery(mailbox=old)

    paced.deliver(first)
    paced.deliver(waits)

    row = paced.delivery(waits)
    assert (row.state, row.mailbox, row.woken_at) == ("due", new, None)
    assert [one.key for one in paced.rows(paces, paces.c.key == new)] == [new]
    with paced.database.begin() as connection:  # others slow the new mailbox down meanwhile
        later = {"free_at": row.next_attempt_at + dt.timedelta(hours=1)}
        connection.execute(update(paces).where(paces.c.key == new).values(later))
    paced.clock.at = row.next_attempt_at
    assert woken(paced) == []
    paced.clock.at = later["free_at"]
    assert woken(paced) == [waits]


def woken(world: World) -> list[UUID]:
    with world.database.begin() as connection:
        return mark_due(
            connection, channel="email", now=world.clock(), backlog=9, domain_per_hour=0
        )
