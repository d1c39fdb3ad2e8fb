"""Emails to supporters that intake asked for: planned as deliveries like any other, and read back.

In: intake's `notices`, in the order in which they were committed.  Out: deliveries with the carrier
`notice`, which rest on their action under a name that no recipient has.  A notice whose question
was answered meanwhile is called off.
"""

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, func, insert, select, text, tuple_, update

from services.dispatch.cursors import move, position
from services.dispatch.due import Due, Notice
from shared.catalogue import Channel
from shared.clock import new_id
from shared.tables.columns import follows, settled_before
from shared.tables.dispatch import DUE_WOKEN, DeliveryState, carriages, deliveries
from shared.tables.intake import Standing, actions, notices

CARRIER = "notice"
CURSOR = "planned_notices"
BATCH = 500  # notices planned in one transaction
MOST_A_DAY = 20  # to one supporter; more looks as if somebody misused a stranger's address

_MARK = f"{CARRIER}/"  # no slug of a recipient holds a slash
_WHY = {
    "confirm": "An email asks the supporter: was this you?",
    "remind": "An email reminds the supporter of the question.",
}
_TOO_MANY = f"This supporter was asked {MOST_A_DAY} times within a day: is the address misused?"


def plan_notices(connection: Connection, now: dt.datetime) -> bool:
    """Plans the next notices, at most BATCH, each once; True where more are surely waiting."""
    before = position(connection, CURSOR)
    rows = _next_notices(connection, before)
    if not rows:
        return False
    planned = _planned(connection, [row.action_id for row in rows])
    wanted = [row for row in rows if (row.action_id, f"{_MARK}{row.notice}") not in planned]
    asked = _asked_lately(connection, wanted, before, now)
    made = [_delivery(row, asked, now) for row in wanted]
    if made:
        connection.execute(insert(deliveries), made)
        connection.execute(
            insert(carriages),
            [_carriage(row, one) for row, one in zip(wanted, made, strict=True)],
        )
    move(connection, CURSOR, rows[-1].xact, rows[-1].seq)
    return len(rows) == BATCH


def with_notices(connection: Connection, due: Sequence[Due]) -> list[Due]:
    """The same deliveries; those of notices with what they say.  Raises Unreadable."""
    ids = [one.id for one in due if one.recipient.startswith(_MARK)]
    if not ids:
        return list(due)
    told = _read(connection, ids)
    return [replace(one, notice=told.get(one.id)) for one in due]


def call_off(connection: Connection, delivery_id: UUID, why: str) -> None:
    """It is not needed any more.  Nothing was claimed or called."""
    connection.execute(
        update(deliveries)
        .where(deliveries.c.id == delivery_id, text(DUE_WOKEN))
        .values(state=DeliveryState.CANCELLED, woken_at=None, why=deliveries.c.why + f" {why}")
    )


def _next_notices(connection: Connection, after: tuple[int, int]) -> Sequence[Row[Any]]:
    order = (notices.c.xact, notices.c.seq)
    told = ("mode", "campaign", "case", "language", "accepted_at", "supporter_identity")
    return connection.execute(
        select(
            *order,
            notices.c.action_id,
            notices.c.kind.label("notice"),
            *(actions.c[name] for name in told),
        )
        .join_from(notices, actions, actions.c.id == notices.c.action_id)
        .where(follows(*order, *after), notices.c.xact < settled_before())
        .order_by(*order)
        .limit(BATCH)
    ).all()


def _planned(connection: Connection, action_ids: Iterable[UUID]) -> set[tuple[UUID, str]]:
    found = connection.execute(
        select(carriages.c.action_id, carriages.c.recipient).where(
            carriages.c.action_id.in_(action_ids), carriages.c.recipient.startswith(_MARK)
        )
    )
    return {(row.action_id, row.recipient) for row in found}


def _asked_lately(
    connection: Connection,
    rows: Sequence[Row[Any]],
    before: tuple[int, int],
    now: dt.datetime,
) -> Counter[bytes]:
    """How often each of these supporters was asked within a day, before these rows."""
    who = actions.c.supporter_identity
    found = connection.execute(
        select(who, func.count())
        .join_from(notices, actions, actions.c.id == notices.c.action_id)
        .where(
            who.in_({row.supporter_identity for row in rows}),
            notices.c.made_at > now - dt.timedelta(days=1),
            tuple_(notices.c.xact, notices.c.seq) <= tuple_(*before),
        )
        .group_by(who)
    )
    return Counter({row[0]: row[1] for row in found})


def _delivery(row: Row[Any], asked: Counter[bytes], now: dt.datetime) -> dict[str, Any]:
    asked[row.supporter_identity] += 1
    return {
        "id": new_id(),
        "carrier": CARRIER,
        "mode": row.mode,
        "campaign": row.campaign,
        "case": row.case,
        "kind": row.notice,
        "channel": Channel.EMAIL,
        "language": row.language,
        "recipient": f"{_MARK}{row.notice}",
        "why": _WHY[row.notice],
        "state": DeliveryState.DUE,
        "held_reason": _TOO_MANY if asked[row.supporter_identity] > MOST_A_DAY else None,
        "next_attempt_at": now,
        "attempts": 0,
        "planned_at": max(now, row.accepted_at),
    }


def _carriage(row: Row[Any], delivery: dict[str, Any]) -> dict[str, Any]:
    return {
        "action_id": row.action_id,
        "recipient": delivery["recipient"],
        "delivery_id": delivery["id"],
    }


def _read(connection: Connection, ids: Sequence[UUID]) -> dict[UUID, Notice]:
    told = ("kind", "channel", "occurred_at", "accepted_at", "standing")
    rows = connection.execute(
        select(
            carriages.c.delivery_id,
            notices.c.id.label("notice_id"),
            notices.c.link,
            *(actions.c[name] for name in told),
        )
        .join_from(carriages, actions, actions.c.id == carriages.c.action_id)
        .join(notices, notices.c.action_id == actions.c.id)
        .where(carriages.c.delivery_id.in_(ids), carriages.c.recipient == _MARK + notices.c.kind)
    )
    return {
        row.delivery_id: Notice(
            link=row.link.open(row.notice_id),
            kind=row.kind,
            channel=row.channel,
            occurred_at=row.occurred_at,
            accepted_at=row.accepted_at,
            waits=row.standing == Standing.UNCONFIRMED,
        )
        for row in rows
    }
