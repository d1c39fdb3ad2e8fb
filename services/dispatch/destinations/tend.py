"""Looks at all paper that waits when the list of limits, the catalogue or the day is new.

In: due deliveries, and those that are held for a limit.  Out: what a limit concerns is set aside;
what nothing holds any more is due again, by itself.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import structlog
from sqlalchemy import ColumnElement, Connection, and_, or_, select, text, update

from services.dispatch.destinations.limits import (
    HELD,
    RouteLimit,
    in_force,
    place_of,
    product_of,
    stamp,
)
from services.dispatch.destinations.set_aside import Situation, free, is_released, set_aside
from services.dispatch.destinations.way_round import Wanted
from shared.catalogue import Catalogue, Channel
from shared.tables.dispatch import deliveries
from shared.tables.routes import LimitKind

#: What is posted.
PAPER: Final = (Channel.LETTER, Channel.POSTCARD, Channel.PETITION)
#: Of deliveries: it waits, in earnest.
WAITS: Final = and_(text("deliveries.state = 'due'"), deliveries.c.mode == "live")

log = structlog.get_logger(__name__)


def is_held_for(kind: LimitKind) -> ColumnElement[bool]:
    """Of deliveries: it is held because its destination is suspended, or restricted."""
    return and_(WAITS, deliveries.c.held_reason.startswith(HELD[kind], autoescape=True))


@dataclass(slots=True)
class RouteKeeper:
    """Looks at all that waits when there may be something to do: a new list, catalogue or day."""

    _seen: object = None
    _tended: object = None

    def tend(self, connection: Connection, catalogue: Catalogue, now: dt.datetime) -> None:
        """Called often; in between it asks for the list's stamp alone.

        Whoever commits it says so with `confirm`: what was rolled back is looked for again.
        """
        at = (catalogue.version, now.date(), stamp(connection))
        if at == self._seen:
            return
        situation = Situation(in_force(connection, now.date()), catalogue, now)
        look_again(connection, situation)
        hold_waiting(connection, situation)
        self._tended = at

    def confirm(self) -> None:
        """What `tend` did last is committed."""
        self._seen = self._tended


def look_again(connection: Connection, situation: Situation) -> None:
    """Lets go what nothing holds any more; says of the rest what holds it today."""
    for group in _groups(connection, or_(*map(is_held_for, LimitKind)), deliveries.c.held_reason):
        which = and_(_like(group), deliveries.c.held_reason == group.held_reason)
        vendor = _vendor_of(group.held_reason, situation.limits)
        wanted = replace(_wanted(group, situation), vendor=vendor)
        if limit := situation.against(wanted):
            set_aside(connection, which, wanted, limit, situation)
            # A person let some of it go before something else held it as well.
            which = and_(which, is_released(limit))
        freed = connection.execute(
            update(deliveries)
            .where(deliveries.c.id.in_(free(which)))
            .values(held_reason=None, woken_at=None)
        ).rowcount
        if freed:
            log.warning("route_open", recipient=group.recipient, deliveries=freed)


def hold_waiting(connection: Connection, situation: Situation) -> None:
    """Keeps back what is due already; what comes due later is looked at when it is claimed."""
    day = situation.now.date()
    limited = {one.rule.country for one in situation.limits}
    slugs = [
        slug
        for slug, office in situation.catalogue.recipients.items()
        if (place := place_of(office, day)) and place.country in limited
    ]
    waits = and_(
        WAITS,
        deliveries.c.held_reason.is_(None),
        deliveries.c.channel.in_(PAPER),
        deliveries.c.recipient.in_(slugs),
        deliveries.c.next_attempt_at <= situation.now,
    )
    for group in _groups(connection, waits) if slugs else ():
        wanted = _wanted(group, situation)
        if limit := situation.against(wanted):
            set_aside(connection, and_(waits, _like(group)), wanted, limit, situation)


def _vendor_of(reason: str, limits: Sequence[RouteLimit]) -> str | None:
    """Whose limit holds it, where one vendor alone does not deliver there."""
    return next((one.rule.vendor for one in limits if reason.startswith(one.head)), None)


def _groups(
    connection: Connection, where: ColumnElement[bool], *also: ColumnElement[Any]
) -> Iterator[Any]:
    """What waits alike, in one order for whoever locks it."""
    names = ("recipient", "case", "channel", "carrier")
    of = (*(deliveries.c[name] for name in names), *also)
    yield from connection.execute(select(*of).where(where).distinct().order_by(*of)).all()


def _like(group: Any) -> ColumnElement[bool]:
    names = ("recipient", "case", "channel", "carrier")
    return and_(WAITS, *(deliveries.c[name] == getattr(group, name) for name in names))


def _wanted(group: Any, situation: Situation) -> Wanted:
    return Wanted(
        recipient=group.recipient,
        case=group.case,
        product=product_of(group.channel, group.carrier),
        vendor=None,
        day=situation.now.date(),
    )
