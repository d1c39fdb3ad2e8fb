"""Sends what is held for a stopped address another way: to a corrected mailbox, or on paper.

In: held deliveries, the catalogue of today.  Out: the same, no longer held, with the reason told in
`why`; what was planned for later keeps its moment.  A stop holds an address and not an office: once
a pack gives the office another mailbox, or the day of another dated one has come, whatever waits
goes there by itself.  Paper costs money, so that a person asks for it (the command BY_LETTER).
"""

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog
from sqlalchemy import ColumnElement, Connection, and_, func, or_, select, update

from services.dispatch.erased import IS_UNCLEAR
from services.dispatch.stops import (
    RECIPIENT,
    held_for,
    held_reason,
    in_force,
    stopped,
    takes_letters,
    waiting,
)
from shared.catalogue import Catalogue, Channel
from shared.tables.dispatch import deliveries
from shared.tables.pacing import mailbox_key

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """What waits for one recipient's stopped mailbox, and could go to another."""

    recipient: str
    stopped: str  # the mailbox's key
    email: str = field(repr=False)  # the mailbox of today
    held: int  # deliveries

    @property
    def key(self) -> str:
        return mailbox_key(self.email)


@dataclass(slots=True)
class Rerouter:
    """Looks for corrections when there may be any: after a new catalogue, and on a new day."""

    _seen: tuple[int, dt.date] | None = None
    _tended: tuple[int, dt.date] | None = None

    def tend(self, connection: Connection, catalogue: Catalogue, now: dt.datetime) -> int:
        """How many deliveries are due again.  Called often; it costs nothing in between.

        Whoever commits it says so with `confirm`: what was rolled back is looked for again.
        """
        at = (catalogue.version, now.date())
        if at == self._seen:
            return 0
        rerouted = reroute(connection, catalogue, now)
        tell_again(connection, catalogue, now)
        self._tended = at
        return rerouted

    def confirm(self) -> None:
        """What `tend` did last is committed."""
        self._seen = self._tended


def corrections(
    connection: Connection, catalogue: Catalogue, now: dt.datetime
) -> Iterator[Correction]:
    """What `reroute` would do; for recipients that the catalogue does not know, nothing."""
    day = now.date()
    for key, held_there in waiting(connection).items():
        by_recipient: Counter[str] = Counter()
        if not key.startswith(RECIPIENT):
            for some in held_there:
                by_recipient[some.recipient] += some.held
        for slug, held in by_recipient.items():
            office = catalogue.recipients.get(slug)
            mailbox = office.mailbox_on(day) if office else None
            if mailbox is None or mailbox.hold:
                continue
            other = mailbox_key(mailbox.email)
            if other != key and not stopped(connection, [other]):
                yield Correction(recipient=slug, stopped=key, email=mailbox.email, held=held)


def reroute(connection: Connection, catalogue: Catalogue, now: dt.datetime) -> int:
    """Lets what is held for a stopped mailbox go to the one of today; how many deliveries."""
    total = 0
    for one in list(corrections(connection, catalogue, now)):
        said = f" On {now:%d %B %Y} sent on to a corrected mailbox: the one before is stopped."
        rerouted = connection.execute(
            update(deliveries)
            .where(held_for(one.stopped), deliveries.c.recipient == one.recipient)
            .values(
                mailbox=one.key,
                held_reason=None,
                woken_at=None,
                why=deliveries.c.why + said,
            )
        ).rowcount
        log.warning("rerouted", recipient=one.recipient, deliveries=rerouted)
        total += rerouted
    return total


def by_letter(connection: Connection, command: Any, catalogue: Catalogue, now: dt.datetime) -> str:
    """Obeys BY_LETTER: what is held for a recipient's stopped mailbox goes on paper.

    Only single messages, of cases that allow letters, and none that may have left already.
    """
    slug = str(command.arguments.get("recipient"))
    cases = [case for case, may in letters(connection, catalogue, slug, now).items() if may]
    said = f" On {now:%d %B %Y} put on paper: the office's mailbox is stopped."
    moved = 0
    if cases:
        moved = connection.execute(
            update(deliveries)
            .where(_may_be_letters(connection, slug), deliveries.c.case.in_(cases))
            .values(
                channel=Channel.LETTER,
                mailbox=None,
                held_reason=None,
                woken_at=None,
                why=deliveries.c.why + said,
            )
        ).rowcount
    return f"put on paper: {moved}" if moved else "no effect: nothing may go as a letter"


def letters(
    connection: Connection, catalogue: Catalogue, slug: str, now: dt.datetime
) -> Mapping[str, int]:
    """By case: how many of a recipient's held emails could go as letters; 0 where none may."""
    office = catalogue.recipients.get(slug)
    found = connection.execute(
        select(deliveries.c.case, func.count())
        .where(_may_be_letters(connection, slug))
        .group_by(deliveries.c.case)
    )
    return {
        case: number if office and takes_letters(catalogue, office, case, now) else 0
        for case, number in found
    }


def tell_again(connection: Connection, catalogue: Catalogue, now: dt.datetime) -> None:
    """Says what can be done today of what is still held."""
    for one in in_force(connection):
        of = (deliveries.c.recipient, deliveries.c.case)
        groups = connection.execute(select(*of).where(held_for(one.key)).distinct()).all()
        for recipient, case in groups:
            reason = held_reason(one, catalogue, recipient, case, now)
            connection.execute(
                update(deliveries)
                .where(
                    held_for(one.key),
                    deliveries.c.recipient == recipient,
                    deliveries.c.case == case,
                    deliveries.c.held_reason != reason,
                )
                .values(held_reason=reason)
            )


def _may_be_letters(connection: Connection, slug: str) -> ColumnElement[bool]:
    keys = [one.key for one in in_force(connection) if not one.key.startswith(RECIPIENT)]
    return and_(
        deliveries.c.recipient == slug,
        deliveries.c.carrier == "single",
        or_(*(held_for(key) for key in keys)) if keys else deliveries.c.id.is_(None),
        ~IS_UNCLEAR,
    )
