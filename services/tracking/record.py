"""Records receipts: each once, its fact with it, and what the facts add up to; all or nothing.

Owns `receipts`, `events` and `outcomes`.  In: Receipts.  Out: what became of each.  Four statements
for any number of them.  Transactions that record at once lock in one order (receipts by their
source's id, then events by id, then outcomes by delivery), so that none waits in a circle.
"""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Executable,
    and_,
    bindparam,
    case,
    func,
    or_,
    select,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from services.tracking.receipts.contract import Receipt
from services.tracking.words import RANK, Fact, Outcome, outcome_of
from shared.again import RESTS_OR_DID
from shared.clock import new_id
from shared.many import Insert, InsertMany
from shared.privacy import Private
from shared.tables.dispatch import CARRY_ONE, carriages, deliveries
from shared.tables.intake import actions
from shared.tables.tracking import events, outcomes, receipts

# Names the events: the same fact told by two receipts is one event.
_EVENTS = UUID("5f1b3c52-0a9e-5d1e-9a36-0d0d6c3f9a41")
_OF_A_FACT = tuple(field.name for field in fields(Fact))  # the columns of `events`, too
_END_OF_TIME = dt.datetime.max.replace(tzinfo=dt.UTC)


_Columns = Mapping[str, ColumnElement[Any]] | ReadOnlyColumnCollection[str, Column[Any]]
_Row = dict[str, Any]


class Recorded(StrEnum):
    """What became of a receipt."""

    FACT = "fact"  # stored, and it told something
    KEPT = "kept"  # stored; it tells nothing about a delivery of ours
    REPEATED = "repeated"  # we had it; nothing changed


def record(connection: Connection, receipt: Receipt, now: dt.datetime) -> Recorded:
    """Stores `receipt` in the running transaction.  Safe beside any number of others."""
    return record_many(connection, [receipt], now)[0]


def record_many(
    connection: Connection, given: Sequence[Receipt], now: dt.datetime
) -> list[Recorded]:
    """Stores them in the running transaction; what became of each, in the order given.

    Safe beside any number of others.  Of two with one id the first counts.
    """
    if not given:
        return []
    ids = [new_id() for _ in given]
    new = _store(connection, dict(zip(ids, given, strict=True)), now)
    told = [
        Told(id_, receipt.source, receipt.delivery_id, receipt.fact)
        for id_, receipt in zip(ids, given, strict=True)
        if id_ in new and receipt.delivery_id is not None and receipt.fact is not None
    ]
    tell(connection, told, now)
    facts = {one.receipt_id for one in told}
    return [_became(id_, new, facts) for id_ in ids]


def tell(connection: Connection, told: Sequence["Told"], now: dt.datetime) -> None:
    """Stores what is told of deliveries and what it adds up to; the same again changes nothing."""
    if told:
        _APPEND.run(connection, _events(told, now))
        _ADD_UP.run(connection, _outcomes(told))


def event_id(source: str, delivery_id: UUID, fact: Fact) -> UUID:
    """The same for the same fact, however many receipts tell it."""
    parts = (source, delivery_id, fact.word, fact.reason, fact.occurred_at, fact.provider_id)
    return uuid5(_EVENTS, "|".join(map(str, parts)))


@dataclass(frozen=True, slots=True)
class Told:
    """What a receipt that is new, or an email that came back, tells of a delivery."""

    receipt_id: UUID | None  # None: an email, which `replies` keeps
    source: str
    delivery_id: UUID
    fact: Fact


def _store(
    connection: Connection,
    given: Mapping[UUID, Receipt],
    now: dt.datetime,
) -> frozenset[UUID]:
    """The ids of those that were not there yet."""
    about = {one.delivery_id for one in given.values() if one.delivery_id is not None}
    erased = frozenset(connection.scalars(_ERASED, {"about": sorted(about)})) if about else ()
    rows: list[_Row] = [
        {
            "id": id_,
            "source": receipt.source,
            "source_id": receipt.source_id,
            # It would name a supporter whose data was erased.
            "body": None if receipt.delivery_id in erased else Private(id_, receipt.body),
            "delivery_id": receipt.delivery_id,
            "received_at": now,
        }
        for id_, receipt in given.items()
    ]
    rows.sort(key=lambda row: (row["source"], row["source_id"]))
    return frozenset(_STORE.run(connection, rows).scalars())


