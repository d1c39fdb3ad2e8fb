"""Puts due deliveries on their queues: marked in the database first, published after.

A wake-up that is lost between the two is forgotten after a while and made again (recover.py); one
that comes twice finds nothing left to claim.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from uuid import UUID

import dramatiq
from sqlalchemy import Connection, func, select, text, update

from shared.database import Database
from shared.queues import MAX_IDS, Wake, publish
from shared.tables.dispatch import DUE_UNWOKEN, DUE_WOKEN, deliveries

_SPREAD = 8  # workers that a small batch is spread over
_SMALLEST = 5  # ids in a message: less is not worth its confirm


def wake_due(
    database: Database,
    broker: dramatiq.Broker,
    *,
    channel: str,
    queue: Wake,
    now: dt.datetime,
    backlog: int,
) -> int:
    """Wakes due deliveries of one channel, up to `backlog` on its queue; returns how many.

    Raises dramatiq.BrokerConnectionError after making what was not published due again.
    """
    with database.begin() as connection:
        ids = _mark(connection, channel, now, backlog)
    published = 0
    try:
        for some in _messages(ids):
            publish(broker, queue, some)
            published += len(some)
    finally:
        if published < len(ids):
            with database.begin() as connection:
                _unmark(connection, ids[published:])
    return len(ids)


def _mark(connection: Connection, channel: str, now: dt.datetime, backlog: int) -> list[UUID]:
    waiting = select(deliveries.c.id).where(text(DUE_WOKEN), deliveries.c.channel == channel)
    on_queue = connection.scalar(
        select(func.count()).select_from(waiting.limit(backlog).subquery())
    )
    due = (
        select(deliveries.c.id)
        .where(
            text(DUE_UNWOKEN),
            deliveries.c.channel == channel,
            deliveries.c.next_attempt_at <= now,
        )
        .order_by(deliveries.c.next_attempt_at)
        .limit(max(0, backlog - (on_queue or 0)))
        .with_for_update(skip_locked=True)
    )
    ids = list(connection.scalars(due))
    if ids:
        connection.execute(update(deliveries).where(deliveries.c.id.in_(ids)).values(woken_at=now))
    return ids


def _unmark(connection: Connection, ids: Sequence[UUID]) -> None:
    connection.execute(
        update(deliveries).where(deliveries.c.id.in_(ids), text(DUE_WOKEN)).values(woken_at=None)
    )


def _messages(ids: Sequence[UUID]) -> Iterator[Sequence[UUID]]:
    size = min(MAX_IDS, max(_SMALLEST, -(-len(ids) // _SPREAD)))
    return (ids[at : at + size] for at in range(0, len(ids), size))
