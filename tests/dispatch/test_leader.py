"""Of two relays one leads, and the other takes over when it must."""

import threading
from collections.abc import Iterator

import pytest
from sqlalchemy import text

from services.dispatch.documents import Documents
from services.dispatch.leader import Leadership
from services.dispatch.relay import Relay
from shared.broker import make_broker
from shared.database import Database
from tests.dispatch.builders import KEYRING, World, dispatch_settings

LOCKS = """
    SELECT pid FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
    WHERE locktype = 'advisory' AND granted AND datname = current_database()
"""


def kill_the_leader(world: World) -> None:
    """Ends its connection, and waits until the server has."""
    with world.database.begin() as connection:
        [pid] = connection.scalars(text(LOCKS)).all()
        killed = connection.scalar(text("SELECT pg_terminate_backend(:pid, 10000)"), {"pid": pid})
    assert killed


@pytest.fixture
def another(postgres_world: World) -> Iterator[Database]:
    """The same database, as another process sees it."""
    url = postgres_world.database.engine.url.render_as_string(hide_password=False)
    database = Database(url, KEYRING)
    yield database
    database.close()


def test_on_sqlite_the_one_process_leads(small_world: World) -> None:
    leadership = Leadership(small_world.database)

    assert leadership.is_ours()
    leadership.give_up()


def test_one_leads_until_it_gives_up(postgres_world: World, another: Database) -> None:
    first, second = Leadership(postgres_world.database), Leadership(another)

    before = first.is_ours(), second.is_ours(), first.is_ours()
    first.give_up()
    after = second.is_ours(), first.is_ours()

    assert (before, after) == ((True, False, True), (True, False))
    second.give_up()


def test_who_lost_its_connection_has_lost_the_lead(
    postgres_world: World, another: Database
) -> None:
    first, second = Leadership(postgres_world.database), Leadership(another)
    assert first.is_ours()

    kill_the_leader(postgres_world)
    after = second.is_ours(), first.is_ours(), first.is_ours()

    assert after == (True, False, False)
    second.give_up()


class Watched(Relay):
    """Says when it works."""

    def __init__(self, world: World, database: Database) -> None:
        super().__init__(
            dispatch_settings(world.data_dir),
            database,
            make_broker("stub://"),
            catalogue=lambda: world.catalogue,
            documents=Documents(world.data_dir),
            ways={},
            clock=world.clock,
        )
        self.worked = threading.Event()
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.run, args=(self.stop,))

    def tick(self) -> bool:
        self.worked.set()
        return super().tick()

    def works(self, within_s: float) -> bool:
        self.worked.clear()
        return self.worked.wait(within_s)


def test_a_second_relay_takes_over_and_the_first_one_stops(
    postgres_world: World, another: Database
) -> None:
    world = postgres_world
    relays = [Watched(world, world.database), Watched(world, another)]
    for relay in relays:
        relay.thread.start()
    try:
        leader = next(one for one in relays if one.worked.wait(10) or one is relays[1])
        second = relays[1 - relays.index(leader)]
        waits = not second.works(0.2)

        kill_the_leader(world)
        took_over = second.works(10) or leader.works(10)
        works = [one.works(1.5) for one in relays]
    finally:
        for relay in relays:
            relay.stop.set()
            relay.thread.join()

    assert waits
    assert took_over
    assert sorted(works) == [False, True]
