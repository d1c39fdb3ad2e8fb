"""Finds where a case's paper goes while the post does not reach its recipient.

In: the case's `paper_fallback`, the catalogue of the day.  Out: `WayRound`, or why there is none.
Paper for an authority goes to an authority, and paper for a person at risk to nobody who is one.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from services.dispatch.destinations.limits import RouteLimit, first, place_of
from services.dispatch.stops import RECIPIENT, stopped
from shared.catalogue import Catalogue, PaperFallback, Recipient
from shared.tables.routes import Product

BY: Final = {"embassy": "its embassy", "section": "the section's office"}

NO_WAY: Final = "The case names no other way"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Whose paper of which case, on what day."""

    recipient: str
    case: str
    product: Product
    vendor: str | None  # None: not known yet
    day: dt.date


@dataclass(frozen=True, slots=True)
class WayRound:
    to: PaperFallback | None  # None: it is held
    says: str  # for people


def way_round(
    connection: Connection, wanted: Wanted, limits: Sequence[RouteLimit], catalogue: Catalogue
) -> WayRound:
    """The first of the case's fallbacks that gets post today."""
    case, recipient = catalogue.cases.get(wanted.case), catalogue.recipients.get(wanted.recipient)
    if case is None or recipient is None or not case.policy.fallbacks(wanted.recipient):
        return WayRound(None, NO_WAY)
    hindered = []
    for one in case.policy.fallbacks(wanted.recipient):
        to = catalogue.recipients.get(one.to)
        if why := _hindrance(connection, wanted, limits, recipient, to):
            hindered.append(f"{one.to} {why}")
        else:
            return WayRound(one, f"{BY[one.by]}, {one.to}")
    return WayRound(None, f"Its other ways are closed: {'; '.join(hindered)}")


def _hindrance(
    connection: Connection,
    wanted: Wanted,
    limits: Sequence[RouteLimit],
    recipient: Recipient,
    to: Recipient | None,
) -> str | None:
    place = place_of(to, wanted.day)
    if to is None or place is None:
        return "has no address"
    postal = to.address_on(wanted.day)
    if to.kind != recipient.kind:
        return f"is of the kind {to.kind}"
    if to.paper_hold or (postal and postal.hold):
        return "is held by the pack"
    if found := first(limits, place, wanted.product, wanted.vendor):
        return f"is {found.rule.kind} as well"
    if stopped(connection, [f"{RECIPIENT}{to.slug}"]):
        return "is stopped"
    return None
