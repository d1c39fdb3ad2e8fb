"""Makes, rotates and revokes API keys.  Owns the tables `api_clients` and `api_keys`.

In: what an operator asks for.  Out: `NewClient`, with the key that is shown once; what is stored is
read by shared/api_keys.py, and shown by listing.py.  Each act is in the audit log.
Errors: ClientsError
          ├── NotInForce     no client of this id, or no key that begins so, is in force
          ├── TwoKeysAlive   a third key was asked for
          └── Ambiguous      two keys begin alike
"""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, insert, or_, select, update

from services.intake.audit import record
from shared.api_keys import Mode, Scope, is_well_formed, key_hash, new_key, shown
from shared.clock import Clock, new_id, now
from shared.database import Database
from shared.tables.intake import api_clients, api_keys

_MOST_ALIVE = 2  # one in use, and one to change over to
_OPERATOR = "operator"  # where nobody says more nearly who acts


class ClientsError(Exception):
    pass


class NotInForce(ClientsError):
    pass


class TwoKeysAlive(ClientsError):
    pass


class Ambiguous(ClientsError):
    pass


@dataclass(frozen=True, slots=True)
class NewClient:
    """A client with a key just made.  `key` is shown once; only its hash is stored."""

    id: UUID
    key: str = field(repr=False)
    older: str | None = None  # the start of the key that is alive besides


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What narrows a client, besides its scopes."""

    campaigns: frozenset[str] | None = None  # slugs; None: every campaign
    rate_per_s: int = 0  # requests; 0: not limited
    daily_actions: int = 0  # accepted in a day (UTC); 0: not limited
    expires_at: dt.datetime | None = None  # of its first key; None: never


UNLIMITED = Terms()


def create_client(
    database: Database,
    name: str,
    *,
    mode: Mode,
    scopes: Iterable[Scope],
    terms: Terms = UNLIMITED,
    actor: str = _OPERATOR,
    clock: Clock = now,
) -> NewClient:
    """A client with a first key."""
    client_id, at = new_id(), clock()
    row: dict[str, Any] = {
        "id": client_id,
        "name": name,
        "mode": mode,
        "scopes": sorted(set(scopes)),
        "rate_per_s": terms.rate_per_s,
        "daily_actions": terms.daily_actions,
        "created_at": at,
    }
    if terms.campaigns is not None:  # JSON has a null of its own, which is not SQL's
        row["campaigns"] = sorted(terms.campaigns)
    with database.begin() as connection:
        connection.execute(insert(api_clients), row)
        key = _add_key(connection, client_id, mode, at=at, expires_at=terms.expires_at)
        said = {"key": shown(key), "mode": mode.value, "scopes": row["scopes"]}
        _note(connection, "key_made", client_id, actor=actor, at=at, details=said)
    return NewClient(client_id, key)


def rotate_key(
    database: Database,
    client_id: UUID,
    *,
    expires_at: dt.datetime | None = None,
    older_ends_at: dt.datetime | None = None,
    actor: str = _OPERATOR,
    clock: Clock = now,
) -> NewClient:
    """A second key for a client; the first stays alive, or until `older_ends_at`.

    Raises NotInForce, TwoKeysAlive.
    """
    at = clock()
    with database.begin() as connection:
        mode = _lock(connection, client_id)
        alive = _alive(connection, api_keys.c.client_id == client_id, at)
        if len(alive) >= _MOST_ALIVE:
            raise TwoKeysAlive(" and ".join(alive.values()))
        if older_ends_at is not None:
            _end(connection, alive, older_ends_at)
        key = _add_key(connection, client_id, mode, at=at, expires_at=expires_at)
        said = {"key": shown(key), "older": list(alive.values())}
        _note(connection, "key_rotated", client_id, actor=actor, at=at, details=said)
    return NewClient(client_id, key, next(iter(alive.values()), None))


def revoke_client(
    database: Database, client_id: UUID, *, actor: str = _OPERATOR, clock: Clock = now
) -> bool:
    """Ends a client and all its keys within seconds.  False where there is none in force."""
    at, clients = clock(), api_clients.c
    with database.begin() as connection:
        revoked = connection.execute(
            update(api_clients)
            .where(clients.id == client_id, clients.revoked_at.is_(None))
            .values(revoked_at=at)
        ).rowcount
        if revoked:
            _note(connection, "client_revoked", client_id, actor=actor, at=at, details={})
    return revoked == 1


def revoke_key(database: Database, key: str, *, actor: str = _OPERATOR, clock: Clock = now) -> UUID:
    """Ends one key within seconds, given whole or by how it begins; its client's id.

    Raises NotInForce, Ambiguous.
    """
    at, start, keys = clock(), shown(key), api_keys.c
    which = keys.key_hash == key_hash(key) if is_well_formed(key) else keys.key_start == start
    with database.begin() as connection:
        alive = _alive(connection, which, at)
        if len(alive) > 1:
            raise Ambiguous(start)
        ended = update(api_keys).where(api_keys.c.id.in_(alive)).values(revoked_at=at)
        row = connection.execute(ended.returning(api_keys.c.client_id)).one_or_none()
        if row is None:
            raise NotInForce(start)
        client_id: UUID = row.client_id
        _note(connection, "key_revoked", client_id, actor=actor, at=at, details={"key": start})
    return client_id


def _lock(connection: Connection, client_id: UUID) -> Mode:
    """The client's mode; nobody else rotates its keys until this transaction ends."""
    clients = api_clients.c
    wanted = select(clients.mode).where(clients.id == client_id, clients.revoked_at.is_(None))
    mode = connection.scalar(wanted.with_for_update())
    if mode is None:
        raise NotInForce(str(client_id))
    return Mode(mode)


def _alive(
    connection: Connection, which: ColumnElement[bool], at: dt.datetime
) -> Mapping[UUID, str]:
    """Keys in force: their ids and how they begin, the oldest first."""
    keys = api_keys.c
    in_force = keys.revoked_at.is_(None) & or_(keys.expires_at.is_(None), keys.expires_at > at)
    wanted = select(keys.id, keys.key_start).where(which, in_force).order_by(keys.id)
    return {row.id: row.key_start for row in connection.execute(wanted)}


def _end(connection: Connection, keys: Iterable[UUID], at: dt.datetime) -> None:
    """Lets keys expire then, where they do not before."""
    ends = api_keys.c.expires_at
    later = api_keys.c.id.in_(list(keys)) & or_(ends.is_(None), ends > at)
    connection.execute(update(api_keys).where(later).values(expires_at=at))


def _add_key(
    connection: Connection,
    client_id: UUID,
    mode: Mode,
    *,
    at: dt.datetime,
    expires_at: dt.datetime | None,
) -> str:
    key = new_key(mode)
    row = {
        "id": new_id(),
        "client_id": client_id,
        "key_start": key.start,
        "key_hash": key.hash,
        "created_at": at,
        "expires_at": expires_at,
    }
    connection.execute(insert(api_keys), row)
    return key.text


def _note(
    connection: Connection,
    act: str,
    client_id: UUID,
    *,
    actor: str,
    at: dt.datetime,
    details: Mapping[str, Any],
) -> None:
    record(
        connection,
        actor=actor,
        act=act,
        subject=f"client {client_id}",
        number=1,
        why="",
        details=details,
        at=at,
    )
