"""Puts due deliveries on their queues: marked in the database first, published after.

A wake-up that is lost between the two is forgotten after a while and made again (recover.py); one
that comes twice finds nothing left to claim.  Of emails that keep the pace of a mailbox only those
are woken that the guard would let pass: any other would be rendered for nothing.
"""

import datetime as dt
from collections.abc import Sequence
from uuid import UUID

import dramatiq
from sqlalchemy import (
    Connection,
    Integer,
    bindparam,
    func,
    or_,
    select,
    text,
    union_all,
    update,
)

from services.dispatch.pacing.turns import KEYS, TURNS, turn_values
from shared.database import Database
from shared.queues import Wake, publish
from shared.tables.dispatch import DUE_UNWOKEN, DUE_WOKEN, deliveries

# Statements are made once: the relay asks them many times a second.
_BACKLOG = bindparam("b_backlog", type_=Integer)
_on_channel = deliveries.c.channel == bindparam("b_channel")
_on_queue = select(deliveries.c.id).where(text(DUE_WOKEN), _on_channel).limit(_BACKLOG)
_ROOM = _BACKLOG - select(func.count()).select_from(_on_queue.subquery()).scalar_subquery()
_due = (
    select(deliveries.c.id)
    .where(
        text(DUE_UNWOKEN),
        _on_channel,
        deliveries.c.next_attempt_at <= bindparam("b_now"),
    )
    .order_by(deliveries.c.next_attempt_at)
)
_paceless = _due.where(
    or_(deliveries.c.mailbox.is_(None), deliveries.c.mailbox.not_in(KEYS))
).limit(_BACKLOG)
_may_go = union_all(TURNS, select(_paceless.subquery().c.id)).subquery()
_in_turn = (
    select(deliveries.c.id)
    .where(deliveries.c.id.in_(select(_may_go.c.id)), text(DUE_UNWOKEN))
    .order_by(deliveries.c.next_attempt_at)
)
_DUE = _due.limit(_ROOM).with_for_update(skip_locked=True)
_IN_TURN = _in_turn.limit(_ROOM).with_for_update(skip_locked=True)


def mark_due(
    connection: Connection,
    *,
    channel: str,
    now: dt.datetime,
    backlog: int,
    domain_per_hour: int | None = None,
) -> list[UUID]:
    """Marks due deliveries of one channel as woken, up to `backlog` on its queue.

    `domain_per_hour`: of emails that keep a pace, the limit of a domain (0: none); None: there is
    no pace to keep.
    """
    if domain_per_hour is None:
        due, asked = _DUE, {"b_channel": channel, "b_now": now}
    else:
        due, asked = _IN_TURN, turn_values(channel, now, domain_per_hour)
    ids = list(connection.scalars(due, {**asked, "b_backlog": backlog}))
    if ids:
        connection.execute(update(deliveries).where(deliveries.c.id.in_(ids)).values(woken_at=now))
    return ids


def publish_marked(
    database: Database, broker: dramatiq.Broker, queue: Wake, ids: Sequence[UUID], *, size: int
) -> None:
    """Publishes what was marked, once that is committed, `size` ids in a message.

    As many as a worker claims at once are best: more would wait behind one thread.

    Raises dramatiq.BrokerConnectionError after making what was not published due again.
    """
    published = 0
    try:
        for at in range(0, len(ids), size):
            some = ids[at : at + size]
            publish(broker, queue, some)
            published += len(some)
    finally:
        if published < len(ids):
            with database.begin() as connection:
                _unmark(connection, ids[published:])


def _unmark(connection: Connection, ids: Sequence[UUID]) -> None:
    connection.execute(
        update(deliveries).where(deliveries.c.id.in_(ids), text(DUE_WOKEN)).values(woken_at=None)
    )
