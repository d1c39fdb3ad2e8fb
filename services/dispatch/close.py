"""Closes digests whose moment has come; what comes later, or is too much, goes into the next one.

In: open digests that are due.  Out: the same, closed, and for what was beyond their size a new open
one.  Called in the planning transaction, before anything is woken: an open digest never leaves.
"""

import datetime as dt
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, func, insert, or_, select, update

from services.dispatch.carriers import Choice, delivery_row
from services.dispatch.paced import digest_choice, due_digests
from services.dispatch.pacing.line import Box, Line
from shared.catalogue import Catalogue
from shared.clock import new_id
from shared.tables.dispatch import carriages, deliveries
from shared.tables.intake import actions

MAX_IN_DIGEST = 20_000  # actions
MAX_DIGEST_BYTES = 3_000_000  # of sealed words: rendered, the message stays below 10 MB

_DAY = dt.timedelta(days=1)


def close_digests(connection: Connection, catalogue: Catalogue, line: Line) -> int:
    """How many were closed."""
    due = due_digests(connection, catalogue, line.now)
    # All at once: locked one after the other, relay and workers would wait for each other.
    line.join(box for _, box in due if box)
    for digest, box in due:
        connection.execute(
            update(deliveries)
            .where(deliveries.c.id == digest.id)
            .values(closed_at=line.now, mailbox=box.key if box else digest.mailbox)
        )
        _move_on(connection, digest, box, line)
    line.save()
    return len(due)


def _move_on(connection: Connection, digest: Any, box: Box | None, line: Line) -> None:
    """What is beyond a digest's size, the latest, goes into a new one."""
    size = connection.execute(
        select(func.count(), func.coalesce(func.sum(_BYTES), 0))
        .join_from(carriages, actions, actions.c.id == carriages.c.action_id)
        .where(carriages.c.delivery_id == digest.id)
    ).one()
    if size[0] <= MAX_IN_DIGEST and size[1] <= MAX_DIGEST_BYTES:
        return
    following = new_id()
    choice = _following(digest, box, line)
    row = delivery_row(digest, digest.recipient, choice, line.now, delivery=following)
    connection.execute(insert(deliveries), [row])
    connection.execute(
        update(carriages)
        .where(
            carriages.c.delivery_id == digest.id,
            carriages.c.action_id.in_(_beyond(digest.id)),
        )
        .values(delivery_id=following)
    )


def _following(digest: Any, box: Box | None, line: Line) -> Choice:
    if box is None:  # nobody knows its hours any more; a person will be asked when it is due
        return Choice(carrier="digest", why=digest.why, not_before=line.now + _DAY)
    return digest_choice(box, line.digest_due(box, line.now))


_BYTES = func.coalesce(func.length(actions.c.words), 0)


def _beyond(digest: UUID) -> Any:
    """The actions of a digest that find no room in it, in the order in which they came."""
    order = (actions.c.xact, actions.c.seq)
    ranked = (
        select(
            carriages.c.action_id,
            func.row_number().over(order_by=order).label("place"),
            func.sum(_BYTES).over(order_by=order, rows=(None, 0)).label("bytes"),
        )
        .join_from(carriages, actions, actions.c.id == carriages.c.action_id)
        .where(carriages.c.delivery_id == digest)
        .subquery()
    )
    return select(ranked.c.action_id).where(
        ranked.c.place > 1,  # a digest of one is never too long
        or_(ranked.c.place > MAX_IN_DIGEST, ranked.c.bytes > MAX_DIGEST_BYTES),
    )
