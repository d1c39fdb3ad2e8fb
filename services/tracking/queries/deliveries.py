"""Finds deliveries and says where each stands.

In: a `Search`.  Out: `Shown` rows with the state that everybody sees (words.py).
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    exists,
    func,
    select,
    text,
    tuple_,
    union_all,
)

from services.tracking.words import SHOWN_STATE, ShownState
from shared.tables.columns import follows, settled_before
from shared.tables.dispatch import attempts, carriages, deliveries, obeyed_commands
from shared.tables.intake import actions
from shared.tables.tracking import Verb, commands, outcomes

Place = tuple[int, ...]  # (xact, seq) of the last delivery seen


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One delivery as it stands now."""

    id: UUID
    xact: int
    seq: int
    carrier: str
    mode: str
    campaign: str
    case: str
    kind: str
    channel: str
    language: str
    recipient: str
    why: str
    held_reason: str | None
    next_attempt_at: dt.datetime
    attempts: int
    provider: str | None
    provider_id: str | None
    planned_at: dt.datetime
    handed_over_at: dt.datetime | None
    state: ShownState
    reason: str | None  # a finer word for the state, from the receipt that decided it
    since: dt.datetime | None  # when that happened; of a held one, the latest known before it


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """Every given part must fit."""

    client_id: UUID | None = None  # carries an action of this client
    text: str | None = None  # an id of any kind, or a client's reference for an action
    case: str | None = None
    channel: str | None = None
    recipient: str | None = None
    state: ShownState | None = None


_COLUMNS = (
    *(deliveries.c[name] for name in ("id", "xact", "seq", "carrier", "mode", "campaign")),
    *(
        deliveries.c[name]
        for name in ("case", "kind", "channel", "language", "recipient", "why", "held_reason")
    ),
    *(deliveries.c[name] for name in ("next_attempt_at", "attempts", "provider", "provider_id")),
    *(deliveries.c[name] for name in ("planned_at", "handed_over_at")),
    SHOWN_STATE.label("state"),
    outcomes.c.reason,
    outcomes.c.since,
)
# Said once more as the partial indexes say it, so that a long queue is found without a scan.
_INDEXED: Mapping[ShownState, str] = {
    ShownState.HELD: "deliveries.state = 'due' AND deliveries.held_reason IS NOT NULL",
    ShownState.UNKNOWN: "deliveries.state = 'unknown'",
    ShownState.SENDING: "deliveries.state = 'sending'",
}
_SAME_COLUMN = ("case", "channel", "recipient")


def find(
    connection: Connection, search: Search, *, limit: int, after: Place | None = None
) -> list[Shown]:
    """The next deliveries in the order in which they were planned; none is ever stepped over."""
    order = (deliveries.c.xact, deliveries.c.seq)
    query = _shown().where(*_conditions(search), deliveries.c.xact < settled_before())
    if after is not None:
        query = query.where(follows(*order, *after))
    return _read(connection, query.order_by(*order).limit(limit))


def find_newest(
    connection: Connection, search: Search, *, limit: int, before: Place | None = None
) -> list[Shown]:
    """The same, the newest first, for people."""
    order = (deliveries.c.xact, deliveries.c.seq)
    query = _shown().where(*_conditions(search))
    if before is not None:
        query = query.where(tuple_(*order) < tuple_(*before))
    backwards = (column.desc() for column in order)
    return _read(connection, query.order_by(*backwards).limit(limit))


def get(connection: Connection, delivery_id: UUID, *, client_id: UUID | None) -> Shown | None:
    """One delivery; a client finds only those that carry an action of its own."""
    query = _shown().where(deliveries.c.id == delivery_id)
    if client_id is not None:
        query = query.where(carries(actions.c.client_id == client_id))
    return next(iter(_read(connection, query)), None)


def held(connection: Connection, ids: Sequence[UUID]) -> list[Shown]:
    """Those of `ids` that wait for a person."""
    query = _shown().where(deliveries.c.id.in_(ids), SHOWN_STATE.in_([ShownState.HELD.value]))
    return _read(connection, query)


def carries(of_action: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether an action rests on the delivery that this is true of."""
    return exists(
        select(carriages.c.action_id)
        .join(actions, actions.c.id == carriages.c.action_id)
        .where(carriages.c.delivery_id == deliveries.c.id, of_action)
    )


def _shown() -> Select[*tuple[object, ...]]:
    return select(*_COLUMNS).outerjoin_from(
        deliveries, outcomes, outcomes.c.delivery_id == deliveries.c.id
    )


def _read(connection: Connection, query: Select[*tuple[object, ...]]) -> list[Shown]:
    rows = [dict(row._mapping) for row in connection.execute(query)]
    found = [Shown(**(row | {"state": ShownState(str(row["state"]))})) for row in rows]
    before = _before_held(connection, [one.id for one in found if one.state is ShownState.HELD])
    return [
        replace(one, since=max(one.planned_at, before.get(one.id, one.planned_at)))
        if one.state is ShownState.HELD
        else one
        for one in found
    ]


def _before_held(connection: Connection, ids: Sequence[UUID]) -> Mapping[UUID, dt.datetime]:
    """The end of the last attempt or the last release: nobody writes down when it was held."""
    if not ids:
        return {}
    ended = select(attempts.c.delivery_id, attempts.c.ended_at.label("at")).where(
        attempts.c.delivery_id.in_(ids), attempts.c.ended_at.is_not(None)
    )
    released = (
        select(commands.c.delivery_id, obeyed_commands.c.obeyed_at)
        .join(obeyed_commands, obeyed_commands.c.command_id == commands.c.id)
        .where(commands.c.delivery_id.in_(ids), commands.c.verb == Verb.RELEASE.value)
    )
    known = union_all(ended, released).subquery()
    latest = select(known.c.delivery_id, func.max(known.c.at)).group_by(known.c.delivery_id)
    return {row[0]: row[1] for row in connection.execute(latest)}


def _conditions(search: Search) -> list[ColumnElement[bool]]:
    found = [
        deliveries.c[name] == value for name in _SAME_COLUMN if (value := getattr(search, name))
    ]
    if search.state is not None:
        found.append(SHOWN_STATE.in_([search.state.value]))
        if search.state in _INDEXED:
            found.append(text(_INDEXED[search.state]))
    if search.client_id is not None:
        found.append(carries(actions.c.client_id == search.client_id))
    if search.text:
        found.append(deliveries.c.id.in_(union_all(*_named(search.text))))
    return found


def _named(name: str) -> tuple[Select[*tuple[UUID]], Select[*tuple[UUID]]]:
    """By an id of a delivery or of an action; or by the provider's id or a client's reference.

    Two questions, each with an index of its own: one with an "or" in it would read every row.
    """
    named = deliveries.alias("named")
    delivery, carried = select(named.c.id), select(carriages.c.delivery_id)
    try:
        number = UUID(name)
    except ValueError:
        by_reference = select(actions.c.id).where(actions.c.reference == name)
        return (
            delivery.where(named.c.provider_id == name),
            carried.where(carriages.c.action_id.in_(by_reference)),
        )
    return delivery.where(named.c.id == number), carried.where(carriages.c.action_id == number)
