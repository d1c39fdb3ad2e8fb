"""From facts to commands: what bounces and complaints make dispatch do, each exactly once.

Reads our own `events` by a cursor, and dispatch's deliveries and stops.  Out: the commands STOP and
SLOW, in the transaction that moves the cursor.  A stop is about the address that was really used,
which the attempt tells: so a late bounce never stops a corrected one.  Test mode stops nothing, and
a supporter's own mailbox (carrier `notice`) is none of an office's.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid5

import structlog
from sqlalchemy import Connection, Row, exists, func, select

from services.tracking.bad_addresses import (
    SOFT_BOUNCES,
    Meaning,
    finer_reason,
    meaning,
    too_often,
)
from services.tracking.commands import Command, give
from services.tracking.words import EventWord, ShownState
from shared.database import Database
from shared.feeds import move, position, rewind_after_restore
from shared.privacy import Unreadable
from shared.tables.columns import follows, settled_before
from shared.tables.dispatch import AttemptState, attempts, deliveries
from shared.tables.pacing import mailbox_key, stops
from shared.tables.tracking import Verb, events, outcomes, tracking_cursors

CURSOR = "reacted"
BATCH = 500  # events read in one transaction
GIVEN_BY = "tracking"
#: A refusal by policy that is older says nothing about what the domain thinks today.
POLICY_IS_FRESH = dt.timedelta(hours=24)

# Names the commands: one for each event, and one SLOW for each delivery, however often it is told.
_REACTIONS = UUID("0f4c1de1-7b5a-5c52-8a39-5a6b1d3f2c77")
_SOFT_WORDS = (EventWord.BOUNCED.value, EventWord.EXPIRED.value)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _About:
    """The delivery that an event is about, and the address that it really went to."""

    event: Any
    means: Meaning
    recipient: str
    mailbox: str | None  # its key; None: nobody can tell any more
    domain: str | None


def react(database: Database, now: dt.datetime) -> int:
    """Gives the commands that new events ask for; how many were given.

    Any number may run at once: one of them works, the others wait and find nothing.
    """
    given, read = 0, BATCH
    while read == BATCH:
        with database.begin() as connection:
            rewind_after_restore(connection, tracking_cursors)
            rows = _next(connection)
            given += sum(give(connection, one, now) for one in _wishes(connection, rows, now))
            if rows:
                move(connection, tracking_cursors, CURSOR, (rows[-1].xact, rows[-1].seq))
        read = len(rows)
    if given:
        log.info("reacted", commands=given)
    return given


def _next(connection: Connection) -> Sequence[Row[Any]]:
    order = (events.c.xact, events.c.seq)
    names = ("id", "delivery_id", "word", "reason", "status", "provider_id", "occurred_at")
    return connection.execute(
        select(*order, *(events.c[name] for name in names))
        .where(
            follows(*order, *position(connection, tracking_cursors, CURSOR)),
            events.c.xact < settled_before(),
        )
        .order_by(*order)
        .limit(BATCH)
    ).all()


def _wishes(
    connection: Connection, rows: Sequence[Row[Any]], now: dt.datetime
) -> Iterator[Command]:
    telling = [(row, meaning(EventWord(row.word), row.reason, row.status)) for row in rows]
    telling = [(row, means) for row, means in telling if means is not Meaning.NOTHING]
    if not telling:
        return
    about = _deliveries(connection, [row.delivery_id for row, _ in telling])
    for row, means in telling:
        if (delivery := about.get(row.delivery_id)) is None:
            continue
        key, domain = _really_used(connection, row, delivery.mailbox)
        wish = _wish(connection, _About(row, means, delivery.recipient, key, domain), now)
        if wish is not None:
            yield wish


def _deliveries(connection: Connection, ids: Sequence[UUID]) -> dict[UUID, Any]:
    """Those that went to a recipient in earnest."""
    found = connection.execute(
        select(deliveries.c.id, deliveries.c.recipient, deliveries.c.mailbox).where(
            deliveries.c.id.in_(ids),
            deliveries.c.mode == "live",
            deliveries.c.carrier != "notice",
        )
    )
    return {row.id: row for row in found.all()}


def _really_used(
    connection: Connection, event: Row[Any], mailbox: str | None
) -> tuple[str | None, str | None]:
    """The mailbox's key and the domain of the attempt that the event is about."""
    tried = connection.execute(
        select(attempts.c.id, attempts.c.state, attempts.c.provider_id, attempts.c.address)
        .where(attempts.c.delivery_id == event.delivery_id)
        .order_by(attempts.c.number.desc())
    ).all()
    named = [one for one in tried if one.provider_id and one.provider_id == event.provider_id]
    # The receipt may be here before the provider's id is.
    taken = {AttemptState.STARTED, AttemptState.SENT, AttemptState.UNKNOWN}
    for one in named or [one for one in tried if one.state in taken]:
        if one.address is None:
            continue
        try:
            address = one.address.open(one.id)
        except Unreadable as error:
            log.error("unreadable", attempt_id=str(one.id), error=str(error))
            break
        return mailbox_key(address), address.rpartition("@")[2].strip().lower()
    return mailbox, None


