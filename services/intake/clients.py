"""Makes and revokes API clients.  Owns the table `api_clients`; shared/api_keys.py reads it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import insert, update

from shared.api_keys import Mode, Scope, new_key
from shared.clock import Clock, new_id, now
from shared.database import Database
from shared.tables.intake import api_clients


@dataclass(frozen=True, slots=True)
class NewClient:
    """A client just made.  `key` is shown once; only its hash is stored."""

    id: UUID
    key: str = field(repr=False)


def create_client(
    database: Database,
    name: str,
    *,
    mode: Mode,
    scopes: Iterable[Scope],
    rate_per_s: int = 0,
    clock: Clock = now,
) -> NewClient:
    """A client with a new key.  `rate_per_s` 0: not limited."""
    client_id, key = new_id(), new_key(mode)
    with database.begin() as connection:
        connection.execute(
            insert(api_clients).values(
                id=client_id,
                name=name,
                mode=mode,
                scopes=sorted(set(scopes)),
                key_start=key.start,
                key_hash=key.hash,
                rate_per_s=rate_per_s,
                created_at=clock(),
            )
        )
    return NewClient(client_id, key.text)


def revoke_client(database: Database, client_id: UUID, *, clock: Clock = now) -> bool:
    """Ends a client's key within seconds.  False where there is none, or it was ended before."""
    clients = api_clients.c
    with database.begin() as connection:
        revoked = connection.execute(
            update(api_clients)
            .where(clients.id == client_id, clients.revoked_at.is_(None))
            .values(revoked_at=clock())
        )
    return revoked.rowcount == 1
