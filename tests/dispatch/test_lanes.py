"""The account's rate is kept by all workers together, and found again after a "too fast"."""

import datetime as dt
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select

from services.dispatch import lanes
from services.dispatch.lanes import LONGEST_TURN, QUIET, SLOWEST, Turn
from services.dispatch.providers.contract import (
    Account,
    Email,
    LaneHeld,
    LaneReason,
    Letter,
    Taken,
    TryLater,
)
from shared.tables.pacing import lanes as table
from tests.dispatch.builders import NOON, FakeProvider, World

SECOND = dt.timedelta(seconds=1)


def an_account(**changes: object) -> Account:
    said: dict[str, object] = {
        "max_24h": 50_000,
        "max_rate_per_s": 14.0,
        "sent_24h": 0,
        "sending_enabled": True,
        "enforcement": "HEALTHY",
    }
    return Account(**said | changes)  # type: ignore[arg-type]


def known(world: World, account: Account | None = None, now: dt.datetime = NOON) -> None:
    """The account was asked."""
    with world.database.begin() as connection:
        lanes.book(connection, "ses", 0, now, metered=True)
        lanes.learn(connection, "ses", account or an_account(), now)


def book(world: World, number: int = 1, now: dt.datetime = NOON, *, metered: bool = True) -> Turn:
    with world.database.begin() as connection:
        return lanes.book(connection, "ses", number, now, metered=metered)


def rate(world: World) -> float | None:
    with world.database.read() as connection:
        found: float | None = connection.scalar(select(table.c.rate_per_s))
        return found


def in_any_second(moments: Sequence[dt.datetime]) -> int:
    """The most of them in any window of one second."""
    ordered = sorted(moments)
    return max(sum(one <= other < one + SECOND for other in ordered) for one in ordered)


def test_a_provider_that_tells_no_limit_has_none(world: World) -> None:
    assert book(world, 1000, metered=False) == Turn(NOON)


def test_one_worker_alone_is_asked_to_ask_the_account(world: World) -> None:
    assert [book(world).ask for _ in range(3)] == [True, False, False]
    assert book(world, now=NOON + lanes.ASK_EVERY).ask
    assert not book(world, now=NOON + lanes.ASK_EVERY).ask


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    quota=st.integers(2, 50),
    chunks=st.lists(st.tuples(st.integers(1, 20), st.integers(0, 3000)), min_size=1, max_size=30),
)
def test_no_second_has_more_calls_than_the_account_allows_and_one_burst(
    small_world: World, quota: int, chunks: list[tuple[int, int]]
) -> None:
    with small_world.database.begin() as connection:
        connection.execute(delete(table))
    known(small_world, an_account(max_rate_per_s=float(quota)))
    now, calls = NOON, []
    for number, milliseconds in chunks:
        now += dt.timedelta(milliseconds=milliseconds)
        turn = book(small_world, number, now)
        if not turn.why_later:
            calls += [max(turn.place(one), now) for one in range(number)]

    if calls:
        assert in_any_second(calls) <= 2 * quota + 1  # a rested lane gives one second's worth more
    # Over any longer time the burst no longer counts.
    span = (max(calls) - NOON).total_seconds() if calls else 0
    assert len(calls) <= quota * (span + 1) + 1.001  # places are rounded to microseconds


def test_workers_at_the_same_moment_get_places_one_after_another(world: World) -> None:
    known(world)
    with ThreadPoolExecutor(8) as threads:
        turns = list(threads.map(lambda _: book(world, 5), range(12)))

    calls = [turn.place(one) for turn in turns for one in range(5) if not turn.why_later]
    assert len(calls) == len(set(calls)) == 60
    assert in_any_second(calls) == 14


def test_a_turn_too_late_to_wait_for_books_nothing(world: World) -> None:
    known(world)
    while not (turn := book(world, 20)).why_later:
        pass

    assert turn.at > NOON + LONGEST_TURN
    assert book(world, 20).at == turn.at


def test_too_fast_slows_everybody_down_once(world: World) -> None:
    known(world)
    with world.database.begin() as connection:
        for _ in range(5):  # five workers hear the same
            lanes.slow_down(connection, "ses", NOON)
    assert rate(world) == pytest.approx(9.8)

    for later in range(1, 60):
        with world.database.begin() as connection:
            lanes.slow_down(connection, "ses", NOON + later * SECOND)
    assert rate(world) == SLOWEST


