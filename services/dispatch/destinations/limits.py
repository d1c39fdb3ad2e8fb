"""What stands against posting to a place on a day: suspensions, and what a person must release.

In: the table `route_limits`, which import_list.py writes.  Out: `RouteLimit`s, and whether one
concerns a place, a product and a vendor.  A suspension goes before a restriction.
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, func, or_, select

from services.dispatch.providers.capability import Format
from shared.catalogue import Channel, Recipient
from shared.countries import country_line
from shared.tables.routes import LimitKind, Product, route_limits

#: How the reason begins of what is held for one; by it, it is found again.
HELD: Final = {
    LimitKind.SUSPENDED: "The destination is suspended. ",
    LimitKind.RESTRICTED: "The destination is restricted. ",
}
_COLUMNS: Final = 40


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is posted to, as far as posts tell places apart."""

    country: str
    region: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One line of the list.  None: whichever it is."""

    country: str
    region: str | None
    vendor: str | None
    product: Product | None
    kind: LimitKind
    starts: dt.date
    ends: dt.date | None  # its last day; None: until further notice
    reason: str
    source: str
    noted_by: str = field(compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteLimit:
    """A rule that was noted."""

    id: UUID
    rule: Rule
    noted_at: dt.datetime
    dropped_at: dt.datetime | None

    def concerns(self, place: Place, product: Product, vendor: str | None) -> bool:
        """`vendor` None: nobody knows yet who prints it, and only what holds for all concerns it.

        A limit of a region does not concern an address that names none.
        """
        rule = self.rule
        return (
            rule.country == place.country
            and rule.region in {None, place.region}
            and rule.vendor in {None, vendor}
            and rule.product in {None, product}
        )

    @property
    def scope(self) -> str:
        """What it holds for: "IRAN, letter, by lob"."""
        rule = self.rule
        where = country_line(rule.country, columns=_COLUMNS)
        parts = (
            f"{where} ({rule.region})" if rule.region else where,
            rule.product,
            f"by {rule.vendor}" if rule.vendor else None,
        )
        return ", ".join(filter(None, parts))

    @property
    def head(self) -> str:
        """How the reasons begin of what it holds, and of nothing else."""
        return f"{HELD[self.rule.kind]}{self.scope}: "

    def said(self) -> str:
        rule = self.rule
        until = f"until {rule.ends:%d %B %Y}" if rule.ends else "until further notice"
        return f"{rule.reason} (since {rule.starts:%d %B %Y}, {until}; {rule.source})"


def place_of(recipient: Recipient | None, day: dt.date) -> Place | None:
    """Where paper for a recipient goes on that day; None: nowhere is known."""
    postal = recipient.address_on(day) if recipient else None
    return Place(postal.country, postal.region) if postal else None


def product_of(channel: str, carrier: str = "single", format_: Format | None = None) -> Product:
    if carrier == "bundle" or channel == Channel.PETITION:
        return Product.PARCEL
    is_card = format_ in {Format.POSTCARD_A6, Format.POSTCARD_4X6} or channel == Channel.POSTCARD
    return Product.POSTCARD if is_card else Product.LETTER


def in_force(connection: Connection, day: dt.date) -> list[RouteLimit]:
    """Those of that day, suspensions first; of restrictions the one that was noted last."""
    table = route_limits.c
    found = read(
        connection,
        table.dropped_at.is_(None),
        table.starts <= day,
        or_(table.ends.is_(None), table.ends >= day),
    )
    return sorted(
        found, key=lambda one: (one.rule.kind is LimitKind.RESTRICTED, -one.noted_at.timestamp())
    )


def first(
    limits: Iterable[RouteLimit], place: Place, product: Product, vendor: str | None = None
) -> RouteLimit | None:
    """The one that decides."""
    return next((one for one in limits if one.concerns(place, product, vendor)), None)


def read(connection: Connection, *where: object) -> Sequence[RouteLimit]:
    """In the order of the list: by country, the oldest first."""
    table = route_limits.c
    rows = connection.execute(
        select(route_limits)
        .where(*where)  # type: ignore[arg-type]
        .order_by(table.country, table.starts, table.noted_at, table.id)
    )
    return [_limit(dict(row._mapping)) for row in rows]


def stamp(connection: Connection) -> tuple[object, ...]:
    """Another after every import; asking costs nothing."""
    table = route_limits.c
    numbers = select(func.count(), func.max(table.noted_at), func.max(table.dropped_at))
    return tuple(connection.execute(numbers).one())


def _limit(row: dict[str, object]) -> RouteLimit:
    own = {name: row.pop(name) for name in ("id", "noted_at", "dropped_at")}
    row["kind"] = LimitKind(str(row["kind"]))
    row["product"] = Product(str(row["product"])) if row["product"] else None
    return RouteLimit(rule=Rule(**row), **own)  # type: ignore[arg-type]
