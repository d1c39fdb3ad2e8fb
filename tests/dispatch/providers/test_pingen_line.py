"""Pingen's token: fetched once for everybody, renewed in time, and never shown."""

import itertools
import json
import socket
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import urllib3

from services.dispatch.providers.contract import LaneHeld, LaneReason, NotSent, TryLater
from services.dispatch.providers.pingen_line import Line, Tokens
from tests.dispatch.providers.line import Answer, answering, listening
from tests.dispatch.providers.line import Line as Wire
from tests.dispatch.providers.pingen import TOKEN, settings, steps

SECOND_ASKS = 1  # each thread asks once what time it is before it waits for the lock


def tokens(url: str, clock: Callable[[], float] = lambda: 0.0) -> Tokens:
    http = urllib3.PoolManager(retries=False, timeout=1)
    return Tokens(http, settings(url), clock=clock)


def granting(*names: str, life_s: float = 43_200) -> Answer:
    return steps(
        *(answering(200, json.dumps({"access_token": n, "expires_in": life_s})) for n in names)
    )


@pytest.mark.parametrize(("life_s", "until_s"), [(43_200, 42_900), (60, 54)])
def test_a_token_serves_until_shortly_before_its_end(life_s: float, until_s: float) -> None:
    now = [0.0]
    with listening(granting("first", "second", life_s=life_s)) as line:
        some = tokens(line.url, clock=lambda: now[0])
        first = some.get()
        now[0] = until_s - 1
        still = some.get()
        now[0] = until_s
        renewed = some.get()

    assert (first, still, renewed) == ("first", "first", "second")
    assert len(line.requests) == 2


def test_a_token_that_another_thread_has_renewed_is_not_dropped() -> None:
    with listening(granting("first", "second")) as line:
        some = tokens(line.url)
        old = some.get()
        some.drop(old)
        new = some.get()
        some.drop(old)

        assert some.get() == new == "second"
    assert len(line.requests) == 2


def test_many_threads_fetch_one_token() -> None:
    start = threading.Barrier(8)

    def get(some: Tokens) -> str:
        start.wait()
        return some.get()

    with listening(granting("the-token")) as line, ThreadPoolExecutor(8) as threads:
        some = tokens(line.url)
        got = list(threads.map(get, [some] * 8))

    assert got == ["the-token"] * 8
    assert len(line.requests) == 1


def test_who_waited_for_a_fetch_that_failed_does_not_fetch_in_turn() -> None:
    """Eight workers would otherwise wait for eight timeouts, one after the other."""
    both_asked = threading.Event()
    times = itertools.count()

    def clock() -> float:
        now = float(next(times))
        if now >= SECOND_ASKS:
            both_asked.set()
        return now

    def late(peer: socket.socket) -> None:
        both_asked.wait(5)
        answering(503)(peer)

    with listening(late) as line, ThreadPoolExecutor(2) as threads:
        some = tokens(line.url, clock=clock)
        faults = [asked.exception() for asked in [threads.submit(some.get) for _ in range(2)]]

    assert [type(fault) for fault in faults] == [TryLater, TryLater]
    assert len(line.requests) == 1


@pytest.mark.parametrize("status", [400, 401, 403])
def test_credentials_that_are_refused_hold_the_lane(status: int) -> None:
    with listening(answering(status)) as line, pytest.raises(LaneHeld) as held:
        tokens(line.url).get()

    assert held.value.reason is LaneReason.CREDENTIALS
    assert held.value.after_s == 900


def test_a_throttled_identity_says_how_long_to_wait() -> None:
    with listening(answering(429, Retry_After="77")) as line, pytest.raises(TryLater) as later:
        tokens(line.url).get()

    assert later.value.after_s == 77


@pytest.mark.parametrize(
    "body",
    ["", "[]", '{"access_token": "hush\\r\\nX: y", "expires_in": 1}', '{"access_token": "hush"}'],
)
def test_a_token_that_cannot_be_read_is_not_quoted(body: str) -> None:
    with listening(answering(200, body)) as line, pytest.raises(NotSent) as fault:
        tokens(line.url).get()

    assert "hush" not in "".join(traceback.format_exception(fault.value))


class TestRenewal:
    def call(self, *answers: Answer) -> tuple[int, Wire]:
        with listening(steps(*answers)) as wire:
            line = Line(settings(wire.url), connect_timeout_s=1, read_timeout_s=1, connections=1)
            return line.call("POST", "/letters", b"{}").status, wire

    def test_a_token_that_is_not_taken_is_renewed_once(self) -> None:
        status, wire = self.call(TOKEN, answering(401), TOKEN, answering(201))

        assert status == 201
        assert [one.split(b" ")[1] for one in wire.requests] == [
            *(b"/auth/access-tokens", b"/letters"),
            *(b"/auth/access-tokens", b"/letters"),
        ]

    def test_and_not_again(self) -> None:
        status, wire = self.call(TOKEN, answering(401), TOKEN, answering(401))

        assert (status, len(wire.requests)) == (401, 4)


def test_a_file_is_put_nowhere_unsafe() -> None:
    line = Line(
        settings("https://api.example"), connect_timeout_s=1, read_timeout_s=1, connections=1
    )

    with pytest.raises(TryLater, match="not safe"):
        line.store("http://bucket.example/file", b"%PDF")
