"""The plan of a season beforehand: what a mailbox would get, day by day, at so many actions.

In: a recipient, and how many actions come on each day.  Out: days.  Nothing is read or written; it
reckons with whole days, and with the mailbox to itself, so that the real plan differs a little.
"""

import datetime as dt
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from services.dispatch.close import MAX_DIGEST_BYTES, MAX_IN_DIGEST
from services.dispatch.pacing.hours import Hours, hours_of
from services.dispatch.pacing.slots import PLAN_JITTER, allowance
from shared.catalogue import Recipient

#: What a digest carries of actions with 300 bytes of words: three sentences or so.
IN_A_DIGEST = min(MAX_IN_DIGEST, MAX_DIGEST_BYTES // 300)

_DAY = dt.timedelta(days=1)
_STRETCHED = 1 + sum(PLAN_JITTER) / 2  # by what a mean distance is lengthened


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    day: dt.date  # of the recipient's calendar
    arrived: int  # actions
    singles: int  # emails of their own that leave
    digested: int  # actions in the day's digest; 0: there is none
    waiting: int  # actions that have not left at the end of the day


def forecast(recipient: Recipient, arrivals: Sequence[int], first: dt.date) -> list[Day]:
    """One for each day from `first`, on until everything has left."""
    hours, days = hours_of(recipient), list[Day]()
    line = pool = 0  # actions that wait for their own place, and for a digest
    for day, arrived in _days(first, arrivals):
        today, ahead = _places(hours, day), _places(hours, _next_open(hours, day))
        placed = min(arrived, max(0, today + ahead - line))
        line, pool = line + placed, pool + arrived - placed
        singles = min(line, today)
        digested = min(pool, IN_A_DIGEST) if hours.is_open(day) else 0
        line, pool = line - singles, pool - digested
        days.append(
            Day(day=day, arrived=arrived, singles=singles, digested=digested, waiting=line + pool)
        )
        if len(days) >= len(arrivals) and not line + pool:
            break
    return days


def in_a_sentence(recipient: Recipient, days: Sequence[Day]) -> str:
    actions, singles = sum(one.arrived for one in days), sum(one.singles for one in days)
    digests = sum(1 for one in days if one.digested)
    first = f"At {actions:,} actions this mailbox gets {singles:,} emails of their own"
    if not digests:
        return f"{first}, and nothing is left for a digest."
    return (
        f"{first} by {days[-1].day:%d %B %Y}, at most {recipient.pace.per_hour} an hour; the other"
        f" {actions - singles:,} go as {digests:,} digest{'s' if digests > 1 else ''}, one a day at"
        f" {recipient.pace.digest_hour}:00."
    )


def _days(first: dt.date, arrivals: Sequence[int]) -> Iterator[tuple[dt.date, int]]:
    for number, arrived in enumerate(itertools.chain(arrivals, itertools.repeat(0))):
        yield first + number * _DAY, arrived


def _places(hours: Hours, day: dt.date) -> int:
    since = dt.datetime.combine(day, dt.time(), hours.zone)
    until = dt.datetime.combine(day + _DAY, dt.time(), hours.zone)
    return int(allowance(hours, since, until) / _STRETCHED)


def _next_open(hours: Hours, day: dt.date) -> dt.date:
    return next(one for n in itertools.count(1) if hours.is_open(one := day + n * _DAY))
