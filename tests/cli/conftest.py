"""A database for commands, and a terminal to give them in."""

from collections.abc import Callable, Iterator

import pytest
from click.testing import CliRunner, Result

from services.cli.main import writ
from shared.database import Database
from shared.migrate import migrate
from shared.privacy import Keyring

PRIVACY_KEY = Keyring.new_key("test")


@pytest.fixture
def url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    database = Database(url, Keyring.parse(PRIVACY_KEY))
    migrate(database)
    yield database
    database.close()


@pytest.fixture
def terminal(database: Database, url: str) -> Callable[..., Result]:
    """`writ …`, given by ada; `columns` wide, and `answers` are typed in."""
    env = {"WRIT_DATABASE_URL": url, "WRIT_PRIVACY_KEYS": PRIVACY_KEY, "USER": "ada"}
    env["LOGNAME"] = "ada"

    def give(*words: str, columns: int = 80, answers: str = "") -> Result:
        return CliRunner(env=env | {"COLUMNS": str(columns)}).invoke(writ, words, input=answers)

    return give
