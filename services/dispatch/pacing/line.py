"""Who waits before a mailbox: gives each email that is planned its place, or says that it is full.

In: recipients, and the rows of `paces`, locked.  Out: moments.  For one planning transaction; what
it gave away is written by `save`.  Singles are planned one working day ahead: what has no place
within it travels in a digest.
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection, select

from services.dispatch.pacing.hours import Hours, hours_of
from services.dispatch.pacing.rows import PaceRow, domain_key, domain_of, lock, write
from services.dispatch.pacing.slots import (
    PLAN_JITTER,
    digest_slot,
    horizon,
    jitter_of,
    local_day,
    next_slot,
    opens,
)
from shared.catalogue import Catalogue, Recipient
from shared.tables.dispatch import DeliveryState, deliveries
from shared.tables.pacing import mailbox_key, stops


@dataclass(frozen=True, slots=True)
class Box:
    """The mailbox of a recipient on this day."""

    recipient: Recipient
    key: str
    domain: str
    hours: Hours


def box_of(catalogue: Catalogue, slug: str, now: dt.datetime) -> Box | None:
    """None where no mailbox is known today: nothing is paced, and a person must look."""
    recipient = catalogue.recipients.get(slug)
    mailbox = recipient.mailbox_on(now.date()) if recipient else None
    if recipient is None or mailbox is None:
        return None
    domain = domain_of(mailbox.email)
    return Box(recipient, mailbox_key(mailbox.email), domain, hours_of(recipient))


class Line:
    def __init__(self, connection: Connection, now: dt.datetime, *, domain_per_hour: int) -> None:
        """`domain_per_hour`: emails to one domain; 0: no limit."""
        self.now = now
        self._connection = connection
        self.domain_per_hour = domain_per_hour
        self._rows: dict[str, PaceRow] = {}
        self._stopped: set[str] = set()
        self._full: set[str] = set()
        self._digest_days: dict[str, set[dt.date]] = {}

    def join(self, boxes: Iterable[Box]) -> None:
        """Locks what these mailboxes need, all at once."""
        # Before one box stands for all offices that share it: each may be stopped by itself.
        wanted = {box.recipient.slug: box for box in boxes}
        keys = {box.key: box.domain for box in wanted.values() if box.key not in self._rows}
        if keys:
            domains = {domain_key(name): name for name in keys.values()}
            self._rows |= lock(self._connection, keys | domains)
        if wanted:
            self._note_stops([*keys, *(f"recipient:{slug}" for slug in wanted)])

    def is_full(self, box: Box) -> bool:
        """Whether one that may leave at once was refused a place already."""
        return box.key in self._full

    def place(self, box: Box, delivery: UUID, not_before: dt.datetime) -> dt.datetime | None:
        """The next place in the line of a mailbox that was joined; None: it is full."""
        if self._stopped & {box.key, f"recipient:{box.recipient.slug}"}:
            return None  # one digest may wait for a person; thousands of singles may not
        row, domain = self._rows[box.key], self._rows[domain_key(box.domain)]
        latest = horizon(box.hours, self.now)
        jitter = jitter_of(delivery, PLAN_JITTER)
        turn = max(domain.planned_until or self.now, self.now)
        at = max(not_before, turn)
        if row.planned_until:
            at = max(at, next_slot(box.hours, row.planned_until, jitter))
        for stopped in (row, domain):
            at = max(at, stopped.stopped_for(self.now) or at)
        at = opens(box.hours, at)
        if at > latest:
            if not_before <= self.now:
                self._full.add(box.key)
            return None
        row.planned_until = at
        domain.planned_until = self._after(turn, box.hours)
        return at

    def digest_due(self, box: Box, not_before: dt.datetime) -> dt.datetime:
        """When a new digest to a mailbox that was joined is due: on a day without another."""
        row = self._rows[box.key]
        taken = self._digest_days.get(box.key)
        if taken is None:
            taken = self._digest_days[box.key] = self._waiting_digests(box)
        if row.digest_on:
            taken.add(row.digest_on)
        hour = box.recipient.pace.digest_hour
        at = digest_slot(box.hours, hour, max(self.now, not_before), taken)
        taken.add(local_day(box.hours, at))
        return at

    def save(self) -> None:
        """Writes what was given away; before the transaction ends."""
        write(self._connection, self._rows.values())
        self._rows.clear()

    def _after(self, turn: dt.datetime, hours: Hours) -> dt.datetime:
        """A domain's next turn: at its limit, which follows the hours of who is written to.

        Else the mailboxes of a parliament, each at its own pace, would be planned for more than
        the guard lets pass.
        """
        if not self.domain_per_hour:
            return turn
        since = opens(hours, turn)
        step = dt.timedelta(seconds=3600 / self.domain_per_hour)
        return since + step * (hours.peak / hours.rate_at(since))

    def _note_stops(self, keys: Sequence[str]) -> None:
        asked = select(stops.c.key).where(stops.c.key.in_(keys), stops.c.lifted_at.is_(None))
        self._stopped |= set(self._connection.scalars(asked))

    def _waiting_digests(self, box: Box) -> set[dt.date]:
        found = self._connection.scalars(
            select(deliveries.c.next_attempt_at).where(
                deliveries.c.mailbox == box.key,
                deliveries.c.state == DeliveryState.DUE,
                deliveries.c.carrier == "digest",
            )
        )
        return {local_day(box.hours, at) for at in found}
