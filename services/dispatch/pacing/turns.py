"""Whose turn it is: of each mailbox that is free the delivery that has waited longest.

In: due deliveries, and the rows of `paces`.  Out: a selection of ids; the guard decides later.
"""

import datetime as dt

from sqlalchemy import (
    ColumnElement,
    FromClause,
    String,
    bindparam,
    func,
    or_,
    select,
    text,
    union_all,
)

from services.dispatch.pacing.guard import burst
from shared.tables.columns import Instant
from shared.tables.dispatch import DUE_UNWOKEN, DUE_WOKEN, deliveries
from shared.tables.pacing import paces

_NEVER = dt.datetime(9999, 1, 1, tzinfo=dt.UTC)
_NOW = bindparam("b_now", type_=Instant)
_CHANNEL = bindparam("b_channel", type_=String)


def turn_values(channel: str, now: dt.datetime, domain_per_hour: int) -> dict[str, object]:
    """What TURNS is asked with; `domain_per_hour`: 0 for no limit."""
    ahead = now + burst(domain_per_hour) if domain_per_hour else _NEVER
    return {"b_channel": channel, "b_now": now, "b_ahead": ahead}


def _is_stopped(row: FromClause) -> ColumnElement[bool]:
    still = or_(row.c.stopped_until.is_(None), row.c.stopped_until > _NOW)
    return row.c.stopped_at.is_not(None) & still


_waiting = deliveries.alias("waiting")
_first = (
    select(_waiting.c.id)
    .where(
        text(DUE_UNWOKEN),
        _waiting.c.mailbox == paces.c.key,
        _waiting.c.channel == _CHANNEL,
        _waiting.c.next_attempt_at <= _NOW,
        or_(_waiting.c.carrier != "digest", _waiting.c.closed_at.is_not(None)),
    )
    .order_by(_waiting.c.next_attempt_at)
    .limit(1)
    .correlate(paces)
    .scalar_subquery()
)
_box = deliveries.c.mailbox
# Of thousands of mailboxes only these are looked at.
_due = select(_box).where(
    text(DUE_UNWOKEN),
    deliveries.c.channel == _CHANNEL,
    deliveries.c.next_attempt_at <= _NOW,
    _box.is_not(None),
)
_busy = union_all(
    select(_box).where(text(DUE_WOKEN), deliveries.c.channel == _CHANNEL, _box.is_not(None)),
    select(_box).where(text("state = 'sending'"), _box.is_not(None)),
)
_lane = paces.alias("lane")
_closed_domains = select(_lane.c.domain).where(
    func.substr(_lane.c.key, 1, 1) == "@",
    _is_stopped(_lane) | (_lane.c.free_at > bindparam("b_ahead")),
)

#: One id for each mailbox at most, null where nothing waits.  Of those that are free and not
#: stopped, nor their domain, and that nobody sends to right now.
TURNS = select(_first.label("id")).where(
    paces.c.key.in_(_due),
    paces.c.free_at <= _NOW,
    ~_is_stopped(paces),
    paces.c.key.not_in(_busy),
    paces.c.domain.not_in(_closed_domains),
)
#: The mailboxes whose turn TURNS asks for.
KEYS = select(paces.c.key)
