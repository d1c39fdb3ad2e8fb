"""Stops: what waits for a bad address is held, what comes later too, and a lift lets it go."""

import datetime as dt
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from services.dispatch.claims import claim
from services.dispatch.due import Prepared, emailed
from services.dispatch.obey import obey
from services.dispatch.providers.contract import Email
from services.dispatch.stops import AFTER_LIFT, hold_stopped, in_force, stopped, waiting
from shared.catalogue import Catalogue
from shared.tables.dispatch import deliveries, obeyed_commands
from shared.tables.pacing import mailbox_key, stops
from tests.dispatch.builders import NOON, World, a_due
from tests.dispatch.entries import a_case, a_catalogue, a_mailbox, a_policy, a_recipient

KEY = mailbox_key("office@prosecutor.example")
GONE = "Its mail server refuses it for good (5.1.1)."
HOUR = dt.timedelta(hours=1)


def told(key: str = KEY, **changes: Any) -> dict[str, Any]:
    return {"key": key, "why": "hard_bounce", "detail": GONE} | changes


def command(world: World, verb: str, **changes: Any) -> str:
    """Gives it, obeys it; the effect."""
    id_ = world.a_command(verb, changes.pop("about", None), **changes)
    with world.database.begin() as connection:
        obey(connection, world.catalogue, world.clock())
    [row] = world.rows(obeyed_commands, obeyed_commands.c.command_id == id_)
    return str(row.effect)


def stop(world: World, **arguments: Any) -> str:
    return command(world, "stop", arguments=told(**arguments))


def waits(world: World, **changes: Any) -> UUID:
    """A delivery that is due for the office's mailbox."""
    return world.a_delivery(**({"mailbox": KEY} | changes))


def prepared(address: str = "office@prosecutor.example", **changes: Any) -> Prepared:
    due = a_due(**changes)
    email = Email(
        delivery_id=due.id,
        from_="Letters <letters@send.example>",
        to=address,
        reply_to=None,
        subject="About Mikita",
        text="…",
        html="…",
    )
    return emailed(due, email, NOON, holder=None)


def test_a_stop_holds_what_waits_for_that_address(world: World) -> None:
    theirs, other = waits(world), waits(world, mailbox=mailbox_key("b@other.example"))

    effect = stop(world)

    row = world.delivery(theirs)
    assert effect == "stopped; deliveries held: 1"
    assert row.state == "due"
    assert row.held_reason.startswith(f"The address is stopped. {GONE}")
    assert row.woken_at is None
    assert world.delivery(other).held_reason is None


def test_no_reason_and_no_log_line_holds_an_address(small_world: World) -> None:
    told_us = waits(small_world)
    with capture_logs() as logs:
        command(small_world, "stop", about=told_us, arguments=told())

    [line] = [line for line in logs if line["event"] == "address_stopped"]
    assert line["log_level"] == "error"
    assert (line["recipient"], line["why"], line["held"]) == ("prosecutor", "hard_bounce", 1)
    said = f"{logs} {small_world.delivery(told_us).held_reason} {small_world.rows(stops)}"
    assert "@" not in said


def test_a_second_stop_changes_nothing(world: World) -> None:
    stop(world)

    assert stop(world, why="soft_bounces") == "no effect: it is stopped already"
    [row] = world.rows(stops)
    assert row.why == "hard_bounce"


def test_it_stops_again_after_it_was_lifted(world: World) -> None:
    stop(world)
    command(world, "lift", arguments={"key": KEY})

    assert stop(world).startswith("stopped")
    assert len(world.rows(stops)) == 2


@pytest.mark.parametrize(("hours", "stays"), [(-1, "lifted"), (1, "stopped")])
def test_a_fact_from_before_the_lift_stops_nothing_again(
    hours: int, stays: str, small_world: World
) -> None:
    stop(small_world)
    command(small_world, "lift", arguments={"key": KEY})

    stop(small_world, occurred_at=(NOON + hours * HOUR).isoformat())

    with small_world.database.read() as connection:
        assert bool(stopped(connection, [KEY])) is (stays == "stopped")


