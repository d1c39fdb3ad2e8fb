"""The migrations make exactly the tables that the code knows, on both engines."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

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
def database(empty_engine_url: str) -> Iterator[Database]:
    made = Database(empty_engine_url, KEYRING)
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


@pytest.mark.parametrize(
    ("revision", "ready"), [("1", False), ("2", False), ("3", True), ("of a later version", True)]
)
def test_only_a_database_older_than_the_code_is_not_ready(
    database: Database, tmp_path: Path, revision: str, ready: bool
) -> None:
    """The processes of the version before go on working while a newer one is migrated in."""
    some_steps(tmp_path, "1", "2", "3")
    migrate(database)
    with database.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :it"), {"it": revision})

    assert is_migrated(database, tmp_path) is ready


def test_the_version_before_leaves_a_newer_database_alone(database: Database) -> None:
    """To go back is to start the image before, whose `writ migrate` runs first."""
    migrate(database)
    with database.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'of a later version'"))

    migrate(database)

    with database.read() as connection:
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == (
            "of a later version"
        )


def some_steps(folder: Path, *revisions: str) -> None:
    (folder / "versions").mkdir()
    before = None
    for revision in revisions:
        step = f"revision = {revision!r}\ndown_revision = {before!r}\n"
        (folder / "versions" / f"{revision}_step.py").write_text(step)
        before = revision


def test_migrating_again_and_at_once_changes_nothing(empty_postgres_url: str) -> None:
    databases = [Database(empty_postgres_url, KEYRING) for _ in range(3)]

    with ThreadPoolExecutor(3) as threads:
        for done in [threads.submit(migrate, one) for one in databases]:
            done.result()
    migrate(databases[0])

    assert is_migrated(databases[0])
    for one in databases:
        one.close()
