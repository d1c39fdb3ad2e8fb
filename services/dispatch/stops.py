"""Stops: whom nothing may be sent to.  Our own list is the truth; a provider's mirrors it.

Owns `stops`.  A stop is of an address (a mailbox's key) or of a recipient (`recipient:` and its
slug), never of an office: when the catalogue knows another mailbox, what waits goes there
(reroute.py).  In: the commands STOP and LIFT; what is about to be claimed.  Out: rows, and held
deliveries that say why and what could be done.  Logs and reasons name a recipient's slug and never
an address.
"""

import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement, Connection, and_, func, select, text, update
from sqlalchemy import case as either

from services.dispatch.due import Prepared
from services.dispatch.providers.contract import Email
from shared.catalogue import Catalogue, Channel, Recipient
from shared.clock import new_id
from shared.database import insert_new
from shared.tables.dispatch import DUE_WOKEN, deliveries
from shared.tables.pacing import mailbox_key, stops

RECIPIENT = "recipient:"
#: How the reason begins of what is held for a stop; by it, it is found again.
ADDRESS_HELD, RECIPIENT_HELD = "The address is stopped. ", "The recipient is stopped. "
#: What was released waits so long, that the provider's own list is told first (mirror.py).
AFTER_LIFT = dt.timedelta(seconds=60)

