"""Makes a repeated request safe: the same key and body get the first answer again.

Owns the table `idempotency_records`; a record and what it stands for are committed in one
transaction, and only when the work succeeded.  Follows draft-ietf-httpapi-idempotency-key-header:
another body under the same key is refused, and so is a second request while the first is under way.
Keys belong to their client, and may be used anew after 7 days; older records are purged as
new ones come, and by a chore of the steward, so that those of a quiet tool go too.  Raises Problem.
"""

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, bindparam, delete, insert, select, tuple_

from shared.clock import Clock
from shared.database import Database
from shared.http.problems import Fault, Problem, ProblemKind
from shared.tables.columns import Instant
from shared.tables.intake import idempotency_records

KEPT = dt.timedelta(days=7)
PURGE_EVERY = 100  # new records; each time twice as many old ones may go, so that none pile up
_CHUNK = 2 * PURGE_EVERY

MALFORMED_KEY = ProblemKind(
    400, "idempotency_key_malformed", "The Idempotency-Key is not of its form"
)
IN_FLIGHT = ProblemKind(409, "idempotency_in_flight", "A request with this key is under way")
REUSED = ProblemKind(422, "idempotency_key_reused", "The key was used for another request")
KINDS = (MALFORMED_KEY, IN_FLIGHT, REUSED)

# A structured-field string (RFC 9651, 3.3.3) without escapes; the quotes may be left out.
_KEY = re.compile(r'"([\x20-\x21\x23-\x5b\x5d-\x7e]{1,255})"|([\x21\x23-\x5b\x5d-\x7e]{1,255})')

_RECORDS = idempotency_records.c
_MINE = (_RECORDS.client_id == bindparam("of_client")) & (_RECORDS.key == bindparam("of_key"))
_FIND = select(_RECORDS.body_hash, _RECORDS.status, _RECORDS.answer, _RECORDS.created_at).where(
    _MINE
)
_FORGET = delete(idempotency_records).where(_MINE)
_KEY_OF = tuple_(_RECORDS.client_id, _RECORDS.key)
_PURGE = delete(idempotency_records).where(
    _KEY_OF.in_(
        select(_RECORDS.client_id, _RECORDS.key)
        .where(_RECORDS.created_at < bindparam("before", type_=Instant))
        .order_by(_RECORDS.created_at)
        .limit(_CHUNK)
        .with_for_update(skip_locked=True)
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Once:
    """Whose request it is, its key, and a hash that tells one body from another."""

    client_id: UUID
    key: str
    body_hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    status: int
    answer: dict[str, Any]
    replayed: bool = False


Work = Callable[[Connection], Result]


def read_key(header: str | None) -> str | None:
    """The key in an Idempotency-Key header, or None without one."""
    if header is None:
        return None
    found = _KEY.fullmatch(header.strip())
    if not found:
        said = "1 to 255 printable ASCII characters, with or without quotes around them"
        raise Problem(MALFORMED_KEY, said, faults=[Fault("?Idempotency-Key", "wrong_form", said)])
    return found[1] or found[2]


def forget(database: Database, now: dt.datetime) -> bool:
    """Purges a chunk of what is too old: a chore of the steward; True where more may be waiting."""
    with database.begin() as connection:
        gone = connection.execute(_PURGE, {"before": now - KEPT}).rowcount
    return gone == _CHUNK


class Idempotency:
    """Runs work once for each key."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._numbers = count(1)

    def run(self, once: Once, work: Work) -> Result:
        """The result of `work`, or of its first run.  Nothing is stored when `work` raises."""
        name = f"idempotency {once.client_id} {once.key}"
        with self._database.begin() as connection:
            if not self._database.hold(connection, name):
                raise Problem(IN_FLIGHT, headers={"Retry-After": "1"})
            first = self._first(connection, once)
            if first is not None:
                return first
            result = work(connection)
            self._remember(connection, once, result)
            return result

    def first(self, once: Once) -> Result | None:
        """What the first run gave, where there was one."""
        with self._database.begin() as connection:
            return self._first(connection, once)

    def _first(self, connection: Connection, once: Once) -> Result | None:
        mine = {"of_client": once.client_id, "of_key": once.key}
        row = connection.execute(_FIND, mine).one_or_none()
        if row is None:
            return None
        if row.created_at < self._clock() - KEPT:
            connection.execute(_FORGET, mine)
            return None
        if row.body_hash != once.body_hash:
            raise Problem(REUSED, "Another body was sent with this key; take a new key")
        return Result(status=row.status, answer=row.answer, replayed=True)

    def _remember(self, connection: Connection, once: Once, result: Result) -> None:
        connection.execute(
            insert(idempotency_records),
            {
                "client_id": once.client_id,
                "key": once.key,
                "body_hash": once.body_hash,
                "status": result.status,
                "answer": result.answer,
                "created_at": self._clock(),
            },
        )
        if next(self._numbers) % PURGE_EVERY == 0:
            connection.execute(_PURGE, {"before": self._clock() - KEPT})
