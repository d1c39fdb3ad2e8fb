"""The last question about a place before a claim: may this vendor get these letters today?

In: letters that are ready.  Out: those that may not go, which are set aside in the transaction of
the claim.  Test mode goes nowhere, and is not asked about.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from uuid import UUID

from sqlalchemy import Connection, and_, select, text

from services.dispatch.destinations.limits import Place, RouteLimit, in_force, place_of, product_of
from services.dispatch.destinations.set_aside import Situation, is_released, set_aside
from services.dispatch.destinations.way_round import Wanted
from services.dispatch.due import Due, Prepared
from services.dispatch.providers.contract import Letter
from shared.catalogue import Catalogue
from shared.tables.dispatch import DUE_WOKEN, deliveries
from shared.tables.routes import LimitKind


def keep_back(
    connection: Connection,
    ready: Sequence[Prepared],
    vendor: str,
    catalogue: Catalogue,
    now: dt.datetime,
) -> set[UUID]:
    """The ids of those that `vendor` may not get now."""
    letters = list(_letters(ready))
    limits = in_force(connection, now.date()) if letters else []
    if not limits:
        return set()
    situation = Situation(limits, catalogue, now)
    found: dict[tuple[Wanted, RouteLimit], list[UUID]] = {}
    for due, letter in letters:
        wanted = _wanted(due, letter, vendor, now.date())
        if limit := situation.against(wanted, _printed(due, letter, situation)):
            found.setdefault((wanted, limit), []).append(due.id)
    kept: set[UUID] = set()
    for (wanted, limit), ids in found.items():
        some = set(ids) - _released(connection, ids, limit)
        which = and_(deliveries.c.id.in_(sorted(some)), text(DUE_WOKEN))
        set_aside(connection, which, wanted, limit, situation)
        kept |= some  # one whose row somebody has locked may not be claimed here either
    return kept


def _letters(ready: Sequence[Prepared]) -> Iterator[tuple[Due, Letter]]:
    for one in ready:
        if isinstance(one.handover, Letter) and one.due.mode == "live":
            yield one.due, one.handover


def _wanted(due: Due, letter: Letter, vendor: str, day: dt.date) -> Wanted:
    product = product_of(due.channel, due.carrier, letter.format)
    return Wanted(recipient=due.recipient, case=due.case, product=product, vendor=vendor, day=day)


def _printed(due: Due, letter: Letter, situation: Situation) -> Place:
    """The country that stands on the paper, whatever the catalogue says since."""
    here = place_of(situation.catalogue.recipients.get(due.recipient), situation.now.date())
    return Place(letter.country, here.region if here else None)


def _released(connection: Connection, ids: Sequence[UUID], limit: RouteLimit) -> set[UUID]:
    if limit.rule.kind is LimitKind.SUSPENDED:
        return set()
    query = select(deliveries.c.id).where(deliveries.c.id.in_(ids), is_released(limit))
    return set(connection.scalars(query))
