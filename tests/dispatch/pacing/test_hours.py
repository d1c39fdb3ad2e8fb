"""What a mailbox takes at a moment: little at night, nothing on a day off, never above its pace."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.dispatch.pacing.hours import (
    CEILING,
    CURVE,
    WORKING_HOURS,
    Hours,
    hours_of,
    is_working_day,
)
from services.dispatch.pacing.slots import allowance
from shared.catalogue import Pace
from tests.dispatch.entries import a_recipient

MONDAY = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)  # a working day in most of the world
HOUR = dt.timedelta(hours=1)


def hours(**changes: object) -> Hours:
    fields = {
        "time_zone": "Europe/Minsk",  # three hours east, no summer time
        "country": "BY",
        "region": None,
        "weekends": False,
        "per_hour": 30,
    }
    return Hours(**{**fields, **changes})  # type: ignore[arg-type]


def local(zone: str, *when: int) -> dt.datetime:
    return dt.datetime(*when, tzinfo=ZoneInfo(zone))  # type: ignore[arg-type,misc]


def test_the_curve_is_the_one_that_was_found_elsewhere() -> None:
    assert sum(CURVE) == pytest.approx(9.92)
    assert [hour for hour, share in enumerate(CURVE) if share == 1.0] == [10, 15]
    assert min(CURVE) == CURVE[0] == CURVE[23] == 0.02
    assert len(CURVE) == 24


def test_thirty_an_hour_are_about_three_hundred_a_day() -> None:
    midnight = local("Europe/Minsk", 2026, 6, 1)

    assert allowance(hours(), midnight, midnight + 24 * HOUR) == pytest.approx(297.6)


def test_the_rate_follows_the_recipients_own_clock() -> None:
    ten_in_minsk = MONDAY + 7 * HOUR

    assert hours().rate_at(ten_in_minsk) == 30
    assert hours(time_zone="UTC").rate_at(ten_in_minsk) == pytest.approx(9)


def test_nothing_leaves_on_a_weekend() -> None:
    saturday, sunday = MONDAY + 5 * 24 * HOUR, MONDAY + 6 * 24 * HOUR

    assert [hours().rate_at(day + 9 * HOUR) for day in (saturday, sunday)] == [0, 0]


def test_the_weekend_is_the_countrys_own() -> None:
    friday, sunday = dt.date(2026, 6, 5), dt.date(2026, 6, 7)

    assert not is_working_day("EG", None, friday)
    assert is_working_day("EG", None, sunday)


def test_nothing_leaves_on_a_public_holiday() -> None:
    independence = local("Europe/Minsk", 2026, 7, 3, 10)  # a Friday

    assert hours().rate_at(independence) == 0


def test_a_holiday_of_a_region_counts_where_it_is_named() -> None:
    epiphany = dt.date(2026, 1, 6)  # in Bavaria

    assert is_working_day("DE", None, epiphany)
    assert not is_working_day("DE", "BY", epiphany)


def test_a_saturday_that_the_country_works_on_is_a_working_day() -> None:
    assert is_working_day("RU", None, dt.date(2025, 11, 1))  # for Monday, 3 November


def test_of_a_country_without_a_calendar_weekdays_are_known() -> None:
    days = [dt.date(2026, 6, day) for day in (5, 6, 7, 8)]

    assert [is_working_day("ZZ", "X", day) for day in days] == [True, False, False, True]


def test_a_region_that_is_none_is_left_out() -> None:
    assert is_working_day("DE", "nowhere", dt.date(2026, 1, 6))


def test_an_office_may_take_emails_on_days_off() -> None:
    sunday = local("Europe/Minsk", 2026, 6, 7, 10)

    assert hours(weekends=True).rate_at(sunday) == 30


def test_in_working_hours_even_the_slowest_takes_one_an_hour() -> None:
    slow, midnight = hours(per_hour=1), local("Europe/Minsk", 2026, 6, 1)

    rates = [slow.rate_at(midnight + hour * HOUR) for hour in range(24)]

    assert {rates[hour] for hour in WORKING_HOURS} == {1}
    assert max(rates) == 1


@given(
    per_hour=st.integers(1, 3600),
    since_then=st.timedeltas(dt.timedelta(0), dt.timedelta(days=700)),
    zone=st.sampled_from(["Europe/Minsk", "Asia/Kathmandu", "America/St_Johns", "Pacific/Apia"]),
)
def test_no_rate_is_above_the_pace_or_above_what_a_mailbox_takes(
    per_hour: int, since_then: dt.timedelta, zone: str
) -> None:
    some = hours(per_hour=per_hour, time_zone=zone)

    assert 0 <= some.rate_at(MONDAY + since_then) <= min(per_hour, CEILING)


def test_a_recipient_tells_its_hours() -> None:
    pace = Pace(per_hour=12, weekends=True, region="HM")

    told = hours_of(a_recipient(pace=pace))

    assert told == Hours("Europe/Minsk", "BY", "HM", True, 12)
