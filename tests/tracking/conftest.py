"""Fixtures of the tracking tests: a migrated database, on both engines or on one."""

from collections.abc import Iterator
from pathlib import Path
from shutil import copyfile

import pytest

from shared.database import Database
from tests.tracking.builders import KEYRING, a_database


@pytest.fixture
def database(engine_url: str) -> Iterator[Database]:
    """Once on SQLite, once on PostgreSQL."""
    made = a_database(engine_url)
    yield made
    made.close()


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty SQLite database with its tables, to be copied: migrating takes half a second."""
    path = tmp_path_factory.mktemp("migrated") / "writ.db"
    a_database(f"sqlite:///{path}").close()
    return path


@pytest.fixture
def small_database(tmp_path: Path, migrated_file: Path) -> Iterator[Database]:
    """SQLite, for tests in which the engine makes no difference."""
    copyfile(migrated_file, tmp_path / "writ.db")
    made = Database(f"sqlite:///{tmp_path / 'writ.db'}", KEYRING)
    yield made
    made.close()
