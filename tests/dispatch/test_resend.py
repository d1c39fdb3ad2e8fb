"""RESEND: what came back leaves again on a new delivery, once, and as it would today."""

import datetime as dt
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import delete, update

from services.dispatch.plan import plan_new_actions
from services.dispatch.providers.contract import Refused
from services.dispatch.resend import AFTER_LOAD, SAYS, resend
from shared.again import SEEN_BY_DISPATCH
from shared.clock import new_id
from shared.tables.dispatch import carriages, deliveries
from shared.tables.intake import actions
from shared.tables.pacing import mailbox_key
from tests.dispatch.builders import NOON, World
from tests.dispatch.entries import a_case, a_catalogue, a_mailbox, a_policy, a_recipient
from tests.dispatch.test_digests import a_digest, some_actions
from tests.dispatch.test_stops import KEY, command, stop

NEW = "new@prosecutor.example"
CORRECTED = a_catalogue(a_recipient(mailboxes=(a_mailbox(email=NEW),)))
LATER = NOON + dt.timedelta(days=3)


def came_back(world: World, **changes: Any) -> UUID:
    """A single email that was handed over; of what became of it, dispatch knows nothing."""
    gone: dict[str, Any] = {"state": "handed_over", "attempts": 1, "woken_at": None, "mailbox": KEY}
    return world.a_delivery(**(gone | changes))


def sent_again(world: World, delivery: UUID) -> str:
    """Gives the command, obeys it; the effect."""
    return command(world, "resend", about=delivery)


def again_of(world: World, delivery: UUID) -> Any:
    [row] = world.rows(deliveries, deliveries.c.again_of == delivery)
    return row


def resting(world: World, delivery: UUID) -> set[UUID]:
    return {row.action_id for row in world.rows(carriages, carriages.c.delivery_id == delivery)}


def test_what_came_back_rests_on_a_new_delivery_that_is_due(world: World) -> None:
    delivery = came_back(world, why="A message of its own. Its turn is tomorrow.", kind="appeal")
    carried = resting(world, delivery)
    world.clock.at = LATER

    effect = sent_again(world, delivery)

    earlier, again = world.delivery(delivery), again_of(world, delivery)
    assert effect == f"sent again as {again.id}"
    assert (again.state, again.planned_at) == ("due", LATER)
    assert again.next_attempt_at == LATER + AFTER_LOAD
    assert (again.held_reason, again.attempts, again.provider_id) == (None, 0, None)
    told = ("mode", "campaign", "case", "kind", "channel", "language", "recipient", "carrier")
    assert [getattr(again, name) for name in told] == [getattr(earlier, name) for name in told]
    assert again.why == "Sent again: the first one came back. A message of its own."
    assert (resting(world, delivery), resting(world, again.id)) == (set(), carried)
    assert (earlier.state, earlier.again_of, earlier.moved_to) == ("handed_over", None, again.id)


def test_it_leaves_under_an_id_and_a_key_of_its_own(world: World) -> None:
    delivery = world.a_delivery()
    world.deliver(delivery)
    sent_again(world, delivery)
    again = again_of(world, delivery).id
    world.wake(again)

    world.deliver(again)

    assert world.emails.calls == [delivery, again]
    [first], [second] = world.attempts(delivery), world.attempts(again)
    assert (first.idempotency_key, second.idempotency_key) == (str(delivery), str(again))
    assert world.delivery(again).state == "handed_over"


def test_what_the_provider_refused_leaves_again(world: World) -> None:
    world.emails.script = [Refused("no such address")]
    delivery = world.a_delivery()
    world.deliver(delivery)

    assert sent_again(world, delivery).startswith("sent again as")


def test_it_goes_to_the_mailbox_of_today(small_world: World) -> None:
    delivery = came_back(small_world)
    small_world.catalogue = CORRECTED

    sent_again(small_world, delivery)
    again = again_of(small_world, delivery)
    small_world.wake(again.id)
    small_world.deliver(again.id)

    assert again.mailbox == mailbox_key(NEW)
    assert [one.to for one in small_world.emails.handed] == [NEW]  # type: ignore[union-attr]


def test_without_a_mailbox_today_it_keeps_the_line_of_the_one_before(small_world: World) -> None:
    delivery = came_back(small_world)
    small_world.catalogue = a_catalogue(a_recipient(mailboxes=()))

    sent_again(small_world, delivery)

    assert again_of(small_world, delivery).mailbox == KEY


@pytest.mark.parametrize("changes", [{"mode": "test"}, {"channel": "letter"}])
def test_what_keeps_no_pace_gets_no_mailbox(changes: dict[str, Any], small_world: World) -> None:
    delivery = came_back(small_world, mailbox=None, **changes)

    sent_again(small_world, delivery)

    assert again_of(small_world, delivery).mailbox is None


def test_what_came_back_twice_leaves_a_third_time(world: World) -> None:
    first = came_back(world, why="A message of its own, due at once.")
    carried = resting(world, first)
    sent_again(world, first)
    second = again_of(world, first).id
    with world.database.begin() as connection:
        gone = {"state": "handed_over", "attempts": 1}
        connection.execute(update(deliveries).where(deliveries.c.id == second).values(gone))

    sent_again(world, second)

    third = again_of(world, second)
    assert third.why == "Sent again: the first one came back. A message of its own, due at once."
    assert resting(world, third.id) == carried
    moved = [world.delivery(one).moved_to for one in (first, second, third.id)]
    assert moved == [third.id, third.id, None]


