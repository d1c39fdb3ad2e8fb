"""Counts in SQL what clients used of their limits, for all of intake's processes together.

Owns the table `client_usage`: a row for each client, limit and window.  In: shares that processes
take (shared/http/shares.py).  Out: how much is taken; `forget` is a chore of the steward.
"""

import datetime as dt
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from shared.database import Database
from shared.http.shares import Window
from shared.tables.intake import client_usage

_KEPT = dt.timedelta(days=2)  # the longest window is a day; clocks differ

_USAGE = client_usage.c
_OF_WINDOW = (
    (_USAGE.client_id == bindparam("of_client"))
    & (_USAGE.limit == bindparam("of_limit"))
    & (_USAGE.window == bindparam("of_window"))
)
_TAKEN = select(_USAGE.taken).where(_OF_WINDOW)


class SharedStore:
    """Where intake's processes take their shares.  Each call is a transaction of its own."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._take = _take(database)

    def take(self, window: Window, number: int, most: int) -> int | None:
        values = _of(window) | {"number": number, "most": most}
        with self._alone() or self._database.begin() as connection:
            row = connection.execute(self._take, values).one_or_none()
        return None if row is None else row.taken

    def taken(self, window: Window) -> int:
        with self._alone() or self._database.read() as connection:
            return connection.scalar(_TAKEN, _of(window)) or 0

    def _alone(self) -> Connection | None:
        """Saves PostgreSQL a BEGIN and a COMMIT: a single statement is whole without them."""
        if not self._database.is_postgresql:
            return None
        return self._database.engine.connect().execution_options(isolation_level="AUTOCOMMIT")


def forget(database: Database, now: dt.datetime) -> bool:
    """Removes windows that ended long ago.  Always False: nothing is left over."""
    before = int((now - _KEPT).timestamp())
    with database.begin() as connection:
        connection.execute(delete(client_usage).where(_USAGE.window < before))
    return False


def _take(database: Database) -> Any:
    """Adds to a window, and returns nothing where that would be above the most."""
    dialect = postgresql if database.is_postgresql else sqlite
    adding = dialect.insert(client_usage).values(
        client_id=bindparam("of_client"),
        limit=bindparam("of_limit"),
        window=bindparam("of_window"),
        taken=bindparam("number"),
    )
    taken = _USAGE.taken + adding.excluded.taken
    returned: list[ColumnElement[Any]] = [_USAGE.taken]
    if database.is_postgresql:
        # A count need not outlive a crash of the server: so no request waits for its disk.
        returned.append(func.set_config("synchronous_commit", "off", True).label("unhurried"))
    return adding.on_conflict_do_update(
        index_elements=[_USAGE.client_id, _USAGE.limit, _USAGE.window],
        set_={"taken": taken},
        where=taken <= bindparam("most"),
    ).returning(*returned)


def _of(window: Window) -> dict[str, Any]:
    return {"of_client": window.client, "of_limit": window.limit, "of_window": window.began}
