"""One code path on two engines: transactions, locks, and errors that quote nobody."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select, text
from sqlalchemy.exc import StatementError

from shared.clock import new_id
from shared.database import Database, insert_new
from shared.migrate import migrate
from shared.privacy import Keyring, Private
from shared.tables.dispatch import cursors
from shared.tables.intake import actions

KEYRING = Keyring((("test", b"k" * 32),))


@pytest.fixture
def database(engine_url: str) -> Iterator[Database]:
    made = Database(engine_url, KEYRING)
    migrate(made)
    yield made
    made.close()


def a_cursor(name: str) -> dict[str, object]:
    return {"name": name, "xact": 0, "seq": 0}


def count(database: Database) -> int:
    with database.read() as connection:
        return connection.scalar(select(func.count()).select_from(cursors)) or 0


def test_a_transaction_is_kept_whole_or_not_at_all(database: Database) -> None:
    def breaks() -> None:
        with database.begin() as connection:
            connection.execute(insert(cursors), [a_cursor("lost")])
            raise KeyError

    with database.begin() as connection:
        connection.execute(insert(cursors), [a_cursor("kept")])
    with pytest.raises(KeyError):
        breaks()

    assert count(database) == 1


def test_what_is_there_already_is_not_inserted_again(database: Database) -> None:
    with database.begin() as connection:
        first = insert_new(connection, cursors, [a_cursor("a"), a_cursor("b")])
        second = insert_new(connection, cursors, [a_cursor("b"), a_cursor("c")])

    assert (first, second) == (2, 1)
    assert count(database) == 3


def test_writers_at_once_take_turns(database: Database) -> None:
    with database.begin() as connection:
        connection.execute(insert(cursors), [a_cursor("shared")])
    start = threading.Barrier(4)

    def add() -> None:
        start.wait()
        for _ in range(10):
            with database.begin() as connection:
                connection.execute(text("UPDATE cursors SET seq = seq + 1"))

    with ThreadPoolExecutor(4) as threads:
        for done in [threads.submit(add) for _ in range(4)]:
            done.result()

    with database.read() as connection:
        assert connection.scalar(select(cursors.c.seq)) == 40


def test_one_alone_holds_a_name_until_its_transaction_ends(postgres_url: str) -> None:
    database = Database(postgres_url, KEYRING)

    with database.begin() as one, database.begin() as two:
        held = [database.hold(one, "work"), database.hold(two, "work"), database.hold(two, "other")]
    with database.begin() as three:
        held.append(database.hold(three, "work"))

    database.close()
    assert held == [True, False, True, True]


def test_the_one_writer_of_sqlite_holds_every_name(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'writ.db'}", KEYRING)

    with database.begin() as connection:
        held = database.hold(connection, "work")

    database.close()
    assert held


def test_a_connection_to_postgresql_waits_for_nobody_without_end(postgres_url: str) -> None:
    database = Database(postgres_url, KEYRING)

    with database.read() as connection:
        idle = connection.scalar(text("SHOW idle_in_transaction_session_timeout"))
        info = connection.connection.driver_connection.info  # type: ignore[union-attr]
        asked = info.get_parameters()

    database.close()
    assert idle == "1min"
    assert {name: asked.get(name) for name in ("connect_timeout", "tcp_user_timeout")} == {
        "connect_timeout": "5",
        "tcp_user_timeout": "30000",
    }


def test_an_error_names_no_person(database: Database) -> None:
    id_ = new_id()
    row = {"supporter_name": Private(id_, "Ana Beispiel"), "words": Private(id_, "secret")}

    with pytest.raises(StatementError) as error, database.begin() as connection:
        connection.execute(insert(actions), [row])

    assert "Ana" not in str(error.value)
    assert "secret" not in str(error.value)
