"""Finds deliveries and says where each stands.

In: a `Search`.  Out: `Shown` rows with the state that everybody sees (words.py).
"""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
from shared.again import RESTS_OR_DID
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
    again_of: UUID | None  # the one that came back, in whose place this one leaves
    again_as: UUID | None  # the one that left in its place
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


_again = deliveries.alias("again")
_AGAIN_AS = select(_again.c.id).where(_again.c.again_of == deliveries.c.id).scalar_subquery()
_COLUMNS = (
    *(deliveries.c[name] for name in ("id", "xact", "seq", "carrier", "mode", "campaign")),
    *(
        deliveries.c[name]
        for name in ("case", "kind", "channel", "language", "recipient", "why", "held_reason")
    ),
    *(deliveries.c[name] for name in ("next_attempt_at", "attempts", "provider", "provider_id")),
    *(deliveries.c[name] for name in ("planned_at", "handed_over_at", "again_of")),
    _AGAIN_AS.label("again_as"),
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
    # Read once: what is asked later must not reach further, or a reader would step over the rest.
    place = [deliveries.c.xact < connection.scalar(select(settled_before()))]
    if after is not None:
        place.append(follows(*order, *after))
    found = _found(connection, search, _shown().where(*place).order_by(*order).limit(limit))
    return sorted(found, key=_place)[:limit]


def find_newest(
    connection: Connection, search: Search, *, limit: int, before: Place | None = None
) -> list[Shown]:
    """The same, the newest first, for people."""
    order = (deliveries.c.xact, deliveries.c.seq)
    query = _shown().order_by(*(column.desc() for column in order)).limit(limit)
    if before is not None:
        query = query.where(tuple_(*order) < tuple_(*before))
    return sorted(_found(connection, search, query), key=_place, reverse=True)[:limit]


def get(connection: Connection, delivery_id: UUID, *, client_id: UUID | None) -> Shown | None:
    """One delivery; a client finds only those that carry an action of its own, or did."""
    query = _shown().where(deliveries.c.id == delivery_id)
    if client_id is not None:
        query = query.where(_carries(RESTS_OR_DID, client_id))
    return next(iter(_read(connection, query)), None)


def held(connection: Connection, ids: Sequence[UUID]) -> list[Shown]:
    """Those of `ids` that wait for a person."""
    query = _shown().where(deliveries.c.id.in_(ids), SHOWN_STATE.in_([ShownState.HELD.value]))
    return _read(connection, query)


def _carries(by: ColumnElement[bool], client_id: UUID) -> ColumnElement[bool]:
    """Whether a delivery carries, as `by` says, an action of this client."""
    return exists(
        select(carriages.c.action_id)
        .join(actions, actions.c.id == carriages.c.action_id)
        .where(by, actions.c.client_id == client_id)
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


def _asked(search: Search) -> Iterator[list[ColumnElement[bool]]]:
    """Conditions; what fits any of them was searched for.

    Of a client's that which carries its actions, and that which did before it was sent again: each
    a question of its own, since one with an "or" in it would read every row.
    """
    same = _conditions(search)
    if search.client_id is None:
        yield same
        return
    rests, moved = deliveries.c.id, deliveries.c.moved_to
    yield [*same, _carries(carriages.c.delivery_id == rests, search.client_id)]
    before = _carries(carriages.c.delivery_id == moved, search.client_id)
    yield [*same, moved.is_not(None), before]


def _found(
    connection: Connection, search: Search, query: Select[*tuple[object, ...]]
) -> Iterable[Shown]:
    """What `query` gives of what was searched for, in no order."""
    rows = (one for which in _asked(search) for one in _read(connection, query.where(*which)))
    return {one.id: one for one in rows}.values()


def _place(one: Shown) -> Place:
    return one.xact, one.seq


def _conditions(search: Search) -> list[ColumnElement[bool]]:
    found = [
        deliveries.c[name] == value for name in _SAME_COLUMN if (value := getattr(search, name))
    ]
    if search.state is not None:
        found.append(SHOWN_STATE.in_([search.state.value]))
        if search.state in _INDEXED:
            found.append(text(_INDEXED[search.state]))
    if search.text:
        found.append(deliveries.c.id.in_(union_all(*_named(search.text))))
    return found


def _named(name: str) -> tuple[Select[*tuple[UUID]], Select[*tuple[UUID]]]:
    """By an id of a delivery or of an action; or by the provider's id or a client's reference.

    Two questions, each with an index of its own: one with an "or" in it would read every row.
    """
    named = deliveries.alias("named")
    delivery = select(named.c.id)
    carried = select(deliveries.c.id).join(carriages, RESTS_OR_DID).correlate(None)
    try:
        number = UUID(name)
    except ValueError:
        by_reference = select(actions.c.id).where(actions.c.reference == name)
        return (
            delivery.where(named.c.provider_id == name),
            carried.where(carriages.c.action_id.in_(by_reference)),
        )
    return delivery.where(named.c.id == number), carried.where(carriages.c.action_id == number)
