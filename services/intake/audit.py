"""Keeps who decided what, when and why: appended, never changed.

Owns the table `audit_log`.  In: decisions, each in the transaction of what it decides.  Out: the
log, the newest first.  Details are ids and words of ours, never a person's data.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert, select

from shared.tables.intake import audit_log

_SHOWN = ("seq", "at", "actor", "act", "subject", "number", "why", "details")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One decision."""

    seq: int
    at: dt.datetime
    actor: str
    act: str
    subject: str
    number: int
    why: str
    details: Mapping[str, Any]


def record(
    connection: Connection,
    *,
    actor: str,
    act: str,
    subject: str,
    number: int,
    why: str,
    details: Mapping[str, Any],
    at: dt.datetime,
) -> None:
    """In the transaction of what was decided."""
    connection.execute(
        insert(audit_log).values(
            at=at,
            actor=actor,
            act=act,
            subject=subject,
            number=number,
            why=why,
            details=dict(details),
        )
    )


def read(
    connection: Connection,
    *,
    actor: str | None = None,
    act: str | None = None,
    subject: str | None = None,
    before: int | None = None,
    limit: int,
) -> Sequence[Entry]:
    """The newest entries first; `before` is the `seq` of the last one that was seen."""
    wanted = select(*(audit_log.c[name] for name in _SHOWN))
    for name, value in (("actor", actor), ("act", act), ("subject", subject)):
        if value is not None:
            wanted = wanted.where(audit_log.c[name] == value)
    if before is not None:
        wanted = wanted.where(audit_log.c.seq < before)
    rows = connection.execute(wanted.order_by(audit_log.c.seq.desc()).limit(limit))
    return [Entry(**row._mapping) for row in rows]
