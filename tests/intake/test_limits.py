import datetime as dt
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from uuid import UUID

import pytest
from sqlalchemy import delete, select

from services.intake.clients.limits import SharedStore, forget
from shared.database import Database
from shared.http.shares import Share, Window
from shared.migrate import migrate
from shared.privacy import Keyring
from shared.tables.intake import client_usage

KEYRING = Keyring((("test", b"k" * 32),))
WINDOW = Window(UUID(int=1), "requests", 1_600_000_000)
NOON = dt.datetime(2021, 11, 20, 12, tzinfo=dt.UTC)


@pytest.fixture
def url(engine_url: str) -> str:
    database = Database(engine_url, KEYRING)
    migrate(database)
    database.close()
    return engine_url


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    database = Database(url, KEYRING)
    yield database
    database.close()


def given_out(url: str, asks: int, most: int) -> int:
    """What a process of its own, with four threads, gives out of the window."""
    database = Database(url, KEYRING)
    share = Share(SharedStore(database))
    with ThreadPoolExecutor(4) as threads:
        took = sum(threads.map(lambda _: share.take(WINDOW, 1, most), range(asks)))
    database.close()
    return took


def test_processes_together_give_out_no_more_than_the_limit(url: str, database: Database) -> None:
    with ProcessPoolExecutor(3, mp_context=get_context("spawn")) as processes:
        each = list(processes.map(given_out, [url] * 3, [200] * 3, [300] * 3))

    assert 300 - 2 * 15 < sum(each) <= 300
    assert SharedStore(database).taken(WINDOW) == 300


def test_one_process_after_another_gives_out_the_limit_exactly(database: Database) -> None:
    first, second = (Share(SharedStore(database)) for _ in range(2))

    took = sum(first.take(WINDOW, 1, 100) for _ in range(70))
    more = sum(second.take(WINDOW, 1, 100) for _ in range(100))
    rest = sum(first.take(WINDOW, 1, 100) for _ in range(100))

    assert took + more + rest == 100


def test_the_store_takes_all_or_nothing(database: Database) -> None:
    store = SharedStore(database)

    assert store.taken(WINDOW) == 0
    assert store.take(WINDOW, 60, 100) == 60
    assert store.take(WINDOW, 41, 100) is None
    assert store.take(WINDOW, 40, 100) == 100
    assert store.taken(WINDOW) == 100


def test_a_connection_that_took_a_share_still_rolls_back(url: str) -> None:
    database = Database(url, KEYRING, pool_size=1)
    SharedStore(database).take(WINDOW, 1, 100)

    with database.begin() as connection:
        connection.execute(delete(client_usage))
        connection.rollback()

    assert SharedStore(database).taken(WINDOW) == 1
    database.close()


def test_clients_limits_and_windows_are_apart(database: Database) -> None:
    store = SharedStore(database)
    store.take(WINDOW, 100, 100)

    others = (
        Window(UUID(int=2), "requests", WINDOW.began),
        Window(WINDOW.client, "actions", WINDOW.began),
        Window(WINDOW.client, "requests", WINDOW.began + 10),
    )

    assert [store.take(one, 1, 100) for one in others] == [1, 1, 1]


def test_windows_of_long_ago_are_forgotten(database: Database) -> None:
    store, today = SharedStore(database), int(NOON.timestamp()) // 86_400 * 86_400
    for days_ago in range(5):
        store.take(Window(UUID(int=1), "actions", today - days_ago * 86_400), 1, 100)

    assert not forget(database, NOON)

    with database.read() as connection:
        left = connection.scalars(select(client_usage.c.window)).all()
    assert set(left) == {today, today - 86_400}
