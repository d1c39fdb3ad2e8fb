"""Lets one relay work at a time: a PostgreSQL advisory lock, held as long as its connection lives.

On SQLite there is one process, and so one relay.
"""

from contextlib import suppress

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from shared.database import Database

_LOCK = "SELECT pg_try_advisory_lock(hashtextextended('writ relay', 0))"
_UNLOCK = "SELECT pg_advisory_unlock_all()"


class Leadership:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: Connection | None = None

    def is_ours(self) -> bool:
        """Whether this process leads now; takes the lead where nobody has it."""
        if not self._database.is_postgresql:
            return True
        if self._connection is not None:
            return self._still_there(self._connection)
        connection = self._database.engine.connect()
        connection.execution_options(isolation_level="AUTOCOMMIT")
        if connection.scalar(text(_LOCK)):
            self._connection = connection
            return True
        connection.close()
        return False

    def give_up(self) -> None:
        """The lead is free for another when this returns."""
        if self._connection is None:
            return
        # Its connection's end frees the lock too, but only when the server notices: a moment later.
        with suppress(DBAPIError):
            self._connection.execute(text(_UNLOCK))
        self._hang_up(self._connection)

    def _still_there(self, connection: Connection) -> bool:
        try:
            connection.execute(text("SELECT 1"))
        except DBAPIError:
            self._hang_up(connection)
            return False
        return True

    def _hang_up(self, connection: Connection) -> None:
        # For real, not back into the pool: the lock lives with the connection.
        connection.invalidate()
        connection.close()
        self._connection = None
