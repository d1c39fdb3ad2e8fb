"""Forgets with intake: what rests on erased actions does not leave, and what was rendered goes.

In: intake's `erasures`, in the order in which they were committed.  Out: cancelled deliveries,
deleted documents.  An action that is being sent at this moment is forgotten when that has ended;
those erased after it wait for it.  What still waits on our own disk for its batch is taken out.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, case, null, select, update

from services.dispatch.cursors import move, position
from services.dispatch.documents import Documents
from services.dispatch.erased import IS_ERASED, stop_erased
from shared.again import RESTS_OR_DID
from shared.catalogue import Channel
from shared.database import Database
from shared.tables.columns import follows, settled_before
from shared.tables.dispatch import (
    CARRY_ONE,
    AttemptState,
    DeliveryState,
    attempts,
    carriages,
    deliveries,
)
from shared.tables.intake import erasures

CURSOR = "forgotten"
BATCH = 500  # erased actions in one round
_SHOW = (*CARRY_ONE, "digest")  # carriers whose documents show what a supporter wrote

#: Takes a letter out that waits for its batch; False where it does not, or no more.
TakeBack = Callable[[UUID], bool]


def forget(database: Database, documents: Documents, take_back: TakeBack | None = None) -> int:
    """Forgets the next erased actions, at most BATCH; returns how many.

    Raises OSError; ProviderError where nobody can tell whether a letter was taken out.

    In two transactions, because whoever writes a result down takes attempts first and deliveries
    after: so none waits for the other.
    """
    with database.begin() as connection:
        rows = _next(connection)
        stop_erased(connection, _all(_deliveries_of(connection, rows)))
    if not rows:
        return 0
    with database.begin() as connection:
        rows = _next(connection)
        theirs = _deliveries_of(connection, rows)
        gone = list(_at_rest(connection, rows, theirs))
        ids = _all({row.action_id: theirs[row.action_id] for row in gone})
        _forget(connection, documents, ids)
        if take_back:
            _take_back(connection, ids, take_back)
        if gone:
            move(connection, CURSOR, gone[-1].xact, gone[-1].seq)
    return len(gone)


def _next(connection: Connection) -> Sequence[Any]:
    order = (erasures.c.xact, erasures.c.seq)
    return connection.execute(
        select(*order, erasures.c.action_id)
        .where(
            follows(*order, *position(connection, CURSOR)),
            erasures.c.xact < settled_before(),
        )
        .order_by(*order)
        .limit(BATCH)
    ).all()


def _deliveries_of(connection: Connection, rows: Sequence[Any]) -> dict[UUID, list[UUID]]:
    """The deliveries of each action, which it leaves, and whose documents show it.

    Those that came back and were sent again, too: each rendered what was written.
    A digest carries other people's actions on, and leaves without this one; what was rendered of it
    before is forgotten whole.  An open petition has no document yet: it reads its signatures when
    it is handed over.
    """
    found: dict[UUID, list[UUID]] = {row.action_id: [] for row in rows}
    carried = connection.execute(
        select(carriages.c.action_id, deliveries.c.id)
        .join_from(carriages, deliveries, RESTS_OR_DID)
        .where(carriages.c.action_id.in_(found), deliveries.c.carrier.in_(_SHOW))
    )
    for row in carried:
        found[row.action_id].append(row.id)
    return found


def _all(theirs: dict[UUID, list[UUID]]) -> list[UUID]:
    return [one for some in theirs.values() for one in some]


def _at_rest(
    connection: Connection, rows: Sequence[Any], theirs: dict[UUID, list[UUID]]
) -> Iterator[Any]:
    """Those before the first of which anything is being sent: it may yet write a document."""
    sending = set(
        connection.scalars(
            select(deliveries.c.id).where(
                deliveries.c.id.in_(_all(theirs)), deliveries.c.state == DeliveryState.SENDING
            )
        )
    )
    for row in rows:
        if sending.intersection(theirs[row.action_id]):
            return
        yield row


def _take_back(connection: Connection, ids: Sequence[UUID], take_back: TakeBack) -> None:
    """Last of all: what is taken out stays out, even where all before it is rolled back."""
    left = (
        select(deliveries.c.id)
        .where(
            deliveries.c.id.in_(ids),
            deliveries.c.channel == Channel.LETTER,
            deliveries.c.state.in_([DeliveryState.HANDED_OVER, DeliveryState.UNKNOWN]),
            IS_ERASED,
        )
        .order_by(deliveries.c.id)
    )
    taken = [one for one in connection.scalars(left).all() if take_back(one)]
    connection.execute(
        update(attempts)
        .where(attempts.c.delivery_id.in_(taken), attempts.c.state == AttemptState.UNKNOWN)
        .values(state=AttemptState.NOT_SENT, detail="taken out before its batch left")
    )
    connection.execute(
        update(deliveries)
        .where(deliveries.c.id.in_(taken))
        .values(state=DeliveryState.CANCELLED, held_reason=None, woken_at=None)
    )


def _forget(connection: Connection, documents: Documents, ids: Sequence[UUID]) -> None:
    if not ids:
        return
    tried = attempts.c.delivery_id.in_(ids)
    kept = select(attempts.c.document).where(tried, attempts.c.document.is_not(None))
    for path in connection.scalars(kept):
        documents.forget(path)
    # A notice went to the supporter: its address is theirs.
    notice = attempts.c.delivery_id.in_(
        select(deliveries.c.id).where(deliveries.c.id.in_(ids), deliveries.c.carrier == "notice")
    )
    address = case((notice, null()), else_=attempts.c.address)
    connection.execute(update(attempts).where(tried).values(document=None, address=address))
