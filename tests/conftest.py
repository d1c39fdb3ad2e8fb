"""Fixtures every test may ask for: fresh databases and virtual hosts on private servers.

Databases have this version's tables already, as copies of one that was migrated: making them anew
would take a third of the tests' time.

A server starts in the background once the collected tests are known to need it, so that the tests
that need none run meanwhile. `WRIT_TEST_DATABASE_URL` and `WRIT_TEST_BROKER_URL` name your own.
Without binaries a test is skipped with a word on what to do; with `CI=true` it fails.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, settings

from shared.database import Database
from shared.migrate import migrate
from shared.privacy import Keyring
from tests.servers import (
    BinariesMissing,
    PrivatePostgres,
    PrivateRabbit,
    PrivateServer,
    PrivateSshd,
    drop_database,
    fresh_database,
)

# How long an example takes says how busy the machine is, and nothing about the code.
settings.register_profile("writ", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("writ")

Server = TypeVar("Server", bound=PrivateServer)
Made = TypeVar("Made")


class Servers:
    """The session's private servers: each starts when first asked for, on a thread of its own."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor()
        self._started = ExitStack()

    @cached_property
    def postgres(self) -> Future[PrivatePostgres]:
        """Not durable: nobody cuts the power of a test."""
        return self._begin(lambda: PrivatePostgres(durable=False))

    @cached_property
    def migrated(self) -> Future[str]:
        """The name of a database on it that has all tables, and that nobody is connected to."""

        def make() -> str:
            url = self.postgres.result().fresh_database()
            _migrate(url)
            return url.rpartition("/")[2]

        return self._threads.submit(make)

    @cached_property
    def rabbit(self) -> Future[PrivateRabbit]:
        """A broker with spare virtual hosts."""
        return self._begin(PrivateRabbit)

    @cached_property
    def sshd(self) -> Future[PrivateSshd]:
        """It starts in a moment: who needs it first, waits."""
        return self._begin(PrivateSshd)

    def close(self) -> None:
        """End what was started, also what is still starting."""
        self._threads.shutdown()
        self._started.close()

    def _begin(self, make: Callable[[], Server]) -> Future[Server]:
        def start() -> Server:
            server = make()
            self._started.enter_context(server)
            return server

        return self._threads.submit(start)


SERVERS = pytest.StashKey[Servers]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[SERVERS] = Servers()


def pytest_collection_finish(session: pytest.Session) -> None:
    if session.config.option.collectonly:
        return
    servers, wanted = session.config.stash[SERVERS], _wanted(session.items)
    if "postgres_url" in wanted and "WRIT_TEST_DATABASE_URL" not in os.environ:
        _ = servers.migrated
    if "rabbit_url" in wanted and "WRIT_TEST_BROKER_URL" not in os.environ:
        _ = servers.rabbit


def pytest_unconfigure(config: pytest.Config) -> None:
    config.stash[SERVERS].close()


@pytest.fixture
def postgres_url(pytestconfig: pytest.Config) -> Iterator[str]:
    """A fresh PostgreSQL database with all tables; its user may do everything."""
    yield from _postgres_url(pytestconfig, migrated=True)


@pytest.fixture
def empty_postgres_url(pytestconfig: pytest.Config) -> Iterator[str]:
    """A fresh, empty one."""
    yield from _postgres_url(pytestconfig, migrated=False)


def _postgres_url(config: pytest.Config, *, migrated: bool) -> Iterator[str]:
    yours = os.environ.get("WRIT_TEST_DATABASE_URL")
    if yours is None:
        servers = config.stash[SERVERS]
        template = _ready(servers.migrated) if migrated else "template0"
        yield _ready(servers.postgres).fresh_database(template=template)
        return
    url = fresh_database(yours)
    if migrated:
        _migrate(url)
    yield url
    drop_database(url)


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with all tables, to be copied."""
    file = tmp_path_factory.mktemp("migrated") / "writ.db"
    _migrate(f"sqlite:///{file}")
    return file


@pytest.fixture
def sqlite_url(tmp_path: Path, migrated_file: Path) -> str:
    """A fresh SQLite database with all tables."""
    return f"sqlite:///{shutil.copy(migrated_file, tmp_path / 'writ.db')}"


@pytest.fixture
def rabbit_url(pytestconfig: pytest.Config) -> str:
    """A RabbitMQ virtual host of the test's own; of a broker of yours, the one you name."""
    yours = os.environ.get("WRIT_TEST_BROKER_URL")
    return yours or _ready(pytestconfig.stash[SERVERS].rabbit).fresh_vhost()


@pytest.fixture
def sshd(pytestconfig: pytest.Config) -> PrivateSshd:
    """A real OpenSSH server; each test makes folders of its own on it."""
    return _ready(pytestconfig.stash[SERVERS].sshd)


@pytest.fixture(params=["sqlite", "postgresql"])
def engine_url(request: pytest.FixtureRequest) -> str:
    """A fresh database with all tables, on each engine in turn."""
    name = "sqlite_url" if request.param == "sqlite" else "postgres_url"
    return str(request.getfixturevalue(name))


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_engine_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A fresh, empty database, on each engine in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'writ.db'}"
    return str(request.getfixturevalue("empty_postgres_url"))


def _migrate(url: str) -> None:
    database = Database(url, Keyring(()))
    migrate(database)
    database.close()


def _wanted(items: list[pytest.Item]) -> set[str]:
    names = {name for item in items for name in getattr(item, "fixturenames", ())}
    specs = [getattr(item, "callspec", None) for item in items]
    engines = ("engine_url", "empty_engine_url")
    if any(spec and spec.params.get(name) == "postgresql" for spec in specs for name in engines):
        names.add("postgres_url")
    return names


def _ready(starting: Future[Made]) -> Made:
    try:
        return starting.result()
    except BinariesMissing as missing:
        if os.environ.get("CI") == "true":
            pytest.fail(str(missing))
        pytest.skip(str(missing))
