"""Sets aside what a limit concerns: re-addressed by the case's policy, or held until it ends.

In: which deliveries, whose they are, the limit.  Out: deliveries that are held with its reason and
source, or that go to a fallback, which `why` explains.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import structlog
from sqlalchemy import ColumnElement, Connection, and_, or_, select, update

from services.dispatch.destinations.limits import Place, RouteLimit, first, place_of
from services.dispatch.destinations.way_round import Wanted, way_round
from services.dispatch.erased import IS_UNCLEAR
from shared.catalogue import Catalogue, PaperFallback
from shared.tables.dispatch import deliveries
from shared.tables.routes import LimitKind

MAY_BE_PRINTED: Final = "It may have been printed already, and goes nowhere else"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Situation:
    """What is known at one moment."""

    limits: Sequence[RouteLimit]
    catalogue: Catalogue
    now: dt.datetime

    def against(self, wanted: Wanted, place: Place | None = None) -> RouteLimit | None:
        recipient = self.catalogue.recipients.get(wanted.recipient)
        place = place or place_of(recipient, self.now.date())
        return first(self.limits, place, wanted.product, wanted.vendor) if place else None


def set_aside(
    connection: Connection,
    which: ColumnElement[bool],
    wanted: Wanted,
    limit: RouteLimit,
    situation: Situation,
) -> None:
    """Suspended: by the way round that the case names, else held.  Restricted: held."""
    says, moved = "", 0
    if limit.rule.kind is LimitKind.SUSPENDED:
        way = way_round(connection, wanted, situation.limits, situation.catalogue)
        says = way.says
        if way.to:
            moved = _re_address(connection, which, way.to, _said(limit, says, situation.now))
            says = MAY_BE_PRINTED  # of what is left
    reason = _reason(limit, says)
    unsaid = or_(deliveries.c.held_reason.is_(None), deliveries.c.held_reason != reason)
    held = connection.execute(
        update(deliveries)
        .where(deliveries.c.id.in_(free(and_(which, unsaid, ~is_released(limit)))))
        .values(held_reason=reason, woken_at=None)
    ).rowcount
    log.warning(
        "route_limited", recipient=wanted.recipient, case=wanted.case, held=held, moved=moved
    )


def _re_address(
    connection: Connection, which: ColumnElement[bool], to: PaperFallback, said: str
) -> int:
    # What may have been printed for the one is not printed for the other as well.
    may_move = and_(which, deliveries.c.carrier == "single", ~IS_UNCLEAR)
    return connection.execute(
        update(deliveries)
        .where(deliveries.c.id.in_(free(may_move)))
        .values(recipient=to.to, held_reason=None, woken_at=None, why=deliveries.c.why + said)
    ).rowcount


def _said(limit: RouteLimit, way: str, now: dt.datetime) -> str:
    instead = f"re-addressed to {way}: nothing goes to {limit.scope}"
    return f" On {now:%d %B %Y} {instead}. {limit.said()}."


def _reason(limit: RouteLimit, way: str) -> str:
    told = f"{limit.head}{limit.said()}."
    if limit.rule.kind is LimitKind.RESTRICTED:
        return f"{told} A person decides, and releases it."
    return f"{told} {way}; it leaves by itself when this ends."


def is_released(limit: RouteLimit) -> ColumnElement[bool]:
    """A person saw this very restriction, and let it go.  Nobody can let a suspended one go."""
    if limit.rule.kind is LimitKind.SUSPENDED:
        return deliveries.c.id.is_(None)
    known = deliveries.c.released_at.is_not(None)
    return and_(known, deliveries.c.released_at >= limit.noted_at)


def free(which: ColumnElement[bool]) -> Any:
    # What is just being claimed is looked at there, and not waited for.
    query = select(deliveries.c.id).where(which).order_by(deliveries.c.id)
    return query.with_for_update(skip_locked=True)
