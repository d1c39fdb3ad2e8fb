"""Moves actions that waited: confirmed or released, they are carried; else they never are.

In: ids of actions that stand unconfirmed or held.  Out: their new standing, and for what became
clear a line in the feed `clearances`, which the relay reads.
"""

import datetime as dt
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from services.intake.accept import standing_of
from shared.tables.intake import FIRSTS, Standing, actions, clearances

# How an action stood until then: what was confirmed at the last moment does not expire.
_WAITED = {
    Standing.REJECTED: Standing.HELD,
    Standing.DISOWNED: Standing.UNCONFIRMED,
    Standing.EXPIRED: Standing.UNCONFIRMED,
}
_TRIES = 3
_LOOKED_AT = ("id", "seq", "standing", "channel", "held_for", "duplicate_key")

_Action = Row[Any]


def confirm(connection: Connection, action_id: UUID, now: dt.datetime) -> Standing | None:
    """Its supporter said yes.  Its standing now; None where it did not wait for that."""
    found = _waiting(connection, [action_id], Standing.UNCONFIRMED)
    if not found:
        return None
    one = found[0]
    wanted = Standing.HELD if one.held_for else standing_of(one.channel)
    standing = _stand_first(connection, one, wanted, now)
    if standing is Standing.CLEAR:
        _let_go(connection, [one.id], now)
    return standing


def release(connection: Connection, ids: Sequence[UUID], now: dt.datetime) -> int:
    """A person read them and said yes.  How many were held."""
    found = _waiting(connection, ids, Standing.HELD)
    for standing in (Standing.CLEAR, Standing.COUNTED):
        some = [one.id for one in found if standing_of(one.channel) is standing]
        _stand(connection, some, standing)
        if standing is Standing.CLEAR:
            _let_go(connection, some, now)
    return len(found)


def drop(connection: Connection, ids: Sequence[UUID], standing: Standing, now: dt.datetime) -> int:
    """They are never carried: rejected, disowned or expired.  How many had waited for that.

    A duplicate of one that is dropped takes its place: its supporter did act.
    """
    found = _waiting(connection, ids, _WAITED[standing])
    _stand(connection, [one.id for one in found], standing)
    _promote(connection, [one.duplicate_key for one in found if one.duplicate_key], now)
    return len(found)


def _waiting(connection: Connection, ids: Sequence[UUID], standing: Standing) -> Sequence[_Action]:
    if not ids:
        return []
    columns = (actions.c[name] for name in _LOOKED_AT)
    wanted = select(*columns).where(actions.c.id.in_(ids), actions.c.standing == standing)
    return connection.execute(wanted.order_by(actions.c.seq).with_for_update()).all()


def _stand(connection: Connection, ids: Sequence[UUID], standing: Standing) -> None:
    if ids:
        connection.execute(update(actions).where(actions.c.id.in_(ids)).values(standing=standing))


def _stand_first(
    connection: Connection, one: _Action, standing: Standing, now: dt.datetime
) -> Standing:
    """As wanted, or as a duplicate where another is first: the unique index decides."""
    mine = update(actions).where(actions.c.id == one.id).values(confirmed_at=now)
    for _ in range(_TRIES):  # a first that is rejected at this very moment makes room
        try:
            with connection.begin_nested():
                connection.execute(mine.values(standing=standing))
        except IntegrityError:
            if first := _first(connection, one.duplicate_key):
                connection.execute(mine.values(standing=Standing.DUPLICATE, duplicate_of=first))
                return Standing.DUPLICATE
        else:
            return standing
    raise RuntimeError("an action found no place")


def _promote(connection: Connection, keys: Sequence[bytes], now: dt.datetime) -> None:
    """The oldest duplicate of each key becomes the first, where none is left."""
    if not keys:
        return
    taken = select(actions.c.duplicate_key).where(actions.c.duplicate_key.in_(keys), text(FIRSTS))
    oldest = (
        select(func.min(actions.c.seq))
        .where(
            actions.c.duplicate_key.in_(keys),
            actions.c.duplicate_key.not_in(taken),
            actions.c.standing == Standing.DUPLICATE,
        )
        .group_by(actions.c.duplicate_key)
    )
    columns = (actions.c[name] for name in _LOOKED_AT)
    for one in connection.execute(select(*columns).where(actions.c.seq.in_(oldest))).all():
        standing = Standing.HELD if one.held_for else standing_of(one.channel)
        same = actions.c.duplicate_key == one.duplicate_key
        connection.execute(
            update(actions)
            .where(same, actions.c.standing == Standing.DUPLICATE)
            .values(duplicate_of=one.id)
        )
        connection.execute(
            update(actions)
            .where(actions.c.id == one.id)
            .values(standing=standing, duplicate_of=None)
        )
        if standing is Standing.CLEAR:
            _let_go(connection, [one.id], now)


def _first(connection: Connection, key: bytes) -> UUID | None:
    found: UUID | None = connection.scalar(
        select(actions.c.id)
        .where(actions.c.duplicate_key == key, text(FIRSTS))
        .with_for_update(read=True)
    )
    return found


def _let_go(connection: Connection, ids: Sequence[UUID], now: dt.datetime) -> None:
    if ids:
        connection.execute(
            insert(clearances), [{"action_id": one, "cleared_at": now} for one in ids]
        )
