"""The breaker: a domain that refuses by policy gets nothing more for a while, and somebody is told.

In: rejections that tracking passed on, and a person's word.  Out: a stop in the domain's row of
`paces`, which the guard, the plan and the wake-ups obey.  What was refused by policy (blocked,
taken for spam) would be refused again; going on only makes the block last.

THRESHOLD rejections with less than QUIET between two of them stop the domain for FIRST_STOP.  When
that is over it gets another chance: one more rejection stops it for twice as long, up to
LONGEST_STOP.  That an email was taken later resets nothing, because dispatch never learns what
became of one: only QUIET without a rejection does (counted from the end of a stop), or a person.
"""

import datetime as dt

import structlog
from sqlalchemy import Connection, select, update

from services.dispatch.pacing.rows import PaceRow, domain_key, lock, write
from shared.tables.pacing import paces

THRESHOLD = 3  # rejections in a row
QUIET = dt.timedelta(hours=24)
FIRST_STOP = dt.timedelta(hours=6)
LONGEST_STOP = dt.timedelta(days=3)

log = structlog.get_logger()


def refused(connection: Connection, domain: str, now: dt.datetime) -> str:
    """Counts one rejection; what it led to, in words for people."""
    row = _locked(connection, domain)
    if row.stopped_for(now):  # it left before the stop, and says nothing new
        return f"{row.domain} is stopped already"
    last = max(filter(None, (row.refused_at, row.stopped_until)), default=None)
    row.refused = row.refused + 1 if last and now - last < QUIET else 1
    row.refused_at = now
    if row.refused >= THRESHOLD:
        _stop(row, now)
    write(connection, [row])
    if row.stopped_at:
        return f"{row.domain} is stopped until {row.stopped_until:%d %B %Y %H:%M} UTC"
    return f"{row.refused} of {THRESHOLD} rejections that stop {row.domain}"


def resume(connection: Connection, domain: str) -> bool:
    """A person says that it may go on; False where the domain was not stopped."""
    row = _locked(connection, domain)
    was_stopped = row.stopped_at is not None
    row.refused, row.refused_at = 0, None
    row.stopped_at = row.stopped_until = row.stopped_why = None
    write(connection, [row])
    return was_stopped


def reopen(connection: Connection, now: dt.datetime) -> list[str]:
    """Ends the stops whose time is over; the domains that get another chance."""
    over = (
        select(paces.c.key)
        .where(paces.c.stopped_at.is_not(None), paces.c.stopped_until <= now)
        .order_by(paces.c.key)  # as rows.py locks them
        .with_for_update()
    )
    keys = connection.scalars(over).all()
    if not keys:
        return []
    ended = connection.execute(
        update(paces)
        .where(paces.c.key.in_(keys))
        .values(stopped_at=None, stopped_why=None)
        .returning(paces.c.domain)
    )
    domains = sorted(row.domain for row in ended)
    for domain in domains:
        log.info("domain_reopened", domain=domain)
    return domains


def _locked(connection: Connection, domain: str) -> PaceRow:
    name = domain.strip().lower()
    key = domain_key(name)
    return lock(connection, {key: name})[key]


def _stop(row: PaceRow, now: dt.datetime) -> None:
    pause = min(FIRST_STOP * 2 ** min(row.refused - THRESHOLD, 10), LONGEST_STOP)
    row.stopped_at, row.stopped_until = now, now + pause
    row.stopped_why = (
        f"{row.domain} refused {row.refused} emails in a row by its policy: blocked, or taken for"
        f" spam.  Nothing leaves for it until {now + pause:%d %B %Y %H:%M} UTC."
    )
    log.error("domain_stopped", domain=row.domain, refused=row.refused, until=str(now + pause))
