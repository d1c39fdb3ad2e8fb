"""What the sandbox really took, to hold Writ's own story against.

`GET /sandbox/emails`, `/sandbox/orders` (paged by `after`) and `/sandbox/counts`.  Read-only.
"""

import json
import sqlite3
from typing import Any

from flask import Blueprint, request

from services.sandbox import lob, pingen, print_vendor, ses
from services.sandbox.queue import NAME, Queues
from services.sandbox.store import Store, iso

PAGE = 1000
MAX_PAGE = 10_000

TAKEN = """
SELECT seq, id, delivery_id, accepted_at, facts,
    (SELECT count(*) FROM accepted AS other
     WHERE other.provider = accepted.provider AND other.delivery_id = accepted.delivery_id)
FROM accepted WHERE provider = ? AND seq > ? ORDER BY seq LIMIT ?
"""
PAPER = (print_vendor.PROVIDER, lob.PROVIDER, pingen.PROVIDER)
COUNT = "SELECT count(*) FROM accepted WHERE provider = ?"
MOST_COPIES = """
SELECT coalesce(max(copies), 0) FROM (SELECT count(*) AS copies FROM accepted
    WHERE provider = ? AND delivery_id IS NOT NULL GROUP BY delivery_id)
"""
PENDING = "SELECT count(*) FROM receipts"

Row = dict[str, Any]


def blueprint(store: Store, queues: Queues) -> Blueprint:
    """The three routes."""
    routes = Blueprint("truth", __name__, url_prefix="/sandbox")

    @routes.get("/emails")
    def emails() -> Row:
        rows, after = _page(store, ses.PROVIDER)
        return {"emails": [_email(row) for row in rows], "next": after}

    @routes.get("/orders")
    def orders() -> Row:
        rows, after = _page(store, print_vendor.PROVIDER)
        return {"orders": [_order(row) for row in rows], "next": after}

    @routes.get("/counts")
    def counts() -> Row:
        with store.reading() as db:
            return {
                "emails": _number(db, COUNT, ses.PROVIDER),
                "emails_by_delivery_max": _number(db, MOST_COPIES, ses.PROVIDER),
                "letters": sum(_number(db, COUNT, vendor) for vendor in PAPER),
                "letters_by_delivery_max": max(_number(db, MOST_COPIES, one) for one in PAPER),
                "receipts_pending": _number(db, PENDING),
                "receipts_in_queue": sum(queues.numbers(NAME)),
            }

    return routes


def _page(store: Store, provider: str) -> tuple[list[Row], int | None]:
    """A page of what one provider took, and the `after` of the next page, if there may be one."""
    after = request.args.get("after", 0, type=int)
    limit = min(request.args.get("limit", PAGE, type=int), MAX_PAGE)
    with store.reading() as db:
        found = db.execute(TAKEN, (provider, after, limit)).fetchall()
    names = ("seq", "id", "delivery_id", "accepted_at", "facts", "copies")
    rows = [dict(zip(names, row, strict=True)) for row in found]
    return rows, rows[-1]["seq"] if len(rows) == limit else None


def _email(row: Row) -> Row:
    facts = json.loads(row["facts"])
    return {
        "message_id": row["id"],
        "delivery_id": row["delivery_id"],
        "configuration_set": facts["configuration_set"],
        "to": facts["destination"],
        "from": facts["source"],
        "subject": facts["subject"],
        "headers": facts["headers"],
        "tags": facts["tags"],
        "text_sha256": facts.get("text_sha256"),
        "html_sha256": facts.get("html_sha256"),
        "attachments": facts.get("attachments", []),
        "accepted_at": iso(row["accepted_at"]),
        "copies": row["copies"],
    }


def _order(row: Row) -> Row:
    facts = json.loads(row["facts"])
    return {
        "id": row["id"],
        "reference": row["delivery_id"],
        "pages": facts["pages"],
        "sha256": facts["sha256"],
        "address": facts["address"],
        "amount_minor": facts["amount_minor"],
        "accepted_at": iso(row["accepted_at"]),
        "copies": row["copies"],
    }


def _number(db: sqlite3.Connection, question: str, *values: str) -> int:
    return int(db.execute(question, values).fetchone()[0])
