"""What a crash or a lost message leaves behind is found, and called what it is."""

import datetime as dt
from typing import Any

import pytest

from services.dispatch.providers.contract import Taken
from services.dispatch.recover import (
    abandon_stale_claims,
    any_unsettled,
    ask_again,
    forget_lost_wakes,
)
from services.dispatch.wake import mark_due, publish_marked
from shared.broker import make_broker
from shared.queues import EMAILS
from tests.dispatch.builders import NOON, World

AGO = dt.timedelta(seconds=301)


def abandon(world: World) -> int:
    with world.database.begin() as connection:
        return abandon_stale_claims(connection, NOON, claim_ttl_s=300)


def test_an_attempt_whose_worker_is_gone_is_unknown(world: World) -> None:
    left = world.a_delivery(state="sending", claimed_at=NOON - AGO, attempts=2, woken_at=None)
    world.an_attempt(left, state="not_sent")
    world.an_attempt(left, number=2, state="started")

    found = abandon(world)

    row = world.delivery(left)
    assert found == 1
    assert (row.state, row.claimed_at, row.next_attempt_at) == ("unknown", None, NOON)
    assert [one.state for one in world.attempts(left)] == ["not_sent", "unknown"]
    assert world.attempts(left)[1].detail == "the worker stopped between the call and its result"


def test_a_claim_that_is_still_young_is_left_alone(world: World) -> None:
    young = world.a_delivery(state="sending", claimed_at=NOON - AGO / 2, attempts=1)
    world.an_attempt(young, state="started")

    found = abandon(world)

    assert found == 0
    assert world.delivery(young).state == "sending"
    assert world.attempts(young)[0].state == "started"


def test_an_unknown_email_waits_for_a_proof(world: World) -> None:
    email, _ = world.an_unknown(next_attempt_at=NOON - AGO)

    with world.database.begin() as connection:
        asked = ask_again(connection, NOON)

    assert asked == 0
    assert world.delivery(email).state == "unknown"


def test_an_unknown_letter_is_asked_for_when_its_moment_has_come(world: World) -> None:
    now, _ = world.an_unknown(channel="letter", next_attempt_at=NOON)
    later, _ = world.an_unknown(channel="letter", next_attempt_at=NOON + AGO)

    with world.database.begin() as connection:
        asked = ask_again(connection, NOON)

    assert asked == 1
    assert (world.delivery(now).state, world.delivery(later).state) == ("due", "unknown")


def test_a_letter_left_by_a_crash_is_found_at_the_vendor_and_not_printed_twice(
    world: World,
) -> None:
    left = world.a_delivery(
        channel="letter", state="sending", claimed_at=NOON - AGO, attempts=1, woken_at=None
    )
    world.an_attempt(left, state="started", provider="print_vendor")
    world.letters.found = [Taken(provider_id="ord-1")]

    abandon(world)
    with world.database.begin() as connection:
        ask_again(connection, NOON)
    broker = make_broker("stub://")
    with world.database.begin() as connection:
        ids = mark_due(connection, channel="letter", now=world.clock(), backlog=10)
    publish_marked(world.database, broker, EMAILS, ids, size=20)
    world.deliver(left)

    assert world.letters.calls == []
    assert world.delivery(left).state == "handed_over"


@pytest.mark.parametrize(
    ("changes", "lost"),
    [
        ({"woken_at": NOON - AGO}, True),
        ({"woken_at": NOON}, False),
        ({"woken_at": NOON - AGO, "held_reason": "looks"}, False),
        ({"woken_at": NOON - AGO, "state": "sending"}, False),
    ],
)
def test_a_wake_up_that_nobody_answered_is_made_again(
    changes: dict[str, Any], lost: bool, world: World
) -> None:
    one = world.a_delivery(words="w", **changes)

    with world.database.begin() as connection:
        found = forget_lost_wakes(connection, NOON, rewake_s=120)

    assert found == lost
    assert (world.delivery(one).woken_at is None) == lost


def unsettled(world: World) -> bool:
    with world.database.read() as connection:
        return any_unsettled(connection)


def test_whether_anything_is_unknown_is_known(world: World) -> None:
    world.a_delivery()

    before = unsettled(world)
    world.an_unknown()

    assert (before, unsettled(world)) == (False, True)


@pytest.mark.parametrize(("state", "waits"), [("due", True), ("handed_over", False)])
def test_a_verdict_is_in_doubt_until_its_delivery_has_left(
    state: str, waits: bool, world: World
) -> None:
    delivery = world.a_delivery(state=state, attempts=1)
    attempt = world.an_attempt(delivery, state="not_sent")
    world.a_command("resolve_unknown", delivery, attempt_id=attempt)

    assert unsettled(world) == waits
