"""The rows of `paces`: locked, read, and written back within one transaction.

Always locked in the order of their keys, so that no two transactions wait for each other.
"""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, select, update

from shared.database import insert_new
from shared.tables.pacing import paces

#: Of a mailbox that nothing has left for: free since ever.
_EVER = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@dataclass(slots=True)
class PaceRow:
    """A mailbox, or a domain; changed here, and then written by `write`."""

    key: str
    domain: str
    free_at: dt.datetime
    planned_until: dt.datetime | None
    digest_on: dt.date | None
    refused: int
    refused_at: dt.datetime | None
    stopped_at: dt.datetime | None
    stopped_until: dt.datetime | None
    stopped_why: str | None

    def stopped_for(self, now: dt.datetime) -> dt.datetime | None:
        """Until when nothing may leave; None: it may.  A stop without an end ends in an hour."""
        if self.stopped_at is None:
            return None
        until = self.stopped_until or now + dt.timedelta(hours=1)
        return until if until > now else None


_COLUMNS = tuple(PaceRow.__dataclass_fields__)
_WRITTEN = _COLUMNS[2:]
# Made once: every claim asks them.
_HERE = paces.c.key.in_(bindparam("b_keys", expanding=True))
_KNOWN = select(paces.c.key).where(_HERE)
_LOCK = (
    select(*(paces.c[name] for name in _COLUMNS))
    .where(_HERE)
    .order_by(paces.c.key)
    .with_for_update()
)
_WRITE = (
    update(paces)
    .where(paces.c.key == bindparam("b_key"))
    .values({name: bindparam(f"b_{name}") for name in _WRITTEN})
)


def domain_of(email: str) -> str:
    return email.rpartition("@")[2].strip().lower()


def domain_key(domain: str) -> str:
    """How a domain is called in `paces`, where mailboxes are called by a hash."""
    return f"@{domain}"


def lock(connection: Connection, domains: Mapping[str, str]) -> dict[str, PaceRow]:
    """The rows of these keys, made where they are missing, and locked until the commit.

    `domains`: the domain of each key.
    """
    known = connection.scalars(_KNOWN, {"b_keys": list(domains)})
    missing = sorted(set(domains).difference(known))
    if missing:  # before anything is locked: who inserts may have to wait for who holds
        insert_new(connection, paces, [_fresh(key, domains[key]) for key in missing])
    found = connection.execute(_LOCK, {"b_keys": list(domains)})
    return {row.key: PaceRow(*row) for row in found}


def write(connection: Connection, rows: Iterable[PaceRow]) -> None:
    values = [{f"b_{name}": getattr(row, name) for name in ("key", *_WRITTEN)} for row in rows]
    if values:
        connection.execute(_WRITE, values)


def _fresh(key: str, domain: str) -> dict[str, object]:
    return {"key": key, "domain": domain, "free_at": _EVER, "refused": 0}
