"""Decides on which carrier each accepted action rests: once for each recipient.

In: intake's `actions`, in the order in which they were committed.  Out: `deliveries` and
`carriages`.  The cursor moves in the same transaction, so that no action is planned twice and none
is stepped over; the primary key of `carriages` is the last word.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, insert, select, tuple_

from services.dispatch.cursors import move, position
from shared.catalogue import Catalogue
from shared.clock import new_id
from shared.tables.columns import settled_before
from shared.tables.dispatch import DeliveryState, carriages, deliveries
from shared.tables.intake import actions

CURSOR = "planned"
BATCH = 500  # actions planned in one transaction


@dataclass(frozen=True, slots=True)
class Planned:
    actions: int
    deliveries: int


def plan_new_actions(connection: Connection, catalogue: Catalogue, now: dt.datetime) -> Planned:
    """Plans the next actions, at most BATCH, and moves the cursor behind them."""
    rows = _next_actions(connection)
    if not rows:
        return Planned(0, 0)
    carried = _carried(connection, [row.id for row in rows])
    singles = [
        _single(row, recipient, catalogue, now)
        for row in rows
        for recipient in dict.fromkeys(row.recipients)
        if (row.id, recipient) not in carried
    ]
    if singles:
        connection.execute(insert(deliveries), [single.delivery for single in singles])
        connection.execute(insert(carriages), [single.carriage for single in singles])
    move(connection, CURSOR, rows[-1].xact, rows[-1].seq)
    return Planned(len(rows), len(singles))


@dataclass(frozen=True, slots=True)
class _Single:
    """The two rows of one action on a carrier of its own."""

    delivery: dict[str, Any]
    carriage: dict[str, Any]


def _single(action: Any, recipient: str, catalogue: Catalogue, now: dt.datetime) -> _Single:
    case = catalogue.cases.get(action.case)
    embargo = case.policy.embargo_until if case else None
    delivery_id = new_id()
    delivery = {
        "id": delivery_id,
        "carrier": "single",
        "mode": action.mode,
        "campaign": action.campaign,
        "case": action.case,
        "kind": action.kind,
        "channel": action.channel,
        "language": action.language,
        "recipient": recipient,
        "why": _why(embargo, now),
        "state": DeliveryState.DUE,
        "next_attempt_at": max(now, embargo or now),
        "attempts": 0,
        # The clock was read before the rows: what was accepted meanwhile is not planned before it.
        "planned_at": max(now, action.accepted_at),
    }
    carriage = {"action_id": action.id, "recipient": recipient, "delivery_id": delivery_id}
    return _Single(delivery, carriage)


def _why(embargo: dt.datetime | None, now: dt.datetime) -> str:
    if embargo and embargo > now:
        until = f"{embargo.astimezone(dt.UTC):%d %B %Y %H:%M} UTC"
        return f"A message of its own; the case is under embargo until {until}."
    return "A message of its own, due at once."


def _next_actions(connection: Connection) -> Sequence[Any]:
    order = (actions.c.xact, actions.c.seq)
    return connection.execute(
        select(
            *order,
            actions.c.id,
            actions.c.mode,
            actions.c.campaign,
            actions.c.case,
            actions.c.kind,
            actions.c.channel,
            actions.c.language,
            actions.c.recipients,
            actions.c.accepted_at,
        )
        .where(
            tuple_(*order) > tuple_(*position(connection, CURSOR)),
            actions.c.xact < settled_before(),
        )
        .order_by(*order)
        .limit(BATCH)
    ).all()


def _carried(connection: Connection, ids: list[UUID]) -> set[tuple[UUID, str]]:
    found = connection.execute(
        select(carriages.c.action_id, carriages.c.recipient).where(carriages.c.action_id.in_(ids))
    )
    return {(row.action_id, row.recipient) for row in found}
