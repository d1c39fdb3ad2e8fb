"""The steward: each chore in its turn, in one process at a time, whatever falls over."""

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from structlog.testing import capture_logs

from services.intake.steward import Chore, Steward
from shared.database import Database
from shared.privacy import Keyring

NOW = dt.datetime(2026, 11, 3, 9, tzinfo=dt.UTC)
PATIENCE_S = 10
Do = Callable[[dt.datetime], bool]


@pytest.fixture
def database(engine_url: str) -> Iterator[Database]:
    opened = Database(engine_url, Keyring.parse(Keyring.new_key("test")))
    yield opened
    opened.close()


def test_a_chore_is_told_the_time(database: Database) -> None:
    told: list[dt.datetime] = []
    done = threading.Event()

    with working(database, Chore("listen", 60, once(lambda now: told.append(now), done))):
        assert done.wait(PATIENCE_S)

    assert told == [NOW]


def test_where_more_is_waiting_it_comes_back_at_once(database: Database) -> None:
    piles = iter([True, True, False])
    done = threading.Event()

    def clear(_: dt.datetime) -> bool:
        more = next(piles)
        if not more:
            done.set()
        return more

    with working(database, Chore("clear", 3600, clear)):
        assert done.wait(PATIENCE_S)


def test_a_long_chore_keeps_no_other_from_its_turn(database: Database) -> None:
    done = threading.Event()

    with working(
        database, Chore("endless", 0, lambda _: True), Chore("short", 3600, once(nothing, done))
    ):
        assert done.wait(PATIENCE_S)


def test_a_chore_that_fails_stops_no_other_and_its_words_are_not_logged(
    database: Database,
) -> None:
    done, words = threading.Event(), "Ana Example"

    def fail(_: dt.datetime) -> bool:
        raise ValueError(words)

    with (
        capture_logs() as said,
        working(database, Chore("fail", 3600, fail), Chore("next", 3600, once(nothing, done))),
    ):
        assert done.wait(PATIENCE_S)

    assert [(line["event"], line["chore"], line["error"]) for line in said] == [
        ("chore_failed", "fail", "ValueError")
    ]
    assert words not in str(said)


def test_a_database_that_went_away_is_asked_again(database: Database) -> None:
    tries: list[int] = []
    done = threading.Event()

    def look(_: dt.datetime) -> bool:
        tries.append(1)
        if len(tries) == 2:
            done.set()
            return False
        with database.begin() as connection:
            connection.exec_driver_sql("SELECT * FROM gone")
        return False

    with capture_logs() as said, working(database, Chore("look", 0, look)):
        assert done.wait(PATIENCE_S)

    assert said[0]["event"] == "database_away"


def test_what_another_steward_is_at_is_left_to_it(postgres_url: str) -> None:
    database = Database(postgres_url, Keyring.parse(Keyring.new_key("test")))
    begun, go_on, told = threading.Event(), threading.Event(), threading.Event()
    doubled: list[str] = []

    def long(_: dt.datetime) -> bool:
        begun.set()
        go_on.wait(PATIENCE_S)
        return False

    def doubles(_: dt.datetime) -> bool:
        doubled.append("done twice")
        return False

    with working(database, Chore("one", 3600, long)):
        assert begun.wait(PATIENCE_S)
        with working(
            database, Chore("one", 3600, doubles), Chore("two", 3600, once(nothing, told))
        ):
            assert told.wait(PATIENCE_S)
        go_on.set()
    database.close()

    assert doubled == []


@contextmanager
def working(database: Database, *chores: Chore) -> Iterator[None]:
    """A steward at work on a thread of its own."""
    stop = threading.Event()
    steward = Steward(database, lambda: NOW, chores)
    thread = threading.Thread(target=steward.run, args=[stop])
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def once(do: Callable[[dt.datetime], object], done: threading.Event) -> Do:
    def chore(now: dt.datetime) -> bool:
        do(now)
        done.set()
        return False

    return chore


def nothing(_: dt.datetime) -> None:
    pass
