"""Reads digests: many actions on one delivery, opened as far as their supporters consented.

In: ids from a wake-up.  Out: each with its entries, in the order in which they were accepted; what
was erased meanwhile is not among them.  A digest that still takes actions is not read.
"""

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select, text

from services.dispatch.due import Due, Prepared
from services.dispatch.erased import UNCLEAR_AT, named
from services.dispatch.rendering.entries import Entry
from shared.tables.dispatch import DUE_WOKEN, carriages, deliveries
from shared.tables.intake import actions

CARRIER = "digest"
MOST_ENTRIES = 20_000  # opened at once; more than one digest only where they fit together
_ROWS = 500  # fetched at once

_TOLD = ("id", "carrier", "mode", "campaign", "case", "kind", "channel", "language", "recipient")
_READ = (*_TOLD, "mailbox", "attempts")
_ENTRY = ("id", "supporter_name", "supporter_country", "words", "language", "consent")


def read_digests(connection: Connection, ids: Sequence[UUID]) -> list[Due]:
    """Those of the deliveries that are digests and wait to be claimed.

    So many as are opened at once, and one at least: others wait for another wake-up.  One whose
    actions were all erased is not among them (erased.py stops it).  Raises Unreadable.
    """
    found = connection.execute(
        select(
            *(deliveries.c[name] for name in _READ),
            UNCLEAR_AT.label("unclear_at"),
            func.count().label("entries"),
            func.count(actions.c.supporter_identity.distinct()).label("people"),
        )
        .join_from(deliveries, carriages, carriages.c.delivery_id == deliveries.c.id)
        .join(actions, actions.c.id == carriages.c.action_id)
        .where(
            deliveries.c.id.in_(ids),
            deliveries.c.carrier == CARRIER,
            deliveries.c.closed_at.is_not(None),
            text(DUE_WOKEN),
            actions.c.erased_at.is_(None),
        )
        .group_by(*(deliveries.c[name] for name in _READ))
        .order_by(deliveries.c.id)
    ).all()
    return [_due(connection, row) for row in _at_once(found)]


def is_as_read(prepared: Sequence[Prepared]) -> ColumnElement[bool]:
    """Of a delivery: it still carries what was rendered.

    Whoever was erased since stands in what was rendered, and must not leave.
    """
    digests = [one.due for one in prepared if one.due.carrier == CARRIER]
    carried = (
        select(func.count())
        .select_from(carriages)
        .join(actions, actions.c.id == carriages.c.action_id)
        .where(carriages.c.delivery_id == deliveries.c.id, actions.c.erased_at.is_(None))
        .scalar_subquery()
    )
    same = (and_(deliveries.c.id == due.id, carried == len(due.entries)) for due in digests)
    return or_(deliveries.c.carrier != CARRIER, *same)


def _at_once(rows: Sequence[Any]) -> Iterator[Any]:
    entries = 0
    for number, row in enumerate(rows):
        entries += row.entries
        if number and entries > MOST_ENTRIES:
            return
        yield row


def _due(connection: Connection, row: Any) -> Due:
    return Due(
        **{name: getattr(row, name) for name in _READ},
        supporter_name=None,
        supporter_email=None,
        supporter_country=None,
        words=None,
        consent={},
        unclear_at=named(row.unclear_at),
        entries=tuple(_entries(connection, row.id)),
        people=row.people,
    )


def _entries(connection: Connection, digest: UUID) -> Iterator[Entry]:
    rows = connection.execute(
        select(*(actions.c[name] for name in _ENTRY))
        .join_from(carriages, actions, actions.c.id == carriages.c.action_id)
        .where(carriages.c.delivery_id == digest, actions.c.erased_at.is_(None))
        .order_by(actions.c.xact, actions.c.seq),
        execution_options={"yield_per": _ROWS},
    )
    for row in rows:
        shows_name = row.consent.get("show_name") and row.supporter_name
        yield Entry(
            reference=row.id,
            name=row.supporter_name.open(row.id) if shows_name else None,
            country=row.supporter_country if row.consent.get("show_country") else None,
            words=row.words.open(row.id) if row.words else None,
            language=row.language,
        )
