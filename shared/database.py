"""One database, two engines: PostgreSQL in production, SQLite embedded; one code path.

`begin()` is a transaction that writes, `read()` one that only looks.  SQLite allows one writer:
a lock in front of it makes writers queue in order instead of polling for the file.
"""

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from sqlalchemy import Connection, Table, create_engine, event, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect, Engine
from sqlalchemy.exc import (
    InterfaceError,
    InternalError,
    InvalidatePoolError,
    OperationalError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import ConnectionPoolEntry

from shared.privacy import Keyring, equip

_SQLITE_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",  # an answered action survives a power cut
    "PRAGMA busy_timeout=30000",
    "PRAGMA foreign_keys=ON",
)
_REST_S = 1.0  # an idle connection may have lost its server since

# An error would else quote what was to be stored: people, in logs and in Sentry.
_DISCREET: Mapping[str, Any] = {"hide_parameters": True}

# A server that vanishes without a word is noticed within half a minute, on every connection; a
# transaction that a stuck process left open holds nobody up for longer than a minute.
_PATIENCE: Mapping[str, Any] = {
    "connect_timeout": 5,  # seconds, as all but tcp_user_timeout
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 4,
    "tcp_user_timeout": 30_000,  # milliseconds
    "options": "-c idle_in_transaction_session_timeout=60000",
}

_TRY_LOCK = text("SELECT pg_try_advisory_xact_lock(hashtextextended(:name, 0))")


#: What is raised while a server is gone, or has become read-only in a failover (InternalError).
DATABASE_AWAY = (OperationalError, InterfaceError, InternalError, PoolTimeout)


class Database:
    def __init__(self, url: str, keyring: Keyring, *, pool_size: int = 16) -> None:
        self.engine = _engine(url, pool_size)
        self.is_postgresql = self.engine.dialect.name == "postgresql"
        self.keyring = keyring
        self._writer = threading.Lock()
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

    def hold(self, connection: Connection, name: str) -> bool:
        """Tries to be the only one working on `name` until this transaction, from `begin()`, ends.

        False at once where another holds it.  PostgreSQL: an advisory lock.  SQLite: always True,
        because another writer has waited in `begin()`, and finds what the first one left.
        """
        return not self.is_postgresql or bool(connection.scalar(_TRY_LOCK, {"name": name}))

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


def _engine(url: str, pool_size: int) -> Engine:
    if url.startswith("postgresql"):
        engine = create_engine(
            url,
            pool_size=pool_size,
            max_overflow=4,
            connect_args=dict(_PATIENCE),
            **_DISCREET,
        )
        event.listen(engine, "checkin", _note_return)
        event.listen(engine, "checkout", partial(_ping_after_rest, engine.dialect))
        return engine
    engine = create_engine(url, pool_size=pool_size, max_overflow=-1, **_DISCREET)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _note_return(_connection: Any, record: ConnectionPoolEntry) -> None:
    record.info["returned"] = time.monotonic()


def _ping_after_rest(
    dialect: Dialect, connection: Any, record: ConnectionPoolEntry, _proxy: object
) -> None:
    """Asks a connection that rested whether its server is still there.

    One in constant use is not asked: the question cost a sixth of a busy service's time.
    """
    if time.monotonic() - record.info.get("returned", time.monotonic()) < _REST_S:
        return
    try:
        dialect.do_ping(connection)
    except dialect.loaded_dbapi.Error as error:
        raise InvalidatePoolError from error  # the pool then opens new ones, and asks no other


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
