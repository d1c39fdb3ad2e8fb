"""The console's page of what came back by email, and the same for one delivery.

In: a request, or a delivery.  Out: rows for templates.  What people wrote is opened here, for ops
alone, and shown as text: nothing of a stranger's message is ever run or fetched.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, request, url_for
from sqlalchemy import Connection, Row, Select, or_, select

from services.tracking.console.reading import opened
from services.tracking.console.template import Pages
from services.tracking.inbound.classify import ReplyKind
from shared.database import Database
from shared.tables.dispatch import deliveries
from shared.tables.replies import replies

PAGE = 50  # replies in a list
MOST = 100  # replies shown beside one delivery
_ANSWERS = replies.c.kind == ReplyKind.ANSWER.value
_UNMATCHED = replies.c.delivery_id.is_(None)
_SHOWN = {
    "open": ("For people", or_(_ANSWERS, _UNMATCHED)),
    "answers": ("Answers", _ANSWERS),
    "unmatched": ("Without a delivery", _UNMATCHED),
    "all": ("All", replies.c.id.is_not(None)),
}
_NAMES = ("id", "delivery_id", "kind", "matched_by", "detail", "received_at", "forwarded_at")
_PERSONAL = ("sender", "subject", "text")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownReply:
    """One reply, opened."""

    id: UUID
    delivery_id: UUID | None
    kind: str
    matched_by: str
    detail: str
    received_at: dt.datetime
    forwarded_at: dt.datetime | None
    recipient: str | None  # of the delivery
    case: str | None
    is_kept: bool  # else it was let go
    sender: str
    subject: str
    text: str


class ReplyPages:
    def __init__(self, database: Database, pages: Pages) -> None:
        self._database = database
        self._pages = pages

    def hang(self, blueprint: Blueprint) -> None:
        blueprint.add_url_rule("/replies", "replies", self.replies)

    def replies(self) -> Response:
        shown = request.args.get("show", "")
        shown = shown if shown in _SHOWN else "open"
        query = _query().where(_SHOWN[shown][1]).order_by(replies.c.id.desc()).limit(PAGE + 1)
        if (before := _id(request.args.get("before", ""))) is not None:
            query = query.where(replies.c.id < before)
        with self._database.read() as connection:
            found = connection.execute(query).all()
        last = found[PAGE - 1] if len(found) > PAGE else None
        return self._pages.render(
            "replies.html.j2",
            found=[_opened(row) for row in found[:PAGE]],
            choices=[(name, title) for name, (title, _) in _SHOWN.items()],
            shown=shown,
            newest=url_for("console.replies", show=shown) if before else None,
            older=url_for("console.replies", show=shown, before=last.id) if last else None,
        )


def replies_to(connection: Connection, delivery_id: UUID) -> list[ShownReply]:
    """The oldest first."""
    rows = connection.execute(
        _query()
        .where(replies.c.delivery_id == delivery_id)
        .order_by(replies.c.received_at, replies.c.id)
        .limit(MOST)
    )
    return [_opened(row) for row in rows]


def _query() -> Select[Any]:
    columns: Sequence[Any] = [replies.c[name] for name in (*_NAMES, *_PERSONAL)]
    return select(*columns, deliveries.c.recipient, deliveries.c.case).outerjoin_from(
        replies, deliveries, deliveries.c.id == replies.c.delivery_id
    )


def _opened(row: Row[Any]) -> ShownReply:
    told: dict[str, Any] = {name: getattr(row, name) for name in (*_NAMES, "recipient", "case")}
    for name in _PERSONAL:
        sealed = getattr(row, name)
        told[name] = opened(sealed, row.id) if sealed else ""
    return ShownReply(**told, is_kept=row.text is not None)


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
