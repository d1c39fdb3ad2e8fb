"""A domain that refuses by policy is left alone for a while, and somebody is told."""

import datetime as dt

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from services.dispatch.pacing.breaker import (
    FIRST_STOP,
    LONGEST_STOP,
    QUIET,
    THRESHOLD,
    refused,
    reopen,
    resume,
)
from tests.dispatch.builders import World
from tests.dispatch.pacing.test_guard import TEN, ask, row, wanted

DOMAIN = "prosecutor.example"
MINUTE = dt.timedelta(minutes=1)


def refuse(world: World, times: int = 1, at: dt.datetime = TEN) -> str:
    with world.database.begin() as connection:
        return [refused(connection, DOMAIN, at) for _ in range(times)][-1]


def stopped_for(world: World) -> dt.timedelta | None:
    found = row(world, f"@{DOMAIN}")
    return found.stopped_until - found.stopped_at if found.stopped_at else None


def reopened(world: World, at: dt.datetime) -> list[str]:
    with world.database.begin() as connection:
        return reopen(connection, at)


def test_three_rejections_in_a_row_stop_the_domain_and_it_says_so(world: World) -> None:
    with capture_logs() as logs:
        effects = [refuse(world, at=TEN + n * MINUTE) for n in range(THRESHOLD)]

    assert effects[0] == "1 of 3 rejections that stop prosecutor.example"
    assert effects[2].startswith("prosecutor.example is stopped until 01 June 2026 13:02")
    assert stopped_for(world) == FIRST_STOP
    assert "refused 3 emails in a row" in row(world, f"@{DOMAIN}").stopped_why
    assert [(one["event"], one["log_level"]) for one in logs] == [("domain_stopped", "error")]
    assert ask(world, wanted(), at=TEN + 3 * MINUTE).ids == set()


def test_another_domain_goes_on(small_world: World) -> None:
    refuse(small_world, THRESHOLD)

    assert len(ask(small_world, wanted("office@ministry.example")).ids) == 1


def test_rejections_a_quiet_day_apart_stop_nothing(small_world: World) -> None:
    for n in range(2 * THRESHOLD):
        refuse(small_world, at=TEN + n * QUIET)

    assert stopped_for(small_world) is None


def test_after_its_time_it_gets_another_chance(world: World) -> None:
    refuse(world, THRESHOLD)

    early = reopened(world, TEN + FIRST_STOP - MINUTE)
    then = reopened(world, TEN + FIRST_STOP)

    assert (early, then) == ([], [DOMAIN])
    assert len(ask(world, wanted(), at=TEN + FIRST_STOP).ids) == 1


def test_each_further_rejection_stops_it_for_twice_as_long_up_to_three_days(world: World) -> None:
    at, lasted = TEN, []
    refuse(world, THRESHOLD - 1)
    for _ in range(6):
        refuse(world, at=at)
        pause = stopped_for(world)
        assert pause
        lasted.append(pause)
        at += pause + MINUTE
        reopened(world, at)

    hours = [pause / dt.timedelta(hours=1) for pause in lasted]
    assert hours == [6, 12, 24, 48, 72, 72]
    assert lasted[-1] == LONGEST_STOP


def test_what_was_refused_before_the_stop_and_is_told_later_makes_it_no_longer(
    small_world: World,
) -> None:
    refuse(small_world, THRESHOLD)

    effect = refuse(small_world, 5, TEN + MINUTE)

    assert effect == "prosecutor.example is stopped already"
    assert stopped_for(small_world) == FIRST_STOP


def test_a_quiet_day_after_a_stop_forgets_it(small_world: World) -> None:
    refuse(small_world, THRESHOLD)
    reopened(small_world, TEN + FIRST_STOP)

    effect = refuse(small_world, at=TEN + FIRST_STOP + QUIET)

    assert effect.startswith("1 of 3")


@pytest.mark.parametrize("times", [1, THRESHOLD])
def test_a_person_lets_it_go_on_at_once(times: int, world: World) -> None:
    refuse(world, times)

    with world.database.begin() as connection:
        was_stopped = resume(connection, f" {DOMAIN.upper()}")

    assert was_stopped == (times == THRESHOLD)
    assert len(ask(world, wanted()).ids) == 1
    assert refuse(world).startswith("1 of 3")


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(waits=st.lists(st.sampled_from([MINUTE, FIRST_STOP, QUIET, LONGEST_STOP]), max_size=12))
def test_nothing_leaves_while_a_domain_is_stopped_whenever_it_is_refused(
    waits: list[dt.timedelta], small_world: World
) -> None:
    at = TEN
    with small_world.database.begin() as connection:
        resume(connection, DOMAIN)
    for wait in waits:
        at += wait
        refuse(small_world, at=at)
        reopened(small_world, at)
        found = row(small_world, f"@{DOMAIN}")
        left = ask(small_world, wanted(f"x{at:%d%H%M}@{DOMAIN}"), at=at).ids
        if found.stopped_at:
            assert FIRST_STOP <= found.stopped_until - found.stopped_at <= LONGEST_STOP
            assert not left
