"""What dispatch writes of its deliveries: claimed, attempted, ended so.

Statements only; `deliver.py` tells the story.  A claim is one conditional UPDATE: of two workers
woken for the same delivery, one gets it.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Connection,
    String,
    and_,
    bindparam,
    insert,
    or_,
    select,
    text,
    tuple_,
    update,
)

from services.dispatch.due import Due, Prepared
from services.dispatch.erased import IS_ERASED, IS_UNCLEAR
from services.dispatch.providers.contract import Taken
from shared.clock import new_id
from shared.database import insert_new
from shared.privacy import Private
from shared.tables.dispatch import (
    DUE_WOKEN,
    AttemptState,
    DeliveryState,
    attempts,
    carriages,
    deliveries,
    print_orders,
)
from shared.tables.intake import actions


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How one attempt ended, and what that makes of its delivery."""

    delivery_id: UUID
    attempt_id: UUID
    number: int  # of the attempt; a later one of this delivery makes this result old
    attempt: AttemptState
    delivery: DeliveryState
    provider: str
    detail: str | None = None
    taken: Taken | None = None
    pages: int | None = None  # set for letters: an order is written
    next_attempt_at: dt.datetime
    held_reason: str | None = None


def read_due(connection: Connection, ids: Sequence[UUID]) -> list[Due]:
    """Those of the deliveries that still wait to be claimed, with their actions opened.

    Raises Unreadable where what a supporter wrote does not open.
    """
    rows = connection.execute(
        select(
            *(deliveries.c[name] for name in _DELIVERY_COLUMNS),
            *(actions.c[name] for name in _ACTION_COLUMNS),
            actions.c.id.label("action_id"),
            IS_UNCLEAR.label("unclear_before"),
        )
        .join_from(deliveries, carriages, carriages.c.delivery_id == deliveries.c.id)
        .join(actions, actions.c.id == carriages.c.action_id)
        .where(deliveries.c.id.in_(ids), text(DUE_WOKEN), actions.c.erased_at.is_(None))
        .order_by(deliveries.c.id)
    )
    return [_due(row) for row in rows]


def claim(
    connection: Connection, prepared: Sequence[tuple[Prepared, str]], now: dt.datetime
) -> set[UUID]:
    """Claims deliveries, each for the provider named beside it, and writes their attempts.

    Returns the ids that are ours.  Nothing may be called before this is committed.
    """
    # As they were read: whoever prepared a delivery before its last attempt knows too little.
    as_read = [(one.due.id, one.due.attempts) for one, _ in prepared]
    free = (
        select(deliveries.c.id)
        .where(
            deliveries.c.id.in_([one for one, _ in as_read]),
            tuple_(deliveries.c.id, deliveries.c.attempts).in_(as_read),
            text(DUE_WOKEN),
            ~IS_ERASED,  # while it was rendered, perhaps
        )
        .order_by(deliveries.c.id)
        .with_for_update(skip_locked=True)
    )
    ours = set(
        connection.scalars(
            update(deliveries)
            .where(deliveries.c.id.in_(free))
            .values(
                state=DeliveryState.SENDING,
                claimed_at=now,
                woken_at=None,
                attempts=deliveries.c.attempts + 1,
            )
            .returning(deliveries.c.id)
        )
    )
    if ours:
        connection.execute(
            insert(attempts),
            [_attempt(one, provider, now) for one, provider in prepared if one.due.id in ours],
        )
    return ours


def hold(connection: Connection, delivery_id: UUID, reason: str) -> None:
    """A person must look at it first.  Nothing was claimed or called."""
    connection.execute(
        update(deliveries)
        .where(deliveries.c.id == delivery_id, text(DUE_WOKEN))
        .values(held_reason=reason, woken_at=None)
    )


def record(connection: Connection, ended: Sequence[Ended], now: dt.datetime) -> None:
    """Writes how attempts ended.  A result that comes late still counts: it is the truth.

    Attempts first, deliveries after: as in obey.py and recover.py, so that none waits for another.
    """
    connection.execute(_END_ATTEMPT, [_attempt_end(one, now) for one in ended])
    taken = [one for one in ended if one.attempt is AttemptState.SENT]
    if taken:
        connection.execute(_SETTLE_EARLIER, [{"b_delivery": one.delivery_id} for one in taken])
    connection.execute(_END_DELIVERY, [_delivery_end(one, now) for one in ended])
    orders = [_order(one, one.taken, now) for one in taken if one.taken and one.pages]
    if orders:
        insert_new(connection, print_orders, orders)


