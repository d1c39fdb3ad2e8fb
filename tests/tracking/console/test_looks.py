import datetime as dt
from itertools import pairwise

import pytest

from services.tracking.console.looks import GROUPS, ORDER, ago, bar, distance, percent
from services.tracking.words import ShownState
from tests.tracking.builders import NOON


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "just now"),
        (59, "just now"),
        (60, "1 minute ago"),
        (3 * 3600, "3 hours ago"),
        (47 * 3600, "1 day ago"),
        (-30, "in a moment"),
        (-7200, "in 2 hours"),
        (400 * 86400, "1 year ago"),
    ],
)
def test_times_are_said_as_people_say_them(seconds: int, said: str) -> None:
    assert distance(NOON - dt.timedelta(seconds=seconds), NOON) == said


def test_a_time_that_is_not_there_is_never() -> None:
    assert ago(None, NOON) == "never"


@pytest.mark.parametrize(
    ("part", "whole", "said"),
    [
        (0, 0, "0 %"),
        (0, 5, "0 %"),
        (5, 5, "100.0 %"),
        (9999, 10000, "99.9 %"),
        (1, 3, "33 %"),
        (1, 1000, "0.1 %"),
    ],
)
def test_shares_are_never_rounded_to_a_lie(part: int, whole: int, said: str) -> None:
    assert percent(part, whole) == said


def test_a_bars_slices_follow_each_other_and_fill_it() -> None:
    slices = bar({state: 3 for state in ShownState}, 3 * len(ShownState))

    assert [one.state for one in slices] == list(ORDER)
    assert all(abs(one.x + one.width - after.x) < 0.01 for one, after in pairwise(slices))
    assert abs(slices[-1].x + slices[-1].width - 100) < 0.01


def test_every_state_has_its_place_and_its_group() -> None:
    grouped = [state for states in GROUPS.values() for state in states]

    assert sorted(ORDER) == sorted(ShownState)
    assert sorted(grouped) == sorted(ShownState)
