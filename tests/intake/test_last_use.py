import datetime as dt
from collections.abc import Iterator
from uuid import UUID

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from services.intake.clients.last_use import LastUse
from services.intake.clients.manage import create_client
from shared.api_keys import Client, ClientRegistry, Key, Mode
from shared.database import Database
from shared.migrate import migrate
from shared.privacy import Keyring
from shared.tables.intake import api_keys
from tests.intake.builders import FakeClock

KEYRING = Keyring((("test", b"k" * 32),))


@pytest.fixture
def database(engine_url: str) -> Iterator[Database]:
    database = Database(engine_url, KEYRING)
    migrate(database)
    yield database
    database.close()


@pytest.fixture
def key(database: Database) -> Key:
    made = create_client(database, "a tool", mode=Mode.LIVE, scopes=[])
    found = ClientRegistry(database).find(made.key)
    assert found is not None
    return found


def noted(database: Database, key: Key) -> dt.datetime | None:
    with database.read() as connection:
        at: dt.datetime | None = connection.scalar(
            select(api_keys.c.last_used_at).where(api_keys.c.id == key.id)
        )
        return at


def test_a_key_that_nobody_used_has_no_last_use(database: Database, key: Key) -> None:
    assert noted(database, key) is None


def test_the_last_use_is_noted_once_a_minute(database: Database, key: Key) -> None:
    clock = FakeClock()
    note, began = LastUse(database, clock), clock()

    seen = []
    for _ in range(5):
        note(key)
        seen.append(noted(database, key))
        clock.at += dt.timedelta(seconds=30)

    assert seen == [began + dt.timedelta(minutes=minutes) for minutes in (0, 0, 1, 1, 2)]


def test_of_two_processes_one_notes_it(database: Database, key: Key) -> None:
    clock = FakeClock()
    began = clock()
    LastUse(database, clock)(key)
    clock.at += dt.timedelta(seconds=30)

    LastUse(database, clock)(key)

    assert noted(database, key) == began


def test_a_use_that_cannot_be_noted_fails_nobody() -> None:
    away = Database("postgresql+psycopg://writ:a-password@127.0.0.1:1/writ", KEYRING)
    client = Client(id=UUID(int=1), mode=Mode.LIVE, scopes=frozenset())
    key = Key(id=UUID(int=2), client=client)

    with capture_logs() as logs:
        LastUse(away, FakeClock())(key)

    assert [entry["event"] for entry in logs] == ["key_use_not_noted"]
    assert "a-password" not in str(logs)