@pytest.mark.parametrize("key", ["office@prosecutor.example", "recipient:", "", "recipient:A b"])
def test_a_key_that_is_none_stops_nothing(key: str, small_world: World) -> None:
    assert stop(small_world, key=key).startswith("no effect")
    assert small_world.rows(stops) == []


def test_a_stopped_recipient_gets_nothing_by_any_channel(world: World) -> None:
    held = [waits(world), world.a_delivery(channel="letter")]
    other = world.a_delivery(recipient="minister")

    stop(world, key="recipient:prosecutor", why="complaint")

    reasons = [world.delivery(one).held_reason for one in held]
    assert all(reason.startswith("The recipient is stopped. ") for reason in reasons)
    assert world.delivery(other).held_reason is None


def test_a_stopped_address_leaves_letters_alone(small_world: World) -> None:
    letter = small_world.a_delivery(channel="letter")

    stop(small_world)

    assert small_world.delivery(letter).held_reason is None


@pytest.mark.parametrize("state", ["sending", "handed_over", "unknown", "cancelled", "refused"])
def test_what_does_not_wait_is_not_held(state: str, small_world: World) -> None:
    delivery = waits(small_world, state=state)

    stop(small_world)

    assert small_world.delivery(delivery).held_reason is None


def test_test_mode_is_never_held(small_world: World) -> None:
    delivery, ready = waits(small_world, mode="test"), prepared(mode="test")

    stop(small_world)

    assert small_world.delivery(delivery).held_reason is None
    assert claimed_later(small_world, ready) == set()


def test_another_reason_to_hold_stays(small_world: World) -> None:
    delivery = waits(small_world, held_reason="The case is stopped.")

    stop(small_world)
    command(small_world, "lift", arguments={"key": KEY})

    assert small_world.delivery(delivery).held_reason == "The case is stopped."


def test_a_lift_lets_go_what_was_held_for_it(world: World) -> None:
    soon, planned = waits(world), waits(world, next_attempt_at=NOON + 5 * HOUR)
    stop(world)

    effect = command(world, "lift", arguments={"key": KEY})

    assert effect == "lifted; deliveries due again: 2"
    assert world.delivery(soon).held_reason is None
    assert world.delivery(soon).next_attempt_at == NOON + AFTER_LIFT
    assert world.delivery(planned).next_attempt_at == NOON + 5 * HOUR
    [row] = world.rows(stops)
    assert (row.lifted_at, row.lifted_by) == (NOON, "ops")
    assert command(world, "lift", arguments={"key": KEY}) == "no effect: it is not stopped"


def claimed_later(world: World, *ready: Prepared) -> set[UUID]:
    with world.database.begin() as connection:
        return hold_stopped(connection, ready, world.catalogue, NOON)


@pytest.mark.parametrize("key", [KEY, "recipient:prosecutor"])
def test_what_is_claimed_later_is_looked_at_too(key: str, world: World) -> None:
    delivery = world.a_delivery(mailbox=None)
    stop(world, key=key)
    stopped_now = all_held(world)

    held = claimed_later(world, prepared(id=delivery))

    assert held == {delivery}
    assert all_held(world) == {delivery} | stopped_now
    assert world.delivery(delivery).held_reason is not None


def all_held(world: World) -> set[UUID]:
    return {row.id for row in world.rows(deliveries, deliveries.c.held_reason.is_not(None))}


def test_what_was_held_at_its_claim_is_let_go_by_the_lift(small_world: World) -> None:
    delivery = small_world.a_delivery(mailbox=None)
    stop(small_world)
    claimed_later(small_world, prepared(id=delivery))

    effect = command(small_world, "lift", arguments={"key": KEY})

    assert effect == "lifted; deliveries due again: 1"
    assert small_world.delivery(delivery).held_reason is None


def test_what_goes_elsewhere_is_not_held_at_its_claim(small_world: World) -> None:
    stop(small_world)

    assert claimed_later(small_world, prepared("new@prosecutor.example")) == set()


