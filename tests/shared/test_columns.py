"""Moments keep their zone, and a reader of a feed steps over nothing."""

import datetime as dt
from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, insert, select
from sqlalchemy.exc import StatementError

from shared.clock import new_id
from shared.database import Database
from shared.migrate import migrate
from shared.privacy import Keyring
from shared.tables.columns import settled_before
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
