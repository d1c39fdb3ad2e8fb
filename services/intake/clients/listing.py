"""Shows the clients and their keys: what they may, and when they were last used.

Reads `api_clients` and `api_keys`.  Of a key nothing is shown but how it begins.
"""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from uuid import UUID

from sqlalchemy import Row, select

from shared.database import Database
from shared.tables.intake import api_clients, api_keys


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownKey:
    start: str
    expires_at: dt.datetime | None
    revoked_at: dt.datetime | None
    last_used_at: dt.datetime | None  # at intake, to the minute

    def in_force(self, at: dt.datetime) -> bool:
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > at)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownClient:
    id: UUID
    name: str
    mode: str
    scopes: tuple[str, ...]
    campaigns: tuple[str, ...] | None  # None: every one
    rate_per_s: int
    daily_actions: int
    revoked_at: dt.datetime | None
    keys: tuple[ShownKey, ...]  # the oldest first

    def in_force(self, at: dt.datetime) -> bool:
        return self.revoked_at is None and any(key.in_force(at) for key in self.keys)


_ALL = (
    select(
        api_clients,
        api_keys.c.key_start,
        api_keys.c.expires_at,
        api_keys.c.revoked_at.label("key_revoked_at"),
        api_keys.c.last_used_at,
    )
    .join_from(api_clients, api_keys, api_keys.c.client_id == api_clients.c.id)
    .order_by(api_clients.c.id, api_keys.c.id)
)


def list_clients(database: Database) -> Iterator[ShownClient]:
    """All clients that ever were, the oldest first."""
    with database.read() as connection:
        rows = connection.execute(_ALL).all()
    for _, of_client in groupby(rows, key=lambda row: row.id):
        yield _client(list(of_client))


def _client(rows: list[Row[*tuple[object, ...]]]) -> ShownClient:
    first = rows[0]
    return ShownClient(
        id=first.id,
        name=first.name,
        mode=first.mode,
        scopes=tuple(first.scopes),
        campaigns=None if first.campaigns is None else tuple(first.campaigns),
        rate_per_s=first.rate_per_s,
        daily_actions=first.daily_actions,
        revoked_at=first.revoked_at,
        keys=tuple(
            ShownKey(
                start=row.key_start,
                expires_at=row.expires_at,
                revoked_at=row.key_revoked_at,
                last_used_at=row.last_used_at,
            )
            for row in rows
        ),
    )
