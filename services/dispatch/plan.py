"""Decides on which carrier each accepted action rests: once for each recipient.

In: intake's `actions` and `clearances`, in the order in which they were committed.  Out:
`deliveries` and `carriages`.  Only what stands clear is carried.  The cursors move in the same
transaction, so that no action is planned twice and none is stepped over; the primary key of
`carriages` is the last word.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Table, insert, select, tuple_

from services.dispatch.channels import WAITING
from services.dispatch.cursors import move, position
from shared.catalogue import Case, Catalogue, Channel
from shared.clock import new_id
from shared.database import insert_new
from shared.tables.columns import settled_before
from shared.tables.dispatch import DeliveryState, carriages, deliveries
from shared.tables.intake import Standing, actions, clearances

CURSOR, CLEARED_CURSOR = "planned", "planned_cleared"
BATCH = 500  # actions planned in one transaction

_TOLD = ("mode", "campaign", "case", "kind", "channel", "language")  # what carrier and action share
_READ = (*_TOLD, "recipients", "standing")


@dataclass(frozen=True, slots=True)
class Planned:
    actions: int
    deliveries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The carrier of one action to one recipient.  `why` and `held` are words for people."""

    carrier: str
    why: str
    not_before: dt.datetime
    held: str | None = None  # why it waits for a person from the start


def plan_new_actions(connection: Connection, catalogue: Catalogue, now: dt.datetime) -> Planned:
    """Plans what was accepted, and what became clear since, at most BATCH of each."""
    seen = planned = 0
    for feed, cursor in ((actions, CURSOR), (clearances, CLEARED_CURSOR)):
        rows = _next_actions(connection, feed, cursor)
        if not rows:
            continue
        clear = [row for row in rows if row.standing == Standing.CLEAR and not row.erased_at]
        planned += _carry(connection, clear, catalogue, now)
        move(connection, cursor, rows[-1].xact, rows[-1].seq)
        seen = max(seen, len(rows))
    return Planned(seen, planned)


@dataclass(frozen=True, slots=True)
class _Carrier:
    """The two rows of one action on its carrier."""

    delivery: dict[str, Any]
    carriage: dict[str, Any]


def _carry(
    connection: Connection, clear: Sequence[Any], catalogue: Catalogue, now: dt.datetime
) -> int:
    """Puts each action on a carrier for each recipient; how many carriers were made."""
    carried = _carried(connection, [row.id for row in clear])
    singles = [
        _single(row, recipient, catalogue, now)
        for row, recipient in _to_carry(clear, carried)
        if row.channel != Channel.PETITION
    ]
    if singles:
        connection.execute(insert(deliveries), [single.delivery for single in singles])
        connection.execute(insert(carriages), [single.carriage for single in singles])
    signatures = [
        (row, recipient)
        for row, recipient in _to_carry(clear, carried)
        if row.channel == Channel.PETITION
    ]
    return len(singles) + _gather(connection, signatures, now)


def _to_carry(clear: Sequence[Any], carried: set[tuple[UUID, str]]) -> Iterator[tuple[Any, str]]:
    for row in clear:
        for recipient in dict.fromkeys(row.recipients):
            if (row.id, recipient) not in carried:
                yield row, recipient


def _single(action: Any, recipient: str, catalogue: Catalogue, now: dt.datetime) -> _Carrier:
    choice = choose(action.channel, catalogue.cases.get(action.case), now)
    delivery = _delivery(action, recipient, choice, now)
    return _Carrier(delivery, _carriage(action, recipient, delivery["id"]))


def _gather(connection: Connection, signatures: Sequence[tuple[Any, str]], now: dt.datetime) -> int:
    """Puts signatures on the petition to their recipient that is still open; how many are new."""
    if not signatures:
        return 0
    wanted = {_petition_key(row, recipient): (row, recipient) for row, recipient in signatures}
    choice = choose(Channel.PETITION, None, now)
    new = [_delivery(row, recipient, choice, now) for row, recipient in wanted.values()]
    made = insert_new(connection, deliveries, new)
    to = _open_petitions(connection, list(wanted))
    connection.execute(
        insert(carriages),
        [
            _carriage(row, recipient, to[_petition_key(row, recipient)])
            for row, recipient in signatures
        ],
    )
    return made


def _petition_key(row: Any, recipient: str) -> tuple[str, ...]:
    return (row.campaign, row.case, recipient, row.mode)


def _open_petitions(
    connection: Connection, keys: Sequence[tuple[str, ...]]
) -> dict[tuple[str, ...], UUID]:
    columns = [deliveries.c[name] for name in ("campaign", "case", "recipient", "mode")]
    found = connection.execute(
        select(deliveries.c.id, *columns).where(
            tuple_(*columns).in_(keys),
            deliveries.c.carrier == "petition",
            deliveries.c.state == DeliveryState.DUE,
        )
    )
    return {tuple(row[1:]): row.id for row in found}


def _delivery(action: Any, recipient: str, choice: Choice, now: dt.datetime) -> dict[str, Any]:
    return {name: getattr(action, name) for name in _TOLD} | {
        "id": new_id(),
        "recipient": recipient,
        "carrier": choice.carrier,
        "why": choice.why,
        "held_reason": choice.held,
        "next_attempt_at": choice.not_before,
        "state": DeliveryState.DUE,
        "attempts": 0,
        # The clock was read before the rows: what was accepted meanwhile is not planned before it.
        "planned_at": max(now, action.accepted_at),
    }


def _carriage(action: Any, recipient: str, delivery_id: UUID) -> dict[str, Any]:
    return {"action_id": action.id, "recipient": recipient, "delivery_id": delivery_id}


def choose(channel: str, case: Case | None, now: dt.datetime) -> Choice:
    """On which carrier an action by this channel rests; preview.py shows it beforehand."""
    held = WAITING.get(Channel(channel))
    if channel == Channel.PETITION:
        why = "One petition carries every signature for this case to this recipient."
        return Choice(carrier="petition", why=why, not_before=now, held=held)
    embargo = case.policy.embargo_until if case else None
    why = "A message of its own, due at once."
    if embargo and embargo > now:
        until = f"{embargo.astimezone(dt.UTC):%d %B %Y %H:%M} UTC"
        why = f"A message of its own; the case is under embargo until {until}."
    return Choice(carrier="single", why=why, not_before=max(now, embargo or now), held=held)


def _next_actions(connection: Connection, feed: Table, cursor: str) -> Sequence[Any]:
    """The actions that follow in a feed: their own, or that of those cleared later."""
    order = (feed.c.xact, feed.c.seq)
    wanted = select(
        *order,
        *(actions.c[name] for name in ("id", *_READ, "accepted_at", "erased_at")),
    )
    if feed is not actions:
        wanted = wanted.join_from(feed, actions, actions.c.id == feed.c.action_id)
    return connection.execute(
        wanted.where(
            tuple_(*order) > tuple_(*position(connection, cursor)),
            feed.c.xact < settled_before(),
        )
        .order_by(*order)
        .limit(BATCH)
    ).all()


def _carried(connection: Connection, ids: list[UUID]) -> set[tuple[UUID, str]]:
    if not ids:
        return set()
    found = connection.execute(
        select(carriages.c.action_id, carriages.c.recipient).where(carriages.c.action_id.in_(ids))
    )
    return {(row.action_id, row.recipient) for row in found}
