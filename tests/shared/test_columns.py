"""Moments keep their zone, and a reader of a feed steps over nothing."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert, literal, select
from sqlalchemy.exc import StatementError

from shared.clock import new_id
from shared.database import Database
from shared.migrate import migrate
from shared.privacy import Keyring
from shared.tables.columns import follows, settled_before
from shared.tables.dispatch import obeyed_commands
from shared.tables.tracking import commands

KEYRING = Keyring((("test", b"k" * 32),))
NOON = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)


@pytest.fixture
def database(engine_url: str) -> Iterator[Database]:
    made = Database(engine_url, KEYRING)
    migrate(made)
    yield made
    made.close()


def give(connection: Connection, verb: str) -> None:
    row = {"id": new_id(), "verb": verb, "arguments": {}, "given_by": "ops", "why": "because"}
    connection.execute(insert(commands), [row | {"given_at": NOON}])


def feed(database: Database) -> list[str]:
    """What a reader may read now, in its order."""
    order = (commands.c.xact, commands.c.seq)
    with database.read() as connection:
        settled = select(commands.c.verb).where(commands.c.xact < settled_before())
        return list(connection.scalars(settled.order_by(*order)))


def test_what_is_committed_is_read_in_its_order(database: Database) -> None:
    for verb in ("first", "second", "third"):
        with database.begin() as connection:
            give(connection, verb)

    assert feed(database) == ["first", "second", "third"]


def test_what_follows_a_place_is_read_and_what_was_read_is_not(database: Database) -> None:
    with database.begin() as connection:
        for n in range(5):
            give(connection, f"{n}")
    order = (commands.c.xact, commands.c.seq)
    with database.read() as connection:
        places = connection.execute(select(*order).order_by(*order)).all()
        after = [
            list(
                connection.scalars(
                    select(commands.c.verb).where(after_place(*place)).order_by(*order)
                )
            )
            for place in ((0, 0), places[1], places[4])
        ]

    assert after == [["0", "1", "2", "3", "4"], ["2", "3", "4"], []]


def test_sqlite_reads_nothing_again_that_was_read(tmp_path: Path) -> None:
    """Looked up by the first part of a pair alone, a long history is read each time."""
    database = Database(f"sqlite:///{tmp_path / 'writ.db'}", KEYRING)
    migrate(database)
    asked = select(commands.c.verb).where(after_place(0, 7))
    words = str(asked.compile(database.engine, compile_kwargs={"literal_binds": True}))
    with database.read() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {words}").all()
    database.close()

    assert "ix_commands_feed (xact=? AND seq>?)" in str(plan)


def after_place(xact: int, seq: int) -> follows:
    return follows(commands.c.xact, commands.c.seq, literal(xact), literal(seq))


def test_a_row_that_commits_late_is_not_stepped_over(postgres_url: str) -> None:
    database = Database(postgres_url, KEYRING)
    migrate(database)
    with database.begin() as late:
        give(late, "late")
        with database.begin() as quick:
            give(quick, "quick")

        meanwhile = feed(database)

    assert meanwhile == []
    assert feed(database) == ["late", "quick"]
    database.close()


def test_a_row_that_was_rolled_back_holds_nobody_up(postgres_url: str) -> None:
    database = Database(postgres_url, KEYRING)
    migrate(database)
    with database.engine.connect() as broken:
        give(broken, "broken")
        broken.rollback()
    with database.begin() as connection:
        give(connection, "next")

    assert feed(database) == ["next"]
    database.close()


@pytest.mark.parametrize("hours", [0, 5, -8])
def test_a_moment_comes_back_as_the_same_moment_in_utc(hours: int, database: Database) -> None:
    there = NOON.astimezone(dt.timezone(dt.timedelta(hours=hours)))
    row = {"command_id": new_id(), "effect": "none", "obeyed_at": there}

    with database.begin() as connection:
        connection.execute(insert(obeyed_commands), [row])
        [back] = connection.scalars(select(obeyed_commands.c.obeyed_at))

    assert back == NOON
    assert back.utcoffset() == dt.timedelta(0)


def test_a_moment_without_a_zone_is_refused(database: Database) -> None:
    row = {"command_id": new_id(), "effect": "none", "obeyed_at": NOON.replace(tzinfo=None)}

    with (
        pytest.raises(StatementError, match="without a time zone"),
        database.begin() as connection,
    ):
        connection.execute(insert(obeyed_commands), [row])
