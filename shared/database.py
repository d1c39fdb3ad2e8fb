"""One database, two engines: PostgreSQL in production, SQLite embedded; one code path.

`begin()` is a transaction that writes, `read()` one that only looks.  SQLite allows one writer:
a lock in front of it makes writers queue in order instead of polling for the file.
"""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Table, create_engine, event, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Engine

from shared.privacy import Keyring, equip

_SQLITE_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",  # an answered action survives a power cut
    "PRAGMA busy_timeout=30000",
    "PRAGMA foreign_keys=ON",
)
# An error would else quote what was to be stored: people, in logs and in Sentry.
_DISCREET: Mapping[str, Any] = {"hide_parameters": True}

_TRY_LOCK = text("SELECT pg_try_advisory_xact_lock(hashtextextended(:name, 0))")


class Database:
    def __init__(self, url: str, keyring: Keyring, *, pool_size: int = 16) -> None:
        self.engine = _engine(url, pool_size)
        self.is_postgresql = self.engine.dialect.name == "postgresql"
        self._writer = threading.Lock()
        self._held: set[str] = set()
        equip(self.engine.dialect, keyring)

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """A transaction that writes; committed at the end, rolled back on an error."""
        if self.is_postgresql:
            with self.engine.begin() as connection:
                yield connection
            return
        with self._writer, self.engine.connect() as connection:
            connection = connection.execution_options(writ_writes=True)
            with connection.begin():
                yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        with self.engine.connect() as connection:
            yield connection

    @contextmanager
    def hold(self, connection: Connection, name: str) -> Iterator[bool]:
        """Tries to be the only one working on `name` while this transaction lasts.

        Yields False at once where another holds it.  PostgreSQL: an advisory lock that ends with
        the transaction; SQLite: a name in this one process.
        """
        if self.is_postgresql:
            yield try_lock(connection, name)
            return
        if name in self._held:
            yield False
            return
        self._held.add(name)
        try:
            yield True
        finally:
            self._held.discard(name)

    def close(self) -> None:
        self.engine.dispose()


def insert_new(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> int:
    """Inserts those rows whose unique keys are not there yet; returns how many were new."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    return connection.execute(
        dialect.insert(table).on_conflict_do_nothing(),
        [dict(row) for row in rows],
        execution_options={"preserve_rowcount": True},  # else -1 for several rows
    ).rowcount


def try_lock(connection: Connection, name: str) -> bool:
    """PostgreSQL only: an advisory lock on `name` until the transaction ends."""
    return bool(connection.scalar(_TRY_LOCK, {"name": name}))


def _engine(url: str, pool_size: int) -> Engine:
    if url.startswith("postgresql"):
        return create_engine(
            url, pool_size=pool_size, max_overflow=4, pool_pre_ping=True, **_DISCREET
        )
    engine = create_engine(url, pool_size=pool_size, max_overflow=-1, **_DISCREET)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver must not begin on its own: _begin_sqlite does
    cursor = connection.cursor()
    for pragma in _SQLITE_PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writ_writes", False)
    # A transaction that begins as a reader cannot always become a writer: say so at the start.
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
