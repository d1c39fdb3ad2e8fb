"""Puts due deliveries on their queues: marked in the database first, published after.

A wake-up that is lost between the two is forgotten after a while and made again (recover.py); one
that comes twice finds nothing left to claim.
"""

import datetime as dt
from collections.abc import Sequence
from uuid import UUID

import dramatiq
from sqlalchemy import Connection, func, literal, select, text, update

from shared.database import Database
from shared.queues import Wake, publish
from shared.tables.dispatch import DUE_UNWOKEN, DUE_WOKEN, deliveries


def mark_due(connection: Connection, *, channel: str, now: dt.datetime, backlog: int) -> list[UUID]:
    """Marks due deliveries of one channel as woken, up to `backlog` on its queue."""
    woken = select(deliveries.c.id).where(text(DUE_WOKEN), deliveries.c.channel == channel)
    on_queue = select(func.count()).select_from(woken.limit(backlog).subquery())
    due = (
        select(deliveries.c.id)
        .where(
            text(DUE_UNWOKEN),
            deliveries.c.channel == channel,
            deliveries.c.next_attempt_at <= now,
        )
        .order_by(deliveries.c.next_attempt_at)
        .limit(literal(backlog) - on_queue.scalar_subquery())
        .with_for_update(skip_locked=True)
    )
    ids = list(connection.scalars(due))
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
