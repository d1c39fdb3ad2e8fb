"""Deliveries whose supporters were erased: nothing of them leaves any more.

In: ids of deliveries.  Out: those that have not left are stopped.  What becomes of their documents
is forget.py's.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Connection, exists, func, or_, select, update

from shared.tables.dispatch import (
    CARRY_ONE,
    AttemptState,
    DeliveryState,
    attempts,
    carriages,
    deliveries,
)
from shared.tables.intake import actions

#: An earlier attempt of a delivery may have been taken.
IS_UNCLEAR = exists(
    select(attempts.c.id).where(
        attempts.c.delivery_id == deliveries.c.id, attempts.c.state == AttemptState.UNKNOWN
    )
)
#: Who may have taken it: names with commas between; NULL where nothing is unclear.
UNCLEAR_AT = (
    select(func.aggregate_strings(attempts.c.provider, ","))
    .where(attempts.c.delivery_id == deliveries.c.id, attempts.c.state == AttemptState.UNKNOWN)
    .scalar_subquery()
)
_CARRIED = (
    select(actions.c.id)
    .join(carriages, carriages.c.action_id == actions.c.id)
    .where(carriages.c.delivery_id == deliveries.c.id)
)
#: Nothing is left of what rests on a delivery: its one action was erased, or all those of a digest.
IS_ERASED = or_(
    deliveries.c.carrier.in_(CARRY_ONE) & exists(_CARRIED.where(actions.c.erased_at.is_not(None))),
    (deliveries.c.carrier == "digest") & ~exists(_CARRIED.where(actions.c.erased_at.is_(None))),
)


def named(unclear_at: str | None) -> frozenset[str]:
    """What `UNCLEAR_AT` read."""
    return frozenset(unclear_at.split(",")) if unclear_at else frozenset()


def stop_erased(connection: Connection, ids: Sequence[UUID]) -> None:
    """Those of the deliveries that have not left, and of which nothing is left, never leave.

    Where an earlier attempt may have been taken that stays unknown: its proof may still come.
    """
    if not ids:
        return
    waiting = update(deliveries).where(
        deliveries.c.id.in_(ids), deliveries.c.state == DeliveryState.DUE, IS_ERASED
    )
    for stopped, state in (
        (waiting.where(~IS_UNCLEAR), DeliveryState.CANCELLED),
        (waiting, DeliveryState.UNKNOWN),
    ):
        connection.execute(stopped.values(state=state, held_reason=None, woken_at=None))