def test_the_same_mailbox_in_other_letters_is_the_same(small_world: World) -> None:
    delivery = small_world.a_delivery()
    stop(small_world)

    assert claimed_later(small_world, prepared("Office@Prosecutor.EXAMPLE", id=delivery)) == {
        delivery
    }


OTHER = a_mailbox(email="new@prosecutor.example", since=dt.date(2027, 1, 1))
NO_PAPER = a_recipient(addresses=())
EMAIL_ONLY = a_case(policy=a_policy(channels=("email",)))


@pytest.mark.parametrize(
    ("catalogue", "suggestion"),
    [
        (a_catalogue(a_recipient(mailboxes=(a_mailbox(), OTHER))), "knows another mailbox"),
        (a_catalogue(), "A letter could go instead."),
        (a_catalogue(NO_PAPER), "No other way to this office is known"),
        (a_catalogue(a_recipient(paper_hold="sanctions")), "No other way"),
        (a_catalogue(EMAIL_ONLY), "No other way"),
        (Catalogue([]), "no longer in the catalogue"),
    ],
)
def test_the_reason_suggests_the_next_best_way(
    catalogue: Catalogue, suggestion: str, small_world: World
) -> None:
    small_world.catalogue = catalogue
    delivery = waits(small_world)

    stop(small_world)

    assert suggestion in small_world.delivery(delivery).held_reason


def test_it_is_told_how_many_wait_for_whom(world: World) -> None:
    waits(world)
    waits(world)
    waits(world, recipient="minister", channel="email")
    stop(world)
    stop(world, key="recipient:judge", why="complaint")

    with world.database.read() as connection:
        assert [one.key for one in in_force(connection)] == [KEY, "recipient:judge"]
        held = {
            (key, one.recipient): one.held
            for key, some in waiting(connection).items()
            for one in some
        }
    assert held == {(KEY, "prosecutor"): 2, (KEY, "minister"): 1}


def test_policy_refusals_slow_the_domain_and_a_person_lets_it_go_on(small_world: World) -> None:
    slow = {"domain": "prosecutor.example"}

    effects = [command(small_world, "slow", arguments=slow) for _ in range(3)]

    assert "stopped until" in effects[-1]
    assert command(small_world, "resume", arguments=slow) == "emails to prosecutor.example go on"
    assert command(small_world, "resume", arguments=slow).startswith("no effect")
    assert command(small_world, "slow", arguments={}).startswith("no effect")


def test_what_is_held_is_not_claimed(world: World) -> None:
    theirs, other = world.a_delivery(), world.a_delivery()
    stop(world)
    ready = [prepared(id=theirs), prepared("b@other.example", id=other)]

    with world.database.begin() as connection:
        held = hold_stopped(connection, ready, world.catalogue, NOON)
        ours = claim(connection, [(one, "ses") for one in ready], NOON)

    assert (held, ours) == ({theirs}, {other})


def test_a_stop_beside_many_claims_neither_deadlocks_nor_loses_any(postgres_world: World) -> None:
    world = postgres_world
    ids = [waits(world) for _ in range(60)]
    begin = threading.Barrier(5)

    def claims(number: int) -> None:
        begin.wait()
        for some in range(0, 60, 10):
            mine = [prepared(id=one) for one in random.Random(number + some).sample(ids, 20)]
            with world.database.begin() as connection:
                hold_stopped(connection, mine, world.catalogue, NOON)
                claim(connection, [(one, "ses") for one in mine], NOON)

    def stops_it() -> None:
        begin.wait()
        stop(world)

    with ThreadPoolExecutor(5) as threads:
        done = [threads.submit(claims, number) for number in range(4)]
        done.append(threads.submit(stops_it))
    for one in done:
        one.result()

    states = [(row.state, row.held_reason is not None) for row in map(world.delivery, ids)]
    assert set(states) <= {("sending", False), ("due", True), ("due", False)}
    with world.database.begin() as connection:  # what nobody looked at meanwhile is held later
        late = [prepared(id=one) for one in ids]
        hold_stopped(connection, late, world.catalogue, NOON)
        assert claim(connection, [(one, "ses") for one in late], NOON) == set()