def test_an_action_that_was_sent_again_is_not_planned_anew(world: World) -> None:
    sent_again(world, came_back(world))

    with world.database.begin() as connection:
        planned = plan_new_actions(connection, world.catalogue, NOON)

    assert planned.deliveries == 0


@pytest.mark.parametrize("state", ["due", "sending", "unknown", "cancelled"])
def test_what_has_not_ended_does_not_leave_again(state: str, small_world: World) -> None:
    delivery = came_back(small_world, state=state)

    assert sent_again(small_world, delivery).startswith("no effect: it has not ended")
    assert len(small_world.rows(deliveries)) == 1


@pytest.mark.parametrize("state", ["unknown", "started"])
def test_what_may_have_been_taken_unseen_does_not_leave_again(
    state: str, small_world: World
) -> None:
    delivery = came_back(small_world)
    small_world.an_attempt(delivery, state=state)

    assert "may have been taken unseen" in sent_again(small_world, delivery)


def test_a_notice_is_not_sent_again(small_world: World) -> None:
    delivery = came_back(small_world, carrier="notice", recipient="notice/confirm")

    assert sent_again(small_world, delivery).startswith("no effect: a notice")


def test_each_reason_against_it_is_said_in_words() -> None:
    assert set(SAYS) == set(SEEN_BY_DISPATCH)


def test_a_delivery_that_nobody_knows_has_no_effect(small_world: World) -> None:
    assert sent_again(small_world, new_id()) == "no effect: there is no such delivery"


def test_a_second_command_makes_no_second_delivery(world: World) -> None:
    delivery = came_back(world)

    effects = [sent_again(world, delivery) for _ in range(2)]

    assert effects[1] == "no effect: it was sent again already"
    assert again_of(world, delivery)


def test_two_relays_at_once_send_it_again_once(postgres_world: World) -> None:
    world = postgres_world
    delivery = came_back(world)
    row = world.rows(deliveries)[0]
    asked = type("Command", (), {"delivery_id": delivery})
    both = threading.Barrier(2)

    def obeyed(_: int) -> str:
        with world.database.begin() as connection:
            both.wait()
            return resend(connection, asked, world.catalogue, NOON)

    with ThreadPoolExecutor(2) as threads:
        effects = sorted(threads.map(obeyed, range(2)))

    assert effects[0] == "no effect: it was sent again already"
    assert effects[1] == f"sent again as {again_of(world, row.id).id}"


def test_what_was_taken_back_is_not_sent_again(small_world: World) -> None:
    delivery = came_back(small_world)
    with small_world.database.begin() as connection:
        connection.execute(update(actions).values(standing="disowned"))

    assert sent_again(small_world, delivery).startswith("no effect: nothing rests on it")


def test_a_delivery_that_carries_nothing_is_not_sent_again(small_world: World) -> None:
    delivery = came_back(small_world)
    with small_world.database.begin() as connection:
        connection.execute(delete(carriages))

    assert sent_again(small_world, delivery).startswith("no effect: nothing rests on it")


def a_digest_that_came_back(world: World, *action_ids: UUID) -> UUID:
    return a_digest(world, *action_ids, state="handed_over", attempts=1, woken_at=None)


def test_a_digest_that_leaves_again_disturbs_no_open_one(world: World) -> None:
    still, back = some_actions(world, 2)
    gathering = a_digest(world, still, closed_at=None, woken_at=None)
    digest = a_digest_that_came_back(world, back)

    sent_again(world, digest)

    assert again_of(world, digest).closed_at == NOON
    assert world.delivery(gathering).closed_at is None
    assert resting(world, gathering) == {still}


def test_a_petition_is_not_sent_again_while_nobody_hands_petitions_over(
    small_world: World,
) -> None:
    gone = came_back(small_world, carrier="petition", channel="petition", mailbox=None)
    carried = resting(small_world, gone)

    assert sent_again(small_world, gone).startswith("no effect: a petition is not sent again")
    assert resting(small_world, gone) == carried


def test_for_a_stopped_mailbox_it_is_held_at_once(world: World) -> None:
    delivery = came_back(world)
    stop(world)

    effect = sent_again(world, delivery)

    again = again_of(world, delivery)
    assert effect == f"sent again as {again.id}; it waits for a person"
    assert again.held_reason.startswith("The address is stopped. ")
    command(world, "lift", arguments={"key": KEY})
    assert world.delivery(again.id).held_reason is None


def test_what_was_held_so_goes_on_when_the_pack_is_mended(small_world: World) -> None:
    delivery = came_back(small_world)
    stop(small_world)
    sent_again(small_world, delivery)
    small_world.catalogue = CORRECTED

    stop(small_world, key="recipient:nobody")  # after any stop, what is held is looked at

    again = again_of(small_world, delivery)
    assert (again.held_reason, again.mailbox) == (None, mailbox_key(NEW))


@pytest.mark.parametrize("mode", ["live", "test"])
def test_for_a_stopped_recipient_it_is_held_where_it_is_in_earnest(
    mode: str, small_world: World
) -> None:
    delivery = came_back(small_world, mode=mode)
    stop(small_world, key="recipient:prosecutor", why="complaint")

    sent_again(small_world, delivery)

    held = again_of(small_world, delivery).held_reason
    assert (held is not None) is (mode == "live")


def test_an_embargo_that_came_since_is_kept(small_world: World) -> None:
    until = NOON + dt.timedelta(days=9)
    delivery = came_back(small_world)
    small_world.catalogue = a_catalogue(a_case(policy=a_policy(embargo_until=until)))

    sent_again(small_world, delivery)

    assert again_of(small_world, delivery).next_attempt_at == until
