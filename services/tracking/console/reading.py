"""What the delivery page and the queues show beyond the status API: attempts, receipts, orders.

In: an id.  Out: rows for templates.  Personal columns are opened here, for ops alone.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, select

from shared.again import RESTS_OR_DID
from shared.privacy import Sealed, Unreadable
from shared.tables.dispatch import AttemptState, attempts, carriages, deliveries, print_orders
from shared.tables.intake import actions
from shared.tables.tracking import receipts

MOST = 100  # actions and receipts shown on one page
ERASED = "It named a supporter whose data was erased since."


@dataclass(frozen=True, slots=True)
class Papers:
    """Everything on record about one delivery."""

    attempts: Sequence[tuple[Any, str]]  # each with the address really used
    orders: Sequence[Any]
    actions: Sequence[Any]
    receipts: Sequence[tuple[Any, str]]  # the receipt's row, and its body made readable

    @property
    def unknown_attempt(self) -> UUID | None:
        """The attempt that nobody can tell of, if there is one."""
        ids = [one.id for one, _ in self.attempts if one.state == AttemptState.UNKNOWN]
        return ids[-1] if ids else None

    @property
    def erased(self) -> bool:
        """Whether a supporter whose action it carries was erased, and the documents with them."""
        return any(one.erased_at for one in self.actions)

    @property
    def shown(self) -> Any | None:
        """The latest attempt that left a document."""
        kept = [one for one, _ in self.attempts if one.document]
        return kept[-1] if kept else None


def papers(connection: Connection, delivery_id: UUID) -> Papers:
    tried = select(attempts).where(attempts.c.delivery_id == delivery_id)
    ordered = select(print_orders).where(print_orders.c.delivery_id == delivery_id)
    theirs = (
        select(
            *(actions.c[name] for name in ("id", "reference", "kind", "accepted_at", "erased_at"))
        )
        .join_from(carriages, actions, actions.c.id == carriages.c.action_id)
        .join(deliveries, RESTS_OR_DID)
        .where(deliveries.c.id == delivery_id)
        .order_by(actions.c.seq)
        .limit(MOST)
    )
    return Papers(
        [
            (row, opened(row.address, row.id) if row.address else "")
            for row in connection.execute(tried.order_by(attempts.c.number))
        ],
        connection.execute(ordered).all(),
        connection.execute(theirs).all(),
        _receipts(connection, delivery_id),
    )


def attempt(connection: Connection, delivery_id: UUID, number: int) -> Row[Any] | None:
    return connection.execute(
        select(attempts.c.document).where(
            attempts.c.delivery_id == delivery_id, attempts.c.number == number
        )
    ).one_or_none()


def readable(body: str) -> str:
    """A receipt's JSON with its nested JSON opened and indented; other text as it came."""
    try:
        said = json.loads(body)
        if isinstance(said, dict) and isinstance(said.get("Message"), str):
            said["Message"] = json.loads(said["Message"])
        text = json.dumps(_without_signature(said), ensure_ascii=False, indent=2)
    except (ValueError, RecursionError):
        return body
    return text.encode(errors="replace").decode()  # JSON may name half a character


def _without_signature(said: Any) -> Any:
    """Checked when it came; to people it is noise."""
    noise = {"Signature", "SignatureVersion", "SigningCertURL", "UnsubscribeURL"}
    if not isinstance(said, Mapping):
        return said
    return {name: value for name, value in said.items() if name not in noise}


def _receipts(connection: Connection, delivery_id: UUID) -> list[tuple[Any, str]]:
    rows = connection.execute(
        select(receipts)
        .where(receipts.c.delivery_id == delivery_id)
        .order_by(receipts.c.received_at)
        .limit(MOST)
    )
    return [(row, readable(opened(row.body, row.id)) if row.body else ERASED) for row in rows]


def opened(sealed: Sealed, row: UUID) -> str:
    """One value that does not open must not take the page away from who looks for the reason."""
    try:
        return sealed.open(row)
    except Unreadable as error:
        return f"This cannot be read: {error}."
