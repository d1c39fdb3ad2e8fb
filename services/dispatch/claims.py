"""What dispatch writes of its deliveries: claimed, attempted, ended so.

Statements only; `deliver.py` tells the story.  A claim is one conditional UPDATE: of two workers
woken for the same delivery, one gets it.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Connection,
    Select,
    Update,
    and_,
    bindparam,
    or_,
    select,
    text,
    tuple_,
    update,
)

from services.dispatch.digests import is_as_read
from services.dispatch.due import Prepared
from services.dispatch.erased import IS_ERASED
from services.dispatch.providers.contract import Email, ProviderError, Taken
from services.dispatch.remarks import note_remarks
from shared.clock import new_id
from shared.database import insert_new
from shared.many import InsertMany, Of, UpdateMany
from shared.privacy import Private
from shared.tables.dispatch import (
    DUE_WOKEN,
    AttemptState,
    DeliveryState,
    attempts,
    deliveries,
    print_orders,
)
from shared.tables.pacing import mailbox_key


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
    fault: ProviderError | None = None
    taken: Taken | None = None
    pages: int | None = None  # set for letters: an order is written
    next_attempt_at: dt.datetime
    held_reason: str | None = None


def claim(
    connection: Connection, prepared: Sequence[tuple[Prepared, str]], now: dt.datetime
) -> set[UUID]:
    """Claims deliveries, each for the provider named beside it, and writes their attempts.

    Returns the ids that are ours.  Nothing may be called before this is committed.
    """
    free = (
        _free([one for one, _ in prepared])
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
        mine = [(one, provider) for one, provider in prepared if one.due.id in ours]
        _BEGIN_ATTEMPTS.run(connection, [_attempt(one, provider, now) for one, provider in mine])
        _note_mailboxes(connection, [one for one, _ in mine])
        note_remarks(connection, [one for one, _ in mine])
    return ours


def free(connection: Connection, prepared: Sequence[Prepared]) -> set[UUID]:
    """What a claim would take at this moment; locks nothing."""
    return set(connection.scalars(_free(prepared))) if prepared else set()


def _free(prepared: Sequence[Prepared]) -> Select[tuple[UUID]]:
    # As they were read: whoever prepared a delivery before its last attempt knows too little.
    as_read = [(one.due.id, one.due.attempts) for one in prepared]
    return select(deliveries.c.id).where(
        deliveries.c.id.in_([one for one, _ in as_read]),
        tuple_(deliveries.c.id, deliveries.c.attempts).in_(as_read),
        text(DUE_WOKEN),
        ~IS_ERASED,  # while it was rendered, perhaps
        is_as_read(prepared),
    )


def _note_mailboxes(connection: Connection, ours: Sequence[Prepared]) -> None:
    """What comes back concerns the address that was really used, which may be a newer one."""
    used = {
        one.due.id: mailbox_key(one.address)
        for one in ours
        if isinstance(one.handover, Email) and one.due.mode == "live" and one.due.notice is None
    }
    moved = [one.due.id for one in ours if used.get(one.due.id, one.due.mailbox) != one.due.mailbox]
    if moved:
        connection.execute(
            update(deliveries)
            .where(deliveries.c.id == bindparam("b_id"))
            .values(mailbox=bindparam("b_mailbox")),
            [{"b_id": one, "b_mailbox": used[one]} for one in moved],
        )


def put_off(
    connection: Connection,
    later: Mapping[UUID, dt.datetime],
    *,
    paced: Sequence[Prepared] = (),
) -> None:
    """Not their turn yet: due again at the moment given.  Nothing was claimed or called.

    `paced`: those of them whose mailbox said so, which has a row in `paces`.  They wait for the
    address they were made for: turns.py asks the same row as the guard, even where the catalogue
    has another mailbox than when they were planned.

    Waits for nobody: the caller may hold the rows of mailboxes, and who holds one of these rows
    (a command that cancels it) may be waiting for them.
    """
    free = (
        select(deliveries.c.id)
        .where(deliveries.c.id.in_(later), text(DUE_WOKEN))
        .order_by(deliveries.c.id)
        .with_for_update(skip_locked=True)
    )
    ours = connection.scalars(free).all() if later else []
    if ours:
        connection.execute(
            update(deliveries)
            .where(deliveries.c.id == bindparam("b_id"))
            .values(next_attempt_at=bindparam("b_at"), woken_at=None),
            [{"b_id": one, "b_at": later[one]} for one in ours],
        )
        _note_mailboxes(connection, [one for one in paced if one.due.id in ours])


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
    _END_ATTEMPTS.run(connection, [_attempt_end(one, now) for one in ended])
    taken = [one for one in ended if one.attempt is AttemptState.SENT]
    settled = [{"id": one.delivery_id, "provider": one.provider} for one in taken]
    _SETTLE_EARLIER.run(connection, settled)
    _END_DELIVERIES.run(connection, [_delivery_end(one, now) for one in ended])
    orders = [_order(one, one.taken, now) for one in taken if one.taken and one.pages]
    if orders:
        insert_new(connection, print_orders, orders)


def _end_attempt(of: Of) -> Update:
    return (
        update(attempts)
        .where(
            attempts.c.id == of("id"),
            or_(
                attempts.c.state == AttemptState.STARTED,
                attempts.c.state == AttemptState.UNKNOWN,
                # Declared "not taken" too early.
                and_(attempts.c.state != AttemptState.SENT, of("state") == AttemptState.SENT),
            ),
        )
        .values({name: of(name) for name in ("state", "provider_id", "detail", "ended_at")})
    )


def _settle_earlier(of: Of) -> Update:
    """One order stands for all attempts that carried its idempotency key to the same provider."""
    return (
        update(attempts)
        .where(attempts.c.delivery_id == of("id"), attempts.c.provider == of("provider"))
        .where(attempts.c.state == AttemptState.UNKNOWN)
        .values(state=AttemptState.NOT_SENT, detail="settled by a later attempt with the same key")
    )


def _end_delivery(of: Of) -> Update:
    state = deliveries.c.state
    newest = and_(
        deliveries.c.attempts == of("attempts"),
        or_(state == DeliveryState.SENDING, state == DeliveryState.UNKNOWN),
    )
    # A proof counts whatever was decided without it: no further call may be made.
    proven = and_(state != DeliveryState.HANDED_OVER, of("state") == DeliveryState.HANDED_OVER)
    return (
        update(deliveries)
        .where(deliveries.c.id == of("id"), or_(newest, proven))
        .values({name: of(name) for name in _OF_AN_END} | {"claimed_at": None, "woken_at": None})
    )


_OF_AN_END = (
    *("state", "provider", "provider_id", "next_attempt_at"),
    *("handed_over_at", "held_reason"),
)
_BEGIN_ATTEMPTS = InsertMany(
    attempts,
    (
        *("id", "delivery_id", "number", "state", "provider", "idempotency_key"),
        *("holder", "address", "document", "started_at"),
    ),
)
_END_ATTEMPTS = UpdateMany(
    {name: attempts.c[name] for name in ("id", "state", "provider_id", "detail", "ended_at")},
    _end_attempt,
)
_WHERE_TAKEN = {"id": deliveries.c.id, "provider": attempts.c.provider}
_SETTLE_EARLIER = UpdateMany(_WHERE_TAKEN, _settle_earlier)
_END_DELIVERIES = UpdateMany(
    {name: deliveries.c[name] for name in ("id", "attempts", *_OF_AN_END)}, _end_delivery
)


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
        "id": one.attempt_id,
        "state": one.attempt,
        "provider_id": one.taken.provider_id if one.taken else None,
        "detail": one.detail,
        "ended_at": now,
    }


def _delivery_end(one: Ended, now: dt.datetime) -> dict[str, Any]:
    return {
        "id": one.delivery_id,
        "attempts": one.number,
        "state": one.delivery,
        "provider": one.provider,
        "provider_id": one.taken.provider_id if one.taken else None,
        "next_attempt_at": one.next_attempt_at,
        "handed_over_at": now if one.taken else None,
        "held_reason": one.held_reason,
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
