"""The migrations make exactly the tables that the code knows, on both engines."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text

from shared.database import Database
from shared.migrate import is_migrated, migrate
from shared.privacy import Keyring
from shared.tables import dispatch, intake, tracking
from shared.tables.columns import METADATA

KEYRING = Keyring((("test", b"k" * 32),))
DECLARED = (intake, dispatch, tracking)


@pytest.fixture
def database(engine_url: str) -> Iterator[Database]:
    made = Database(engine_url, KEYRING)
    yield made
    made.close()


def test_a_migrated_database_has_the_tables_of_the_code(database: Database) -> None:
    migrate(database)

    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = compare_metadata(context, METADATA)
        tables = set(inspect(connection).get_table_names())
    assert differences == []
    assert tables == set(METADATA.tables) | {"alembic_version"}
    assert len(DECLARED) == 3


def test_partial_indexes_are_partial(database: Database) -> None:
    """Alembic does not compare their conditions, and the relay's speed stands on them."""
    migrate(database)
    partial = {index.name for table in METADATA.tables.values() for index in table.indexes
               if index.dialect_options["postgresql"]["where"] is not None}  # fmt: skip

    with database.read() as connection:
        query = (
            "SELECT indexname FROM pg_indexes WHERE indexdef LIKE '% WHERE %'"
            if database.is_postgresql
            else "SELECT name FROM sqlite_master WHERE type = 'index' AND sql LIKE '% WHERE %'"
        )
        found = set(connection.scalars(text(query)))

    assert found == partial


def test_whether_a_database_is_migrated_is_known(database: Database) -> None:
    before = is_migrated(database)
    migrate(database)
    after = is_migrated(database)

    assert (before, after) == (False, True)


def test_an_older_database_is_not_migrated(database: Database) -> None:
    migrate(database)
    with database.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'older'"))

    assert is_migrated(database) is False


def test_migrating_again_and_at_once_changes_nothing(postgres_url: str) -> None:
    databases = [Database(postgres_url, KEYRING) for _ in range(3)]

    with ThreadPoolExecutor(3) as threads:
        for done in [threads.submit(migrate, one) for one in databases]:
            done.result()
    migrate(databases[0])

    assert is_migrated(databases[0])
    for one in databases:
        one.close()