_DELIVERY_COLUMNS = (
    "id",
    "mode",
    "campaign",
    "case",
    "kind",
    "channel",
    "language",
    "recipient",
    "attempts",
)
_PERSONAL_COLUMNS = ("supporter_name", "supporter_email", "words")
_ACTION_COLUMNS = (*_PERSONAL_COLUMNS, "supporter_country", "consent")

_END_ATTEMPT = (
    update(attempts)
    .where(
        attempts.c.id == bindparam("b_id"),
        or_(
            attempts.c.state == AttemptState.STARTED,
            attempts.c.state == AttemptState.UNKNOWN,
            # Declared "not taken" too early.
            and_(
                attempts.c.state != AttemptState.SENT,
                bindparam("b_state", type_=String) == AttemptState.SENT,
            ),
        ),
    )
    .values(
        state=bindparam("b_state"),
        provider_id=bindparam("b_provider_id"),
        detail=bindparam("b_detail"),
        ended_at=bindparam("b_ended_at"),
    )
)
_END_DELIVERY = (
    update(deliveries)
    .where(
        deliveries.c.id == bindparam("b_id"),
        or_(
            and_(
                deliveries.c.attempts == bindparam("b_number"),
                or_(
                    deliveries.c.state == DeliveryState.SENDING,
                    deliveries.c.state == DeliveryState.UNKNOWN,
                ),
            ),
            # A proof counts whatever was decided without it: no further call may be made.
            and_(
                deliveries.c.state != DeliveryState.HANDED_OVER,
                bindparam("b_state", type_=String) == DeliveryState.HANDED_OVER,
            ),
        ),
    )
    .values(
        state=bindparam("b_state"),
        provider=bindparam("b_provider"),
        provider_id=bindparam("b_provider_id"),
        next_attempt_at=bindparam("b_next_attempt_at"),
        handed_over_at=bindparam("b_handed_over_at"),
        held_reason=bindparam("b_held_reason"),
        claimed_at=None,
        woken_at=None,
    )
)
# One order stands for all attempts that carried its idempotency key.
_SETTLE_EARLIER = (
    update(attempts)
    .where(
        attempts.c.delivery_id == bindparam("b_delivery"),
        attempts.c.state == AttemptState.UNKNOWN,
    )
    .values(state=AttemptState.NOT_SENT, detail="settled by a later attempt with the same key")
)


def _due(row: Any) -> Due:
    said = dict(row._mapping)
    action_id = said.pop("action_id")
    opened = {name: said[name] and said[name].open(action_id) for name in _PERSONAL_COLUMNS}
    return Due(**said | opened)


def _attempt(one: Prepared, provider: str, now: dt.datetime) -> dict[str, Any]:
    return {
        "id": one.attempt_id,
        "delivery_id": one.due.id,
        "number": one.due.attempts + 1,
        "state": AttemptState.STARTED,
        "provider": provider,
        "idempotency_key": str(one.due.id),
        "holder": one.holder,
        "address": Private(one.attempt_id, one.address),
        "document": one.document,
        "started_at": now,
    }


def _attempt_end(one: Ended, now: dt.datetime) -> dict[str, Any]:
    return {
        "b_id": one.attempt_id,
        "b_state": one.attempt,
        "b_provider_id": one.taken.provider_id if one.taken else None,
        "b_detail": one.detail,
        "b_ended_at": now,
    }


def _delivery_end(one: Ended, now: dt.datetime) -> dict[str, Any]:
    return {
        "b_id": one.delivery_id,
        "b_number": one.number,
        "b_state": one.delivery,
        "b_provider": one.provider,
        "b_provider_id": one.taken.provider_id if one.taken else None,
        "b_next_attempt_at": one.next_attempt_at,
        "b_handed_over_at": now if one.taken else None,
        "b_held_reason": one.held_reason,
    }


def _order(one: Ended, taken: Taken, now: dt.datetime) -> dict[str, Any]:
    return {
        "id": new_id(),
        "delivery_id": one.delivery_id,
        "vendor": one.provider,
        "vendor_order_id": taken.provider_id,
        "pages": one.pages,
        "price_minor": taken.price_minor,
        "currency": taken.currency,
        "ordered_at": now,
    }
