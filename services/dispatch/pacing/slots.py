"""Moments: when the next email may leave, when a digest is due, how far ahead singles are planned.

In: a recipient's hours and a moment.  Out: a later moment.  A mailbox's next email leaves when the
rate, added up since the one before, has come to one whole email; jitter only ever makes it later.
"""

import datetime as dt
import itertools
from bisect import bisect_left
from collections.abc import Collection, Iterator
from functools import lru_cache
from math import ceil
from uuid import UUID

from services.dispatch.pacing.hours import Hours

# Each zone's offset is a whole number of quarters of an hour, summer time or not: within a quarter
# of UTC the local hour, and with it the rate, stays as it is.
QUARTER_S = 900
_A_DAY = 86_400 // QUARTER_S

#: By how much a distance is lengthened.  What was planned asks for more than the guard does, so
#: that a mailbox that is on time never waits at the guard, and one that is late catches up.
GUARD_JITTER = (0.0, 0.05)
PLAN_JITTER = (0.05, 0.25)

_DAY = dt.timedelta(days=1)
_HOUR_US = 3_600_000_000


def reach(hours: Hours, after: dt.datetime, emails: float = 1.0) -> dt.datetime:
    """The first moment by which the rate since `after` adds up to `emails`; ≥ 1.

    Never nearer than one email at the peak rate.
    """
    midnight = _midnight(after)
    wanted = emails + _sent_by(hours, after)
    while wanted > (sums := _day(hours, midnight.date()))[-1]:
        wanted -= sums[-1]
        midnight += _DAY
    found = midnight + dt.timedelta(microseconds=_within(sums, wanted))
    return max(found, after + closest(hours))


def next_slot(hours: Hours, after: dt.datetime, jitter: float) -> dt.datetime:
    """The next moment of a mailbox whose last email leaves at `after`; `jitter` lengthens, ≥ 0."""
    return reach(hours, after, 1.0 + jitter)


def opens(hours: Hours, moment: dt.datetime) -> dt.datetime:
    """The first moment, not before this one, at which emails leave."""
    if hours.rate_at(moment) > 0:
        return moment
    return _local(hours, _next_open_day(hours, local_day(hours, moment)), 0)


def horizon(hours: Hours, now: dt.datetime) -> dt.datetime:
    """How far ahead singles are planned: one working day, the same hour of the next one."""
    local = opens(hours, now).astimezone(hours.zone)
    day = _next_open_day(hours, local.date())
    return dt.datetime.combine(day, local.time(), hours.zone).astimezone(dt.UTC)


def digest_slot(
    hours: Hours, hour: int, not_before: dt.datetime, taken: Collection[dt.date] = ()
) -> dt.datetime:
    """At the digest's hour of the first working day that no other digest has taken."""
    free = (
        at
        for day in _days_from(local_day(hours, not_before))
        if (at := _local(hours, day, hour)) >= not_before
        and day not in taken
        and hours.is_open(day)
    )
    return next(free)


def local_day(hours: Hours, moment: dt.datetime) -> dt.date:
    return moment.astimezone(hours.zone).date()


def closest(hours: Hours) -> dt.timedelta:
    """No two emails to one mailbox are ever nearer than this; in whole microseconds, rounded up."""
    return dt.timedelta(microseconds=-(-_HOUR_US // hours.peak))


def jitter_of(delivery: UUID, within: tuple[float, float]) -> float:
    """The same for a delivery each time, spread evenly over all deliveries."""
    least, most = within
    # The last 32 bits of an id are chance (RFC 9562, section 5.7).
    return least + (most - least) * (delivery.int & 0xFFFF_FFFF) / 0x1_0000_0000


def allowance(hours: Hours, since: dt.datetime, until: dt.datetime) -> float:
    """Emails that the rate adds up to between two moments."""
    days = (_midnight(until).date() - _midnight(since).date()).days
    first = _midnight(since).date()
    whole = sum(_day(hours, first + n * _DAY)[-1] for n in range(days))
    return whole + _sent_by(hours, until) - _sent_by(hours, since)


def _within(sums: tuple[float, ...], wanted: float) -> int:
    """Microseconds since midnight."""
    quarter = bisect_left(sums, wanted) - 1
    share = (wanted - sums[quarter]) / (sums[quarter + 1] - sums[quarter])
    return ceil((quarter + share) * QUARTER_S * 1_000_000)


def _sent_by(hours: Hours, moment: dt.datetime) -> float:
    """Emails that the rate adds up to since midnight."""
    midnight = _midnight(moment)
    sums = _day(hours, midnight.date())
    quarter, rest = divmod((moment - midnight).total_seconds(), QUARTER_S)
    at = int(quarter)
    return sums[at] + (sums[at + 1] - sums[at]) * rest / QUARTER_S


@lru_cache(maxsize=4096)
def _day(hours: Hours, day: dt.date) -> tuple[float, ...]:
    """Emails since midnight at the end of each quarter of a day in UTC; the first is 0."""
    midnight = dt.datetime.combine(day, dt.time(), dt.UTC)
    starts = (midnight + dt.timedelta(seconds=n * QUARTER_S) for n in range(_A_DAY))
    rates = (hours.rate_at(start) * QUARTER_S / 3600 for start in starts)
    return tuple(itertools.accumulate(rates, initial=0.0))


def _midnight(moment: dt.datetime) -> dt.datetime:
    return moment.astimezone(dt.UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _next_open_day(hours: Hours, day: dt.date) -> dt.date:
    return next(later for later in _days_from(day + _DAY) if hours.is_open(later))


def _local(hours: Hours, day: dt.date, hour: int) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(hour), hours.zone).astimezone(dt.UTC)


def _days_from(first: dt.date) -> Iterator[dt.date]:
    return (first + n * _DAY for n in itertools.count())