def _events(told: Iterable[Told], now: dt.datetime) -> list[_Row]:
    rows = [
        {
            "id": event_id(one.source, one.delivery_id, one.fact),
            "delivery_id": one.delivery_id,
            "receipt_id": one.receipt_id,
            "received_at": now,
            **{name: getattr(one.fact, name) for name in _OF_A_FACT},
        }
        for one in told
    ]
    return sorted(rows, key=lambda row: row["id"])


def _outcomes(told: Iterable[Told]) -> list[_Row]:
    """One for each delivery: no statement may change a row twice."""
    greatest: dict[UUID, Outcome] = {}
    for one in told:
        known, new = greatest.get(one.delivery_id), outcome_of(one.fact)
        if known is None or _weight(new) > _weight(known):
            greatest[one.delivery_id] = new
    return [
        {"delivery_id": id_, "state": one.state, "reason": one.reason, "since": one.since}
        for id_, one in sorted(greatest.items())
    ]


def _weight(outcome: Outcome) -> tuple[int, dt.timedelta, str]:
    """As `_says_more` compares it."""
    return RANK[outcome.state], _END_OF_TIME - outcome.since, outcome.reason or ""


def _became(id_: UUID, new: frozenset[UUID], facts: set[UUID | None]) -> Recorded:
    if id_ not in new:
        return Recorded.REPEATED
    return Recorded.FACT if id_ in facts else Recorded.KEPT


# Those of the deliveries `about` that carry one action alone, or did, which was erased.
_ERASED = (
    select(deliveries.c.id)
    .join(carriages, RESTS_OR_DID)
    .join(actions, actions.c.id == carriages.c.action_id)
    .where(
        deliveries.c.id.in_(bindparam("about", expanding=True)),
        deliveries.c.carrier.in_(CARRY_ONE),
        actions.c.erased_at.is_not(None),
    )
)


def _add_up(insert: Insert) -> Executable:
    """Keeps the outcome that says more, the one stored or the new one.

    The greatest of all facts is the same in whatever order they are compared, so one conditional
    upsert is the whole projection, and two receipts at once are settled by the row's own lock.
    """
    new = {name: insert.excluded[name] for name in ("state", "reason", "since")}
    # They compare by code point, as Python does.
    collation = "C" if isinstance(insert, postgresql.Insert) else "BINARY"
    return insert.on_conflict_do_update(
        index_elements=["delivery_id"],
        set_=new,
        where=_says_more(new, outcomes.c, collation),
    ).returning(outcomes.c.delivery_id)


def _says_more(new: _Columns, old: _Columns, collation: str) -> ColumnElement[bool]:
    """The higher rank; of equals the earliest, and of those the later reason in the alphabet."""
    rank, old_rank = _rank(new["state"]), _rank(old["state"])
    reason, old_reason = (
        func.coalesce(columns["reason"], "").collate(collation) for columns in (new, old)
    )
    return or_(
        rank > old_rank,
        and_(rank == old_rank, new["since"] < old["since"]),
        and_(rank == old_rank, new["since"] == old["since"], reason > old_reason),
    )


def _rank(state: ColumnElement[str]) -> ColumnElement[int]:
    return case({shown.value: rank for shown, rank in RANK.items()}, value=state, else_=0)


# Each returns something: SQLAlchemy then sends all the rows to SQLite, too, in one statement.
_STORE = InsertMany(
    receipts,
    ("id", "source", "source_id", "body", "delivery_id", "received_at"),
    lambda insert: insert.on_conflict_do_nothing(  # and returns nothing where it was there already
        index_elements=["source", "source_id"]
    ).returning(receipts.c.id),
)
_APPEND = InsertMany(
    events,
    ("id", "delivery_id", "receipt_id", "received_at", *_OF_A_FACT),
    lambda insert: insert.on_conflict_do_nothing(index_elements=["id"]).returning(events.c.id),
)
_ADD_UP = InsertMany(outcomes, ("delivery_id", "state", "reason", "since"), _add_up)
