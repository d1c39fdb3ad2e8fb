"""A season seen beforehand: every action leaves once, at the pace of the mailbox."""

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from services.dispatch.forecast import IN_A_DIGEST, forecast, in_a_sentence
from services.dispatch.pacing.hours import hours_of
from shared.catalogue import Pace
from tests.dispatch.entries import a_recipient

MONDAY = dt.date(2026, 10, 26)
OFFICE = a_recipient()


@given(
    arrivals=st.lists(st.integers(0, 60_000), min_size=1, max_size=20),
    per_hour=st.integers(1, 1200),
    weekends=st.booleans(),
)
def test_every_action_leaves_once_and_none_on_a_day_off(
    arrivals: list[int], per_hour: int, weekends: bool
) -> None:
    office = a_recipient(pace=Pace(per_hour=per_hour, weekends=weekends))

    days = forecast(office, arrivals, MONDAY)

    assert sum(one.singles + one.digested for one in days) == sum(arrivals)
    assert days[-1].waiting == 0
    assert len(days) >= len(arrivals)
    for one in days:
        assert one.singles <= per_hour * 10
        assert one.digested <= IN_A_DIGEST
        assert hours_of(office).is_open(one.day) or not one.singles + one.digested


def test_few_actions_all_have_an_email_of_their_own() -> None:
    days = forecast(OFFICE, [100] * 5, MONDAY)

    assert [one.singles for one in days] == [100] * 5
    assert in_a_sentence(OFFICE, days) == (
        "At 500 actions this mailbox gets 500 emails of their own, and nothing is left for a"
        " digest."
    )


def test_four_hundred_thousand_fill_the_pace_and_the_rest_goes_as_digests() -> None:
    arrivals = [7143] * 56

    days = forecast(OFFICE, arrivals, MONDAY)

    singles = sum(one.singles for one in days)
    digests = [one.digested for one in days if one.digested]
    working = [one for one in days if hours_of(OFFICE).is_open(one.day)]
    assert 250 <= singles / len(working) <= 262
    assert len(digests) == len(working)
    said = in_a_sentence(OFFICE, days)
    assert said.startswith(f"At 400,008 actions this mailbox gets {singles:,} emails of their own")
    assert f"the other {400_008 - singles:,} go as {len(digests)} digests" in said


def test_what_comes_on_a_weekend_waits_for_monday() -> None:
    saturday = dt.date(2026, 10, 31)

    days = forecast(OFFICE, [10, 0, 0], saturday)

    assert [one.singles for one in days] == [0, 0, 10]
    assert [one.waiting for one in days] == [10, 10, 0]
