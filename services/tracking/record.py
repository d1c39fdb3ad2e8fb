"""Records a receipt: once, its fact with it, and what the facts add up to; all or nothing.

Owns `receipts`, `events` and `outcomes`.  In: a Receipt.  Out: what became of it.  Three statements
for an ordinary receipt, and none that waits for another delivery's.
"""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Executable,
    Table,
    and_,
    bindparam,
    case,
    exists,
    func,
    null,
    or_,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.base import ReadOnlyColumnCollection
from sqlalchemy.sql.dml import ReturningInsert

from services.tracking.receipts.contract import Receipt
from services.tracking.words import RANK, Fact, outcome_of
from shared.clock import new_id
from shared.privacy import Private
from shared.tables.columns import Id
from shared.tables.dispatch import CARRY_ONE, carriages, deliveries
from shared.tables.intake import actions
from shared.tables.tracking import events, outcomes, receipts

# Names the events: the same fact told by two receipts is one event.
_EVENTS = UUID("5f1b3c52-0a9e-5d1e-9a36-0d0d6c3f9a41")


_Insert = Callable[[Table], postgresql.Insert | sqlite.Insert]
_Columns = Mapping[str, ColumnElement[Any]] | ReadOnlyColumnCollection[str, Column[Any]]


class Recorded(StrEnum):
    """What became of a receipt."""

    FACT = "fact"  # stored, and it told something
    KEPT = "kept"  # stored; it tells nothing about a delivery of ours
    REPEATED = "repeated"  # we had it; nothing changed


def record(connection: Connection, receipt: Receipt, now: dt.datetime) -> Recorded:
    """Stores `receipt` in the running transaction.  Safe beside any number of others."""
    statements = _STATEMENTS[connection.dialect.name]
    receipt_id = new_id()
    row = {
        "id": receipt_id,
        "source": receipt.source,
        "source_id": receipt.source_id,
        "said": Private(receipt_id, receipt.body),
        "delivery_id": receipt.delivery_id,
        "of_delivery": receipt.delivery_id,
        "received_at": now,
    }
    if connection.scalar(statements.store, row) is None:
        return Recorded.REPEATED
    delivery_id, fact = receipt.delivery_id, receipt.fact
    if delivery_id is None or fact is None:
        return Recorded.KEPT
    id_ = event_id(receipt.source, delivery_id, fact)
    event = {"id": id_, "delivery_id": delivery_id, "receipt_id": receipt_id, "received_at": now}
    connection.execute(statements.append, event | asdict(fact))
    outcome = outcome_of(fact)
    connection.execute(statements.add_up, {"delivery_id": delivery_id} | asdict(outcome))
    return Recorded.FACT


def event_id(source: str, delivery_id: UUID, fact: Fact) -> UUID:
    """The same for the same fact, however many receipts tell it."""
    parts = (source, delivery_id, fact.word, fact.reason, fact.occurred_at, fact.provider_id)
    return uuid5(_EVENTS, "|".join(map(str, parts)))


@dataclass(frozen=True, slots=True)
class _Statements:
    """What is said to the database; built once, since building costs more than running."""

    store: ReturningInsert[tuple[UUID]]  # gives nothing where the receipt was there already
    append: Executable
    add_up: Executable


# It would name a supporter whose data was erased.
_IS_ERASED = exists(
    select(actions.c.id)
    .join(carriages, carriages.c.action_id == actions.c.id)
    .join(deliveries, deliveries.c.id == carriages.c.delivery_id)
    .where(
        carriages.c.delivery_id == bindparam("of_delivery", type_=Id),
        deliveries.c.carrier.in_(CARRY_ONE),
        actions.c.erased_at.is_not(None),
    )
)


def _statements(insert: _Insert, *, collation: str) -> _Statements:
    return _Statements(
        store=insert(receipts)
        .values(
            body=case((_IS_ERASED, null()), else_=bindparam("said", type_=receipts.c.body.type))
        )
        .on_conflict_do_nothing(index_elements=["source", "source_id"])
        .returning(receipts.c.id),
        append=insert(events).inline().on_conflict_do_nothing(index_elements=["id"]),
        add_up=_add_up(insert(outcomes), collation),
    )


def _add_up(insert: postgresql.Insert | sqlite.Insert, collation: str) -> Executable:
    """Keeps the outcome that says more, the one stored or the new one.

    The greatest of all facts is the same in whatever order they are compared, so one conditional
    upsert is the whole projection, and two receipts at once are settled by the row's own lock.
    """
    new = {name: insert.excluded[name] for name in ("state", "reason", "since")}
    return insert.on_conflict_do_update(
        index_elements=["delivery_id"],
        set_=new,
        where=_says_more(new, outcomes.c, collation),
    )


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


# The collations compare by code point, as Python does.
_STATEMENTS: Mapping[str, _Statements] = {
    "postgresql": _statements(postgresql.insert, collation="C"),
    "sqlite": _statements(sqlite.insert, collation="BINARY"),
}
