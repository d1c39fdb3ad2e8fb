"""Notes when a key was last used, to the minute, so that a key nobody needs is seen.

Writes `api_keys.last_used_at`.  Only intake does: tracking must not write intake's tables, so a key
that only reads there counts as unused.  A note is a transaction of its own, before the request's,
and where it fails the request goes on.
"""

import datetime as dt
from uuid import UUID

import structlog
from sqlalchemy import bindparam, or_, update
from sqlalchemy.exc import SQLAlchemyError

from shared.api_keys import Key
from shared.clock import Clock
from shared.database import Database
from shared.tables.columns import Instant
from shared.tables.intake import api_keys

EVERY = dt.timedelta(minutes=1)

log = structlog.get_logger(__name__)

_NOTE = (
    update(api_keys)
    .where(
        api_keys.c.id == bindparam("key"),
        # Another process may have noted it a moment ago.
        or_(
            api_keys.c.last_used_at.is_(None),
            api_keys.c.last_used_at <= bindparam("before", type_=Instant),
        ),
    )
    .values(last_used_at=bindparam("used_at", type_=Instant))
)


class LastUse:
    """Called with each key that is let in."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._noted: dict[UUID, dt.datetime] = {}

    def __call__(self, key: Key) -> None:
        at = self._clock()
        noted = self._noted.get(key.id)
        if noted is not None and at - noted < EVERY:
            return
        self._noted[key.id] = at  # first, so that other threads need not
        values = {"key": key.id, "used_at": at, "before": at - EVERY}
        try:
            with self._database.begin() as connection:
                connection.execute(_NOTE, values)
        except SQLAlchemyError as error:
            log.warning("key_use_not_noted", key_id=str(key.id), error=type(error).__name__)