def _wish(connection: Connection, about: _About, now: dt.datetime) -> Command | None:
    match about.means:
        case Meaning.COMPLAINT:
            said = "A reader there marked an email as spam."
            return _stop(about, f"recipient:{about.recipient}", "complaint", said)
        case Meaning.POLICY:
            return _slow(about, now)
        case Meaning.BAD_ADDRESS:
            return _stop_mailbox(about, "hard_bounce", "Its mail server refuses it for good")
        case Meaning.WITHHELD:
            said = "The provider throws away whatever goes there"
            return _stop_mailbox(about, "provider_list", said)
        case _:
            return _soft(connection, about, now)


def _slow(about: _About, now: dt.datetime) -> Command | None:
    if about.domain is None or about.event.occurred_at < now - POLICY_IS_FRESH:
        return None
    return Command(
        id=uuid5(_REACTIONS, f"slow|{about.event.delivery_id}"),
        verb=Verb.SLOW,
        delivery_id=about.event.delivery_id,
        arguments={"domain": about.domain},
        given_by=GIVEN_BY,
        why=f"the receiving domain refuses by policy{_finer(about.event)}",
    )


def _soft(connection: Connection, about: _About, now: dt.datetime) -> Command | None:
    """A stop where an address was in trouble too often, and nothing arrived there meanwhile."""
    if about.mailbox is None:
        return None
    reason = finer_reason(about.event.reason, about.event.status)
    rule = SOFT_BOUNCES[reason]
    moments = _bounces(connection, about.mailbox, reason, now - rule.within)
    first = too_often(moments, rule, now)
    if first is None or _arrived(connection, about.mailbox, first):
        return None
    said = f"In {rule.within.days} days {rule.number} emails came back, a day or more apart"
    wish = _stop_mailbox(about, "soft_bounces", said)
    # Each of these bounces sees them all: together they are one reason.
    together = f"stop|{about.mailbox}|{reason}|{max(moments).isoformat()}"
    return wish and replace(wish, id=uuid5(_REACTIONS, together))


def _bounces(
    connection: Connection, mailbox: str, reason: str, since: dt.datetime
) -> list[dt.datetime]:
    """When emails to this mailbox came back for this reason, since the last stop was lifted."""
    lifted = connection.scalar(select(func.max(stops.c.lifted_at)).where(stops.c.key == mailbox))
    rows = connection.execute(
        select(events.c.occurred_at, events.c.reason, events.c.status)
        .join_from(events, deliveries, deliveries.c.id == events.c.delivery_id)
        .where(
            events.c.word.in_(_SOFT_WORDS),
            events.c.occurred_at >= max(since, lifted or since),
            deliveries.c.mailbox == mailbox,
            deliveries.c.mode == "live",
        )
    )
    return [row.occurred_at for row in rows if finer_reason(row.reason, row.status) == reason]


def _arrived(connection: Connection, mailbox: str, since: dt.datetime) -> bool:
    """Whether an email to this mailbox got there since then, and did not come back later."""
    arrived = (
        exists()
        .where(events.c.word == EventWord.DELIVERED.value, events.c.occurred_at >= since)
        .where(deliveries.c.id == events.c.delivery_id, deliveries.c.mailbox == mailbox)
        .where(outcomes.c.delivery_id == deliveries.c.id)
        .where(outcomes.c.state == ShownState.DELIVERED.value)
    )
    return bool(connection.scalar(select(arrived)))


def _stop_mailbox(about: _About, why: str, said: str) -> Command | None:
    if about.mailbox is None:
        log.error("address_not_known", delivery_id=str(about.event.delivery_id), why=why)
        return None
    return _stop(about, about.mailbox, why, f"{said}{_finer(about.event)}.")


def _stop(about: _About, key: str, why: str, detail: str) -> Command:
    return Command(
        id=uuid5(_REACTIONS, f"stop|{about.event.id}"),
        verb=Verb.STOP,
        delivery_id=about.event.delivery_id,
        arguments={
            "key": key,
            "why": why,
            "detail": detail,
            # Whoever lifts a stop knows more than a fact from before.
            "occurred_at": about.event.occurred_at.isoformat(),
        },
        given_by=GIVEN_BY,
        why=f"event {about.event.id}, {about.event.word}",
    )


def _finer(event: Row[Any]) -> str:
    parts = [event.reason.replace("_", " ")] if event.reason else []
    parts += [event.status] if event.status else []
    return f" ({', '.join(parts)})" if parts else ""
