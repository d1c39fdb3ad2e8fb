"""The time and new ids, in one place each, so that tests can hand in their own."""

import datetime as dt
from collections.abc import Callable
from uuid import UUID

from uuid_utils import compat

Clock = Callable[[], dt.datetime]


def now() -> dt.datetime:
    """This moment, in UTC."""
    return dt.datetime.now(dt.UTC)


def new_id() -> UUID:
    """A UUIDv7: rows made together lie together in their index (RFC 9562, section 5.7)."""
    return compat.uuid7()
