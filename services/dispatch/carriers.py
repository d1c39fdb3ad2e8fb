"""The rows of carriers: a delivery, and the carriages of what rests on it.

In: an action (or a digest that goes on in another) and what was chosen for it.  Out: rows.  Some
carriers stay open: one for each campaign, case, recipient and mode gathers until it leaves.
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, insert, select, text, tuple_

from shared.clock import new_id
from shared.database import insert_new
from shared.tables.dispatch import DeliveryState, carriages, deliveries

TOLD = ("mode", "campaign", "case", "kind", "channel", "language")  # what carrier and action share

#: What makes an open carrier the only one: the unique indexes of `deliveries` say the same.
_ONE_FOR = ("campaign", "case", "recipient", "mode")

#: Which carriers take more actions, in the words of the partial indexes: with a bound parameter in
#: place of a word no index would serve, and all that has left would be read through.
OPEN_DIGEST = "carrier = 'digest' AND state = 'due' AND closed_at IS NULL"
OPEN_PETITION = "carrier = 'petition' AND state = 'due'"

Pair = tuple[Any, str]  # an action's row and the slug of one of its recipients
Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The carrier of one action to one recipient.  `why` and `held` are words for people."""

    carrier: str
    why: str
    not_before: dt.datetime
    held: str | None = None  # why it waits for a person from the start
    mailbox: str | None = None  # of an email: whose pace it keeps


def delivery_row(
    told: Any, recipient: str, choice: Choice, now: dt.datetime, *, delivery: UUID | None = None
) -> Row:
    """`told`: an action's row, or that of the digest that this one goes on from."""
    return {name: getattr(told, name) for name in TOLD} | {
        "id": delivery or new_id(),
        "recipient": recipient,
        "carrier": choice.carrier,
        "mailbox": choice.mailbox,
        "why": choice.why,
        "held_reason": choice.held,
        "next_attempt_at": choice.not_before,
        "state": DeliveryState.DUE,
        "attempts": 0,
        "planned_at": now,
    }


def carriage_row(action_id: UUID, recipient: str, delivery_id: UUID) -> Row:
    return {"action_id": action_id, "recipient": recipient, "delivery_id": delivery_id}


def gather(
    connection: Connection,
    is_open: str,
    pairs: Sequence[Pair],
    make: Callable[[Any, str], Row],
) -> int:
    """Puts actions on the open carrier to their recipient; makes it where there is none.

    `is_open`: OPEN_DIGEST or OPEN_PETITION.  How many are new.
    """
    if not pairs:
        return 0
    wanted: dict[tuple[str, ...], Pair] = {}
    for row, recipient in pairs:  # of each carrier the first makes it
        wanted.setdefault(_key(row, recipient), (row, recipient))
    found = _open(connection, is_open, list(wanted))
    missing = {key: pair for key, pair in wanted.items() if key not in found}
    made = 0
    if missing:
        made = insert_new(connection, deliveries, [make(*pair) for pair in missing.values()])
        found = {**found, **_open(connection, is_open, list(missing))}
    connection.execute(
        insert(carriages),
        [carriage_row(row.id, recipient, found[_key(row, recipient)]) for row, recipient in pairs],
    )
    return made


def _open(
    connection: Connection, is_open: str, keys: Sequence[tuple[str, ...]]
) -> Mapping[tuple[str, ...], UUID]:
    columns = [deliveries.c[name] for name in _ONE_FOR]
    found = connection.execute(
        select(deliveries.c.id, *columns).where(tuple_(*columns).in_(keys), text(is_open))
    )
    return {tuple(row[1:]): row.id for row in found}


def _key(row: Any, recipient: str) -> tuple[str, ...]:
    return (row.campaign, row.case, recipient, row.mode)
