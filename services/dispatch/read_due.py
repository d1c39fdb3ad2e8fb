"""Reads what is due, with the actions opened: singles, digests, notices.

In: ids from a wake-up.  Out: those that still wait to be claimed.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, select, text

from services.dispatch.digests import read_digests
from services.dispatch.due import Due
from services.dispatch.erased import UNCLEAR_AT, named
from services.dispatch.notices import with_notices
from shared.tables.dispatch import CARRY_ONE, DUE_WOKEN, carriages, deliveries
from shared.tables.intake import actions


def read_due(connection: Connection, ids: Sequence[UUID]) -> list[Due]:
    """Raises Unreadable where what a supporter wrote does not open."""
    found = with_notices(connection, _read_singles(connection, ids))
    missing = set(ids).difference(due.id for due in found)
    if missing:  # seldom, and then some may be digests
        found += read_digests(connection, sorted(missing))
    return found


def _read_singles(connection: Connection, ids: Sequence[UUID]) -> list[Due]:
    rows = connection.execute(
        select(
            *(deliveries.c[name] for name in _DELIVERY_COLUMNS),
            *(actions.c[name] for name in _ACTION_COLUMNS),
            actions.c.id.label("action_id"),
            UNCLEAR_AT.label("unclear_at"),
        )
        .join_from(deliveries, carriages, carriages.c.delivery_id == deliveries.c.id)
        .join(actions, actions.c.id == carriages.c.action_id)
        .where(
            deliveries.c.id.in_(ids),
            deliveries.c.carrier.in_(CARRY_ONE),
            text(DUE_WOKEN),
            actions.c.erased_at.is_(None),
        )
        .order_by(deliveries.c.id)
    )
    return [_due(row) for row in rows]


_DELIVERY_COLUMNS = (
    "id",
    "carrier",
    "mode",
    "campaign",
    "case",
    "kind",
    "channel",
    "language",
    "recipient",
    "mailbox",
    "attempts",
)
_PERSONAL_COLUMNS = ("supporter_name", "supporter_email", "words")
_ACTION_COLUMNS = (*_PERSONAL_COLUMNS, "supporter_country", "consent")


def _due(row: Any) -> Due:
    said = dict(row._mapping)
    action_id = said.pop("action_id")
    opened = {name: said[name] and said[name].open(action_id) for name in _PERSONAL_COLUMNS}
    return Due(**said | opened | {"unclear_at": named(said["unclear_at"])})
