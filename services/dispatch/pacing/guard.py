"""The guard: asked by every claim, in its transaction, whether its emails may leave now.

In: emails that are ready.  Out: those that may leave, and when the others are to ask again.
Exact for all processes together, and over every restart, because each answer is read and written
under the lock of its mailbox's row in `paces`.  Every admission counts as sent, whatever became of
it: an attempt that nobody can tell of may have arrived.  So any W seconds of a mailbox hold at
most floor(W × pace / 3600) + 1 emails, and of a domain DOMAIN_BURST more than its rate.

The rule is GCRA, the virtual-scheduling form of ITU-T I.371, annex A: with no burst for a mailbox,
whose "increment" follows the hours of its recipient; with a small one for a domain.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import Connection

from services.dispatch.pacing.hours import Hours, hours_of
from services.dispatch.pacing.rows import PaceRow, domain_key, domain_of, lock, write
from services.dispatch.pacing.slots import (
    GUARD_JITTER,
    digest_slot,
    jitter_of,
    local_day,
    next_slot,
    opens,
)
from shared.catalogue import Recipient
from shared.clock import Clock
from shared.tables.pacing import mailbox_key

DOMAIN_BURST = 10  # emails to a domain at once, where none has left for a while

_HOUR_US = 3_600_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One email of live mode to a recipient, ready to go."""

    delivery_id: UUID
    email: str = field(repr=False)  # where it really goes
    recipient: Recipient
    is_digest: bool = False
    is_repeat: bool = False  # attempted before: a digest's second try may leave the same day


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    at: dt.datetime  # when this was decided: the claim's moment
    ids: frozenset[UUID]
    later: Mapping[UUID, dt.datetime]  # when each other may ask again


def admit(
    connection: Connection, wanted: Sequence[Wanted], clock: Clock, *, domain_per_hour: int
) -> Admitted:
    """Which of these may leave at this moment; counts them as sent.

    The clock is read under the locks, so that waiting for them never makes two emails leave
    together.  `domain_per_hour`: 0 for no limit of a domain.
    """
    domains = {mailbox_key(one.email): domain_of(one.email) for one in wanted}
    rows = lock(connection, domains | {domain_key(name): name for name in domains.values()})
    gate = _Gate(rows, clock(), _step(domain_per_hour))
    moments = {one.delivery_id: gate.ask(one) for one in wanted}
    write(connection, [row for key, row in rows.items() if key in gate.changed])
    return Admitted(
        at=gate.now,
        ids=frozenset(one for one, moment in moments.items() if moment <= gate.now),
        later={one: moment for one, moment in moments.items() if moment > gate.now},
    )


def burst(domain_per_hour: int) -> dt.timedelta:
    """How far a domain may be ahead of its rate."""
    return (DOMAIN_BURST - 1) * _step(domain_per_hour)


def _step(domain_per_hour: int) -> dt.timedelta:
    """Between two emails to a domain, rounded up; nothing where there is no limit."""
    return dt.timedelta(microseconds=-(-_HOUR_US // domain_per_hour) if domain_per_hour else 0)


class _Gate:
    """Answers one call, email by email; changes the rows that are locked for it."""

    def __init__(self, rows: Mapping[str, PaceRow], now: dt.datetime, step: dt.timedelta) -> None:
        self.now = now
        self.changed: set[str] = set()
        self._rows = rows
        self._step = step  # between two emails to a domain
        self._turns: dict[str, dt.datetime] = {}  # when who is refused next may ask again

    def ask(self, one: Wanted) -> dt.datetime:
        """The moment from which it may leave.  If that is now, it is counted as sent."""
        hours, box = hours_of(one.recipient), self._rows[mailbox_key(one.email)]
        domain = self._rows[domain_key(domain_of(one.email))]
        moment = max(self._mailbox_free(box, hours, one), self._domain_free(domain))
        if moment > self.now:
            return self._in_turn(box, domain, hours, moment)
        jitter = jitter_of(one.delivery_id, GUARD_JITTER)
        box.free_at = next_slot(hours, self.now, jitter)
        box.domain = domain.domain
        if one.is_digest:
            box.digest_on = local_day(hours, self.now)
        domain.free_at = max(domain.free_at, self.now) + self._step
        self.changed |= {box.key, domain.key}
        return moment

    def _mailbox_free(self, box: PaceRow, hours: Hours, one: Wanted) -> dt.datetime:
        # Farther than any distance from now: a clock was ahead, or the pace was slower then.
        latest = next_slot(hours, self.now, GUARD_JITTER[1])
        if box.free_at > latest:
            box.free_at = latest
            self.changed.add(box.key)
        free = max(self.now, box.free_at, box.stopped_for(self.now) or self.now)
        if one.is_digest and not one.is_repeat and box.digest_on:
            free = self._after_the_last_digest(free, box.digest_on, hours, one)
        return opens(hours, free)

    def _after_the_last_digest(
        self, free: dt.datetime, last: dt.date, hours: Hours, one: Wanted
    ) -> dt.datetime:
        today = local_day(hours, self.now)
        if last < today:
            return free
        # A day in the future is a clock's error: today counts as taken, no more than that.
        hour = one.recipient.pace.digest_hour
        return max(free, digest_slot(hours, hour, self.now, (today,)))

    def _domain_free(self, domain: PaceRow) -> dt.datetime:
        free = domain.stopped_for(self.now) or self.now
        if not self._step:
            return free
        latest = self.now + DOMAIN_BURST * self._step
        if domain.free_at > latest:
            domain.free_at = latest
            self.changed.add(domain.key)
        return max(free, domain.free_at - (DOMAIN_BURST - 1) * self._step)

    def _in_turn(
        self, box: PaceRow, domain: PaceRow, hours: Hours, moment: dt.datetime
    ) -> dt.datetime:
        """Each refused one later than the one before, so that they do not come back together."""
        turn = max(moment, *(self._turns.get(key, moment) for key in (box.key, domain.key)))
        self._turns[box.key] = next_slot(hours, turn, GUARD_JITTER[1])
        self._turns[domain.key] = turn + self._step
        return turn
