"""Tells what is kept back today, why, how much waits for it, and what the cases say instead.

In: the list of limits, the catalogue, what waits.  Out: findings; it changes nothing.
"""

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, func, select

from services.dispatch.destinations.limits import Place, RouteLimit, in_force, place_of, product_of
from services.dispatch.destinations.tend import PAPER, WAITS
from services.dispatch.destinations.way_round import Wanted, way_round
from shared.catalogue import Catalogue, Channel
from shared.tables.dispatch import deliveries
from shared.tables.routes import LimitKind

BY_A_PERSON: Final = "a person releases it"

Key = tuple[str, str, str]  # a recipient, a case, a channel


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One recipient's paper for one case, and what stands against it."""

    recipient: str
    case: str
    channel: str
    country: str
    limit: RouteLimit
    waiting: int  # deliveries, due now or later
    instead: str  # in words for people


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What of it somebody wants to know.  None: all of it."""

    campaign: str | None = None
    country: str | None = None
    vendor: str | None = None


def survey(
    connection: Connection, catalogue: Catalogue, asked: Asked, now: dt.datetime
) -> list[Finding]:
    limits = in_force(connection, now.date())
    waiting = _waiting(connection, asked)
    found = []
    for key in sorted({*waiting, *_offered(catalogue, asked)}):
        place = place_of(catalogue.recipients.get(key[0]), now.date())
        if place and asked.country in {None, place.country}:
            for limit, wanted in _against(key, place, limits, asked.vendor, now.date()):
                instead = BY_A_PERSON
                if limit.rule.kind is LimitKind.SUSPENDED:
                    instead = way_round(connection, wanted, limits, catalogue).says
                found.append(
                    Finding(
                        recipient=wanted.recipient,
                        case=wanted.case,
                        channel=key[2],
                        country=place.country,
                        limit=limit,
                        waiting=waiting[key],
                        instead=instead,
                    )
                )
    return found


def without_region(
    connection: Connection, catalogue: Catalogue, now: dt.datetime
) -> Mapping[str, list[str]]:
    """By country: recipients of whom nobody can tell whether a region's limit concerns them."""
    regional = {one.rule.country for one in in_force(connection, now.date()) if one.rule.region}
    found: dict[str, list[str]] = {}
    for slug, office in sorted(catalogue.recipients.items()):
        place = place_of(office, now.date())
        if place and place.country in regional and place.region is None:
            found.setdefault(place.country, []).append(slug)
    return found


def _against(
    key: Key, place: Place, limits: Sequence[RouteLimit], vendor: str | None, day: dt.date
) -> Iterator[tuple[RouteLimit, Wanted]]:
    recipient, case, channel = key
    product = product_of(channel)
    for limit in limits:
        by = vendor or limit.rule.vendor
        if limit.concerns(place, product, by):
            yield (
                limit,
                Wanted(recipient=recipient, case=case, product=product, vendor=by, day=day),
            )


def _waiting(connection: Connection, asked: Asked) -> Counter[Key]:
    of = (deliveries.c.recipient, deliveries.c.case, deliveries.c.channel)
    query = select(*of, func.count()).where(WAITS, deliveries.c.channel.in_(PAPER)).group_by(*of)
    if asked.campaign:
        query = query.where(deliveries.c.campaign == asked.campaign)
    return Counter(
        {(slug, case, by): number for slug, case, by, number in connection.execute(query)}
    )


def _offered(catalogue: Catalogue, asked: Asked) -> Iterator[Key]:
    """What supporters can ask for, whether or not anything waits."""
    for case in catalogue.cases.values():
        if asked.campaign not in {None, case.campaign}:
            continue
        for channel in (Channel.LETTER, Channel.POSTCARD):
            if channel in case.policy.channels:
                for slug in (*case.authorities, *case.solidarity):
                    yield slug, case.slug, channel
