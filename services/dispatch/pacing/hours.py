"""The hours of a recipient: how many emails an hour its mailbox takes at a moment.

In: a recipient's pace, country and time zone.  Out: a rate.  Nothing on a day off, little at night,
the pace itself in the best hours of a working day.
"""

import datetime as dt
from dataclasses import dataclass
from functools import cached_property, lru_cache
from zoneinfo import ZoneInfo

import holidays

from shared.catalogue import Recipient

#: The share of the pace in each hour of the day: 1 at 10 h and 15 h, 0.02 at night, 9.92 in all, so
#: that 30 an hour are about 298 a day.  Source: the curve that Proca's scheduler came to in 2025
#: (fixthestatusquo/proca-server, mtt_scheduler.ex, issue 316: its ends, its peaks and its sum; the
#: hours between are ours).
CURVE = (
    *(0.02, 0.02, 0.02, 0.02, 0.02, 0.05),
    *(0.10, 0.30, 0.60, 0.90, 1.00, 0.95),
    *(0.70, 0.75, 0.90, 1.00, 0.90, 0.70),
    *(0.40, 0.25, 0.15, 0.10, 0.05, 0.02),
)
WORKING_HOURS = range(8, 18)
FLOOR = 1.0  # emails an hour in working hours, however slow the pace
#: Emails an hour, whatever a pack says.  Exchange Online takes 3,600 an hour for one mailbox, and a
#: third of them from one sender (learn.microsoft.com, "Exchange Online limits", receiving limits);
#: Gmail 60 a minute from everybody (support.google.com/a/answer/1366776).
CEILING = 1200


@dataclass(frozen=True)
class Hours:
    """What decides on a mailbox's rate; equal for recipients that share it."""

    time_zone: str
    country: str
    region: str | None
    weekends: bool  # emails leave on days off, too
    per_hour: int

    @cached_property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def peak(self) -> int:
        """Emails an hour that are never exceeded."""
        return min(self.per_hour, CEILING)

    def rate_at(self, moment: dt.datetime) -> float:
        """Emails an hour."""
        local = moment.astimezone(self.zone)
        if not self.is_open(local.date()):
            return 0.0
        rate = self.peak * CURVE[local.hour]
        return max(rate, FLOOR) if local.hour in WORKING_HOURS else rate

    def is_open(self, day: dt.date) -> bool:
        """Whether emails leave on this day of the recipient's calendar."""
        return self.weekends or is_working_day(self.country, self.region, day)


def hours_of(recipient: Recipient) -> Hours:
    pace = recipient.pace
    return Hours(recipient.time_zone, recipient.country, pace.region, pace.weekends, pace.per_hour)


def is_working_day(country: str, region: str | None, day: dt.date) -> bool:
    """Weekends and public holidays as the country keeps them, with its moved working days.

    Of a country that the `holidays` package does not know: Monday to Friday.
    """
    calendar = _calendar(country, region, day.year)
    return day.weekday() < 5 if calendar is None else calendar.is_working_day(day)


# One for each year, and complete before another thread can see it: a calendar that grows while it
# is asked shows a year before it knows its holidays.
@lru_cache(maxsize=1024)
def _calendar(country: str, region: str | None, year: int) -> holidays.HolidayBase | None:
    try:
        return holidays.country_holidays(country, subdiv=region, years=[year], expand=False)
    except NotImplementedError:
        return _calendar(country, None, year) if region else None
