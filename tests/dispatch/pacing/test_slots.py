"""The next moment: one whole email after the one before, never nearer, in the recipient's hours."""

import datetime as dt
import time
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.dispatch.pacing.hours import Hours
from services.dispatch.pacing.slots import (
    GUARD_JITTER,
    PLAN_JITTER,
    allowance,
    closest,
    digest_slot,
    horizon,
    jitter_of,
    local_day,
    next_slot,
    opens,
    reach,
)
from shared.clock import new_id
from tests.dispatch.pacing.test_hours import HOUR, MONDAY, hours, local

ZONES = [
    *("Europe/Minsk", "Europe/Berlin", "America/New_York"),
    *("Asia/Kathmandu", "Australia/Lord_Howe"),
]
MOMENTS = st.timedeltas(dt.timedelta(0), dt.timedelta(days=700)).map(lambda some: MONDAY + some)
ANY_HOURS = st.builds(
    Hours,
    time_zone=st.sampled_from(ZONES),
    country=st.sampled_from(["BY", "DE", "US", "NP", "EG"]),
    region=st.none(),
    weekends=st.booleans(),
    per_hour=st.integers(1, 3600),
)


@given(ANY_HOURS, MOMENTS, st.floats(0, 0.25))
def test_the_rate_between_two_slots_adds_up_to_one_email_and_its_jitter(
    some: Hours, after: dt.datetime, jitter: float
) -> None:
    slot = next_slot(some, after, jitter)

    between = allowance(some, after, slot)
    assert slot - after >= closest(some)
    assert between >= 1 + jitter - 1e-6
    if slot - after > closest(some):
        assert between <= 1 + jitter + 1e-4  # no later than it must be
    assert some.rate_at(slot - dt.timedelta(microseconds=1)) > 0


@given(ANY_HOURS, MOMENTS, st.timedeltas(dt.timedelta(0), dt.timedelta(days=9)))
def test_who_leaves_later_is_followed_later(
    some: Hours, after: dt.datetime, wait: dt.timedelta
) -> None:
    one_us = dt.timedelta(microseconds=1)

    assert reach(some, after) <= reach(some, after + wait) + one_us


@given(ANY_HOURS, MOMENTS)
def test_any_two_slots_are_at_least_one_email_at_the_peak_rate_apart(
    some: Hours, after: dt.datetime
) -> None:
    apart = (next_slot(some, after, 0) - after) / dt.timedelta(seconds=1)

    assert apart * some.peak >= 3600


@pytest.mark.parametrize(
    "night", [(2026, 3, 28), (2026, 10, 24), (2027, 3, 27)], ids=["lost", "gained", "next year"]
)
def test_the_night_in_which_the_clocks_change_has_its_true_length(
    night: tuple[int, int, int],
) -> None:
    berlin = hours(time_zone="Europe/Berlin", country="DE", weekends=True)
    evening, morning = local("Europe/Berlin", *night, 12), local("Europe/Berlin", *night, 12)
    morning += dt.timedelta(days=1)

    slots = [evening.astimezone(dt.UTC)]
    while slots[-1] < morning:
        slots.append(next_slot(berlin, slots[-1], 0))

    lasted = (morning.astimezone(dt.UTC) - slots[0]) / HOUR
    assert lasted in (23, 25)
    assert len(slots) - 2 == pytest.approx(297.6 + 0.6 * (lasted - 24), abs=1.5)


def test_after_friday_comes_monday() -> None:
    friday = local("Europe/Minsk", 2026, 6, 5, 23, 59)
    weekend = local("Europe/Minsk", 2026, 6, 6, 12)
    monday = local("Europe/Minsk", 2026, 6, 8)

    assert next_slot(hours(), friday, 0) > monday
    assert opens(hours(), weekend) == monday
    assert opens(hours(), friday) == friday


def test_singles_are_planned_one_working_day_ahead() -> None:
    friday, saturday = (local("Europe/Minsk", 2026, 6, day, 17, 30) for day in (5, 6))

    assert horizon(hours(), friday) == local("Europe/Minsk", 2026, 6, 8, 17, 30)
    assert horizon(hours(), saturday) == local("Europe/Minsk", 2026, 6, 9)


def test_a_digest_leaves_at_its_hour_of_the_next_working_day() -> None:
    thursday = local("Europe/Minsk", 2026, 7, 2, 17)  # Friday is a holiday

    assert digest_slot(hours(), 16, thursday) == local("Europe/Minsk", 2026, 7, 6, 16)
    assert digest_slot(hours(), 18, thursday) == local("Europe/Minsk", 2026, 7, 2, 18)


@given(ANY_HOURS, MOMENTS, st.integers(0, 23), st.integers(0, 4))
def test_a_digest_has_a_working_day_of_its_own(
    some: Hours, now: dt.datetime, hour: int, others: int
) -> None:
    taken: set[dt.date] = set()
    for _ in range(others + 1):
        at = digest_slot(some, hour, now, taken)
        day = local_day(some, at)

        assert at >= now
        assert day not in taken
        assert some.is_open(day)
        taken.add(day)


@given(st.uuids())
def test_jitter_only_lengthens_and_is_the_same_each_time(delivery: UUID) -> None:
    for within in (GUARD_JITTER, PLAN_JITTER):
        assert within[0] <= jitter_of(delivery, within) <= within[1]
        assert jitter_of(delivery, within) == jitter_of(delivery, within)


def test_jitter_is_spread_over_deliveries() -> None:
    spread = sorted(jitter_of(new_id(), (0, 1)) for _ in range(2000))

    assert [spread[n] for n in (200, 1000, 1800)] == pytest.approx([0.1, 0.5, 0.9], abs=0.06)


def test_what_was_planned_asks_for_no_more_than_the_guard_gives() -> None:
    assert GUARD_JITTER[1] <= PLAN_JITTER[0]


def test_a_season_of_slots_takes_seconds() -> None:
    some, at = hours(weekends=True, per_hour=1200), local("Europe/Minsk", 2026, 11, 1)
    started = time.process_time()

    for _n in range(20_000):
        at = next_slot(some, at, 0.1)

    assert (time.process_time() - started) * 20 < 60  # 400,000 of them in less than a minute
