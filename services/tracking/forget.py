"""Forgets with intake: what was told of erased actions keeps its fact and loses its words.

In: intake's `erasures`, in the order in which they were committed.  Out: receipts without a body,
and replies without what was written.  What arrives later comes without them from the start, see
record.py and inbound/keep.py.
"""

import datetime as dt
from collections.abc import Sequence
from itertools import takewhile
from typing import Any

import structlog
from sqlalchemy import Connection, select, update

from shared.again import RESTS_OR_DID
from shared.database import Database
from shared.feeds import move, position, rewind_after_restore
from shared.tables.columns import follows, settled_before
from shared.tables.dispatch import CARRY_ONE, carriages, deliveries
from shared.tables.intake import erasures
from shared.tables.replies import LET_GO, replies
from shared.tables.tracking import receipts, tracking_cursors

CURSOR = "forgotten"
BATCH = 500  # erased actions in one transaction
# A receipt that was being recorded at the very moment may not have seen the erasure: wait until
# that has surely ended.
LOOKS_BACK = dt.timedelta(seconds=10)

log = structlog.get_logger(__name__)


def forget(database: Database, now: dt.datetime) -> int:
    """Forgets all that was erased; returns how many actions that were.

    Any number may run at once: one of them works, the others wait and find nothing.
    """
    forgotten, done = 0, BATCH
    while done == BATCH:
        with database.begin() as connection:
            rewind_after_restore(connection, tracking_cursors)
            done = _forget_some(connection, now)
        forgotten += done
    if forgotten:
        log.info("forgotten", actions=forgotten)
    return forgotten


def _forget_some(connection: Connection, now: dt.datetime) -> int:
    rows = list(takewhile(lambda row: row.erased_at <= now - LOOKS_BACK, _next(connection)))
    if rows:
        # What carries other people's actions too has no receipts that name one of them; an answer
        # to it is theirs as well, and goes when its time is over (inbound/expire.py).
        theirs = (
            select(deliveries.c.id)
            .join(carriages, RESTS_OR_DID)
            .where(
                carriages.c.action_id.in_([row.action_id for row in rows]),
                deliveries.c.carrier.in_(CARRY_ONE),
            )
        )
        told = receipts.c.delivery_id.in_(theirs)
        connection.execute(update(receipts).where(told).values(body=None))
        # An answer quotes the letter.
        connection.execute(update(replies).where(replies.c.delivery_id.in_(theirs)).values(LET_GO))
        move(connection, tracking_cursors, CURSOR, (rows[-1].xact, rows[-1].seq))
    return len(rows)


def _next(connection: Connection) -> Sequence[Any]:
    order = (erasures.c.xact, erasures.c.seq)
    return connection.execute(
        select(*order, erasures.c.action_id, erasures.c.erased_at)
        .where(
            follows(*order, *position(connection, tracking_cursors, CURSOR)),
            erasures.c.xact < settled_before(),
        )
        .order_by(*order)
        .limit(BATCH)
    ).all()