_KEY = re.compile(r"[0-9a-f]{40}|recipient:[a-z0-9]+(-[a-z0-9]+)*")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """A stop that is in force."""

    key: str
    why: str  # hard_bounce, soft_bounces, complaint, provider_list, person
    detail: str  # in words for people, without an address
    stopped_at: dt.datetime
    stopped_by: str
    delivery_id: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What one stop holds, of one recipient and case."""

    recipient: str
    case: str
    held: int  # deliveries


def in_force(connection: Connection) -> list[Stop]:
    """Every stop, the oldest first."""
    return _read(connection, stops.c.key.is_not(None))


def stopped(connection: Connection, keys: Iterable[str]) -> Mapping[str, Stop]:
    """Those of the keys to which nothing may be sent."""
    asked = sorted(set(keys))
    return {one.key: one for one in _read(connection, stops.c.key.in_(asked))} if asked else {}


def stop(connection: Connection, command: Any, catalogue: Catalogue, now: dt.datetime) -> str:
    """Obeys STOP: writes the stop down, and holds what waits.  The effect, in words."""
    key = str(command.arguments.get("key"))
    if not _KEY.fullmatch(key):
        return "no effect: this is no key of a mailbox or a recipient"
    if _was_lifted_since(connection, key, command.arguments.get("occurred_at")):
        return "no effect: a person has lifted the stop since that happened"
    row = {
        "id": new_id(),
        "key": key,
        "why": str(command.arguments.get("why", "person"))[:32],
        "detail": str(command.arguments.get("detail", "")) or command.why,
        "delivery_id": command.delivery_id,
        "stopped_at": now,
        "stopped_by": command.given_by,
    }
    if not insert_new(connection, stops, [row]):
        return "no effect: it is stopped already"
    held = hold_waiting(connection, key, catalogue, now)
    delivery = deliveries.c.id == command.delivery_id
    slug = key.removeprefix(RECIPIENT)
    if slug == key:
        slug = connection.scalar(select(deliveries.c.recipient).where(delivery)) or ""
    log.error("address_stopped", recipient=slug, why=row["why"], by=row["stopped_by"], held=held)
    return f"stopped; deliveries held: {held}"


def lift(connection: Connection, command: Any, now: dt.datetime) -> str:
    """Obeys LIFT: what was held for it is due again.  The effect, in words."""
    key = str(command.arguments.get("key"))
    lifted = connection.execute(
        update(stops)
        .where(stops.c.key == key, stops.c.lifted_at.is_(None))
        .values(lifted_at=now, lifted_by=command.given_by)
    )
    if not lifted.rowcount:
        return "no effect: it is not stopped"
    soon, planned = now + AFTER_LIFT, deliveries.c.next_attempt_at
    released = connection.execute(
        update(deliveries)
        .where(held_for(key))
        .values(
            held_reason=None,
            woken_at=None,
            next_attempt_at=either((planned > soon, planned), else_=soon),
        )
    )
    return f"lifted; deliveries due again: {released.rowcount}"


def hold_stopped(
    connection: Connection, prepared: Sequence[Prepared], catalogue: Catalogue, now: dt.datetime
) -> set[UUID]:
    """Holds those of what is about to be claimed that go to a stopped address; their ids.

    In the transaction of the claim, before it.  Test mode goes nowhere, and a supporter's own
    mailbox (a notice) is none of an office's.
    """
    asked = {
        one.due.id: (one, _keys(one))
        for one in prepared
        if one.due.mode == "live" and one.due.notice is None
    }
    found = stopped(connection, (key for _, keys in asked.values() for key in keys))
    if not found:
        return set()
    held = set()
    for id_, (one, keys) in sorted(asked.items()):
        key = next((key for key in keys if key in found), None)
        if key is None:
            continue
        reason = held_reason(found[key], catalogue, one.due.recipient, one.due.case, now)
        used = {} if key.startswith(RECIPIENT) else {"mailbox": key}
        connection.execute(
            update(deliveries)
            .where(deliveries.c.id == id_, text(DUE_WOKEN))
            .values(held_reason=reason, woken_at=None, **used)
        )
        log.info("held", delivery_id=str(id_), reason=reason)
        held.add(id_)
    return held


def hold_waiting(connection: Connection, key: str, catalogue: Catalogue, now: dt.datetime) -> int:
    """Holds all that is due to a stopped key; how many deliveries."""
    one = stopped(connection, [key])[key]
    waiting = and_(_due_to(key), deliveries.c.held_reason.is_(None))
    groups = connection.execute(
        select(deliveries.c.recipient, deliveries.c.case).where(waiting).distinct()
    )
    held = 0
    for recipient, case in sorted(tuple(row) for row in groups):
        reason = held_reason(one, catalogue, recipient, case, now)
        # What is just being claimed is looked at there (hold_stopped), and not waited for.
        free = (
            select(deliveries.c.id)
            .where(waiting, deliveries.c.recipient == recipient, deliveries.c.case == case)
            .order_by(deliveries.c.id)
            .with_for_update(skip_locked=True)
        )
        held += connection.execute(
            update(deliveries)
            .where(deliveries.c.id.in_(free))
            .values(held_reason=reason, woken_at=None)
        ).rowcount
    return held


def held_for(key: str) -> ColumnElement[bool]:
    """Of deliveries: it is held because this key is stopped."""
    begins = RECIPIENT_HELD if key.startswith(RECIPIENT) else ADDRESS_HELD
    return and_(_due_to(key), deliveries.c.held_reason.startswith(begins, autoescape=True))


def held_reason(
    one: Stop, catalogue: Catalogue, recipient: str, case: str, now: dt.datetime
) -> str:
    """Why a delivery waits, and what could be done."""
    if one.key.startswith(RECIPIENT):
        return f"{RECIPIENT_HELD}{one.detail} A person decides whether anything more goes there."
    return f"{ADDRESS_HELD}{one.detail} {suggestion(one.key, catalogue, recipient, case, now)}"


def suggestion(key: str, catalogue: Catalogue, recipient: str, case: str, now: dt.datetime) -> str:
    """The next best way to an office whose mailbox is stopped."""
    office = catalogue.recipients.get(recipient)
    if office is None:
        return "The recipient is no longer in the catalogue."
    if any(mailbox_key(one.email) != key for one in office.mailboxes):
        return "The pack knows another mailbox of this office: set its dates, and load the pack."
    if takes_letters(catalogue, office, case, now):
        return "A letter could go instead."
    return "No other way to this office is known: find its new address, and load the pack."


def takes_letters(catalogue: Catalogue, office: Recipient, case: str, now: dt.datetime) -> bool:
    """Whether a letter for the case may go to the office, and would be complete, today."""
    found = catalogue.cases.get(case)
    postal = office.address_on(now.date())
    allowed = found is not None and Channel.LETTER in found.policy.channels
    return allowed and postal is not None and not postal.hold and not office.paper_hold


def waiting(connection: Connection) -> Mapping[str, Sequence[Waiting]]:
    """What is held for each stop, by its key."""
    of = (deliveries.c.recipient, deliveries.c.case)
    number = func.count().label("held")
    found = {}
    for one in in_force(connection):
        rows = connection.execute(
            select(*of, number).where(held_for(one.key)).group_by(*of).order_by(*of)
        )
        found[one.key] = [Waiting(**row._mapping) for row in rows]
    return found


def _due_to(key: str) -> ColumnElement[bool]:
    """Of deliveries: it waits, in earnest, to go to this key."""
    to = (
        deliveries.c.recipient == key.removeprefix(RECIPIENT)
        if key.startswith(RECIPIENT)
        else and_(deliveries.c.mailbox == key, deliveries.c.channel == Channel.EMAIL)
    )
    return and_(to, text("deliveries.state = 'due'"), deliveries.c.mode == "live")


def _keys(one: Prepared) -> tuple[str, ...]:
    recipient = f"{RECIPIENT}{one.due.recipient}"
    if isinstance(one.handover, Email):
        return recipient, mailbox_key(one.address)
    return (recipient,)


def _was_lifted_since(connection: Connection, key: str, occurred_at: object) -> bool:
    """A fact that comes late knows less than the person who lifted the stop."""
    if not isinstance(occurred_at, str):
        return False
    lifted_at = connection.scalar(select(func.max(stops.c.lifted_at)).where(stops.c.key == key))
    return lifted_at is not None and lifted_at >= dt.datetime.fromisoformat(occurred_at)


def _read(connection: Connection, where: ColumnElement[bool]) -> list[Stop]:
    names = ("key", "why", "detail", "stopped_at", "stopped_by", "delivery_id")
    rows = connection.execute(
        select(*(stops.c[name] for name in names))
        .where(where, stops.c.lifted_at.is_(None))
        .order_by(stops.c.stopped_at, stops.c.key)
    )
    return [Stop(**row._mapping) for row in rows]
