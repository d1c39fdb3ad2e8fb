import datetime as dt
import re
from dataclasses import replace
from uuid import UUID

import pytest

from shared.api_keys import Client, Mode
from shared.http.limits import DAILY_CAP, Limit, Limits
from shared.http.problems import TOO_MANY, Problem
from shared.http.shares import OwnStore

CLIENT = Client(
    id=UUID(int=1), mode=Mode.LIVE, scopes=frozenset(), rate_per_s=10, daily_actions=5_000
)
#: A list of strings with integer and string parameters (RFC 9651, 3.1): all that we send.
ITEM = r'"[a-z]+"(;[a-z]+=([0-9]+|"[a-z]+"))*'
LIST = re.compile(rf"{ITEM}(, {ITEM})*")


class FakeClock:
    def __init__(self) -> None:
        self.at = dt.datetime(2021, 11, 20, 23, 59, 43, tzinfo=dt.UTC)

    def __call__(self) -> dt.datetime:
        return self.at

    def pass_(self, seconds: float) -> None:
        self.at += dt.timedelta(seconds=seconds)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def limits(clock: FakeClock) -> Limits:
    return Limits(OwnStore(), clock=clock)


def refusal(limits: Limits, client: Client, number: int) -> Problem:
    with pytest.raises(Problem) as refused, limits.actions(client, number):
        pytest.fail("it was let in")
    return refused.value


def test_a_limited_client_is_told_its_limits_and_what_is_left(limits: Limits) -> None:
    limits.take_request(CLIENT)
    with limits.actions(CLIENT, 7):
        pass

    assert limits.headers(CLIENT) == {
        "RateLimit-Policy": '"requests";q=100;w=10, "actions";q=5000;w=86400;qu="actions"',
        "RateLimit": '"requests";r=99;t=7, "actions";r=4993;t=17',
    }


def test_the_headers_are_structured_fields(limits: Limits) -> None:
    assert all(LIST.fullmatch(value) for value in limits.headers(CLIENT).values())


def test_only_limits_that_are_set_are_told(limits: Limits) -> None:
    daily = replace(CLIENT, rate_per_s=0)
    free = replace(daily, daily_actions=0)

    assert set(limits.headers(daily)["RateLimit"].split(";")) == {'"actions"', "r=5000", "t=17"}
    assert limits.headers(free) == {}


def test_a_client_without_limits_is_never_refused_and_asks_no_store() -> None:
    limits = Limits(None)  # type: ignore[arg-type]
    free = replace(CLIENT, rate_per_s=0, daily_actions=0)

    limits.take_request(free)
    with limits.actions(free, 1_000_000) as taken:
        pass

    assert taken.stored == 1_000_000


def test_a_request_above_the_rate_is_told_when_the_next_window_begins(
    limits: Limits, clock: FakeClock
) -> None:
    for _ in range(100):
        limits.take_request(CLIENT)

    with pytest.raises(Problem) as refused:
        limits.take_request(CLIENT)

    assert refused.value.kind is TOO_MANY
    assert refused.value.headers == {"Retry-After": "7"}
    assert '"requests";r=0;t=7' in limits.headers(CLIENT)["RateLimit"]
    clock.pass_(7)
    limits.take_request(CLIENT)


def test_actions_above_the_day_s_cap_are_refused_all_together(
    limits: Limits, clock: FakeClock
) -> None:
    with limits.actions(CLIENT, 4_990):
        pass

    refused = refusal(limits, CLIENT, 11)

    assert refused.kind is DAILY_CAP
    assert refused.headers == {"Retry-After": "17"}
    assert "10 are left, 11 were sent" in refused.detail
    with limits.actions(CLIENT, 10):
        pass
    assert "0 are left, 1 were sent" in refusal(limits, CLIENT, 1).detail
    clock.pass_(17)
    with limits.actions(CLIENT, 5_000):
        pass


def test_actions_that_were_not_stored_do_not_count(limits: Limits) -> None:
    with limits.actions(CLIENT, 5_000) as taken:
        taken.stored = 4_000
    with pytest.raises(ZeroDivisionError), limits.actions(CLIENT, 1_000):
        _ = 1 / 0

    with limits.actions(CLIENT, 1_000):
        pass
    assert refusal(limits, CLIENT, 1).kind is DAILY_CAP


def test_what_is_stored_past_midnight_is_of_the_day_before(
    limits: Limits, clock: FakeClock
) -> None:
    with limits.actions(CLIENT, 5_000) as taken:
        clock.pass_(20)
        with limits.actions(CLIENT, 5_000):
            pass
        taken.stored = 0

    assert refusal(limits, CLIENT, 1).kind is DAILY_CAP


def test_a_service_may_keep_some_limits_only(clock: FakeClock) -> None:
    limits = Limits(OwnStore(), kept=[Limit.REQUESTS], clock=clock)

    with limits.actions(CLIENT, 10_000):
        pass

    assert limits.headers(CLIENT)["RateLimit-Policy"] == '"requests";q=100;w=10'