def test_quiet_minutes_win_the_rate_back_and_no_more(world: World) -> None:
    known(world)
    with world.database.begin() as connection:
        lanes.slow_down(connection, "ses", NOON)
    known(world, now=NOON + QUIET / 2)
    assert rate(world) == pytest.approx(9.8)

    rates = []
    for minute in range(1, 6):
        known(world, now=NOON + minute * QUIET)
        rates.append(rate(world))
    assert rates == pytest.approx([11.2, 12.6, 14, 14, 14])


def test_a_smaller_quota_counts_at_once(world: World) -> None:
    known(world)
    known(world, an_account(max_rate_per_s=1.0), NOON + SECOND)
    assert rate(world) == 1


@pytest.mark.parametrize(
    "says", [{"sending_enabled": False}, {"max_24h": 200, "sent_24h": 200}], ids=["off", "quota"]
)
def test_an_account_that_cannot_send_holds_the_lane_until_it_can(
    world: World, says: dict[str, object]
) -> None:
    known(world, an_account(**says))
    turn = book(world)
    assert turn.why_later
    assert turn.at > NOON

    known(world, an_account(), NOON + lanes.ASK_EVERY)
    assert not book(world, now=NOON + lanes.ASK_EVERY).why_later


def test_what_a_call_said_of_the_lane_is_not_undone_by_the_account(world: World) -> None:
    known(world)
    with world.database.begin() as connection:
        lanes.hold(connection, "ses", NOON + dt.timedelta(minutes=15), "not verified")
    known(world, now=NOON + lanes.ASK_EVERY)

    assert book(world, now=NOON + lanes.ASK_EVERY).why_later == "not verified"
    assert not book(world, now=NOON + dt.timedelta(minutes=15)).why_later


class Metered(FakeProvider):
    """Tells its account."""

    account_says: Account | Exception = an_account()
    asked_account = 0

    def account(self) -> Account:
        self.asked_account += 1
        if isinstance(self.account_says, Exception):
            raise self.account_says
        return self.account_says


def metered(world: World) -> Metered:
    world.emails = Metered("ses")
    return world.emails


def test_a_worker_asks_the_account_before_its_first_call(world: World) -> None:
    emails = metered(world)
    world.deliver(world.a_delivery(), world.a_delivery())

    assert emails.asked_account == 1
    assert rate(world) == 14
    assert len(emails.calls) == 2


def test_an_account_that_does_not_answer_stops_nothing(small_world: World) -> None:
    emails = metered(small_world)
    emails.account_says = TryLater("not reached")
    one = small_world.a_delivery()
    small_world.deliver(one)

    assert small_world.delivery(one).state == "handed_over"


def test_a_held_lane_is_held_for_every_worker(world: World) -> None:
    world.emails.script = [LaneHeld("suspended", after_s=900)]
    world.deliver(world.a_delivery())
    second = world.a_delivery()
    world.deliver(second)

    assert len(world.emails.calls) == 1
    row = world.delivery(second)
    assert (row.state, row.attempts, row.woken_at) == ("due", 0, None)
    assert row.next_attempt_at == NOON + dt.timedelta(seconds=900)

    world.clock.pass_s(901)
    third = world.a_delivery()
    world.deliver(third)
    assert world.delivery(third).state == "handed_over"


def test_a_throttle_ends_the_chunk_and_wears_nobody_out(world: World) -> None:
    with world.database.begin() as connection:
        connection.execute(insert(table).values(provider="ses", rate_per_s=10.0, quota_per_s=10.0))

    def throttle(_: Email | Letter) -> Taken:
        raise TryLater("too fast", throttled=True)

    world.emails.script = [throttle]
    worn, other = world.a_delivery(attempts=11), world.a_delivery(attempts=11)
    world.deliver(worn, other)

    assert len(world.emails.calls) == 1
    assert rate(world) == pytest.approx(7)
    for one in (worn, other):
        row = world.delivery(one)
        assert (row.state, row.held_reason) == ("due", None)
        assert row.next_attempt_at - NOON < dt.timedelta(seconds=7)


def test_a_sender_that_is_not_verified_holds_nobody_elses_lane(world: World) -> None:
    fault = LaneHeld("not verified", after_s=900, reason=LaneReason.NOT_VERIFIED)
    world.emails.script = [fault]
    ids = [world.a_delivery(), world.a_delivery()]

    world.deliver(*ids)

    assert sorted(world.delivery(one).state for one in ids) == ["due", "handed_over"]
    assert not book(world).why_later


def test_a_person_looks_at_a_sender_that_stays_unverified(world: World) -> None:
    fault = LaneHeld("not verified", after_s=900, reason=LaneReason.NOT_VERIFIED)
    world.emails.script = [fault]
    one = world.a_delivery(attempts=11)

    world.deliver(one)

    assert world.delivery(one).held_reason == "12 attempts failed; the last: not verified"
