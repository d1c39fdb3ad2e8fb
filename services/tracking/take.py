"""Takes receipts in, whichever way they came: all in one transaction, or none.

In: Receipts.  Out: what became of each; None where nothing was to be kept.  Who reads an email is
followed only where its campaign asks for it: else no trace is kept that it was opened or clicked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy import Connection, select, text

from services.tracking.receipts.contract import Receipt
from services.tracking.record import Recorded, record_many
from services.tracking.words import READING
from shared.catalogue_reader import CatalogueReader
from shared.clock import Clock
from shared.database import Database
from shared.tables.dispatch import deliveries


@dataclass(frozen=True, slots=True, kw_only=True)
class Taker:
    """One for a process; safe on any thread."""

    database: Database
    catalogue: CatalogueReader
    clock: Clock

    def take(self, given: Sequence[Receipt]) -> list[Recorded | None]:
        """Returns when they are committed, in the order given.  Raises the database's errors."""
        asking = self._asking() if any(map(_is_reading, given)) else frozenset()
        with self.database.begin() as connection:
            named = _with_their_deliveries(connection, given)
            kept = _asked_for(connection, named, asking)
            wanted = [one for one, keep in zip(named, kept, strict=True) if keep]
            recorded = iter(record_many(connection, wanted, self.clock()))
            return [next(recorded) if keep else None for keep in kept]

    def reach(self) -> None:
        """Returns when the database answers.  Raises its errors."""
        with self.database.read() as connection:
            connection.execute(text("SELECT 1"))

    def _asking(self) -> frozenset[str]:
        """The campaigns that ask who reads."""
        known = self.catalogue.current().campaigns
        return frozenset(slug for slug, campaign in known.items() if campaign.follow_reading)


def _asked_for(
    connection: Connection, given: Sequence[Receipt], asking: frozenset[str]
) -> list[bool]:
    """Of each, whether it is to be kept."""
    about = {one.delivery_id for one in given if _is_reading(one)}
    campaigns = _campaigns(connection, about) if about and asking else {}
    return [not _is_reading(one) or campaigns.get(one.delivery_id) in asking for one in given]


def _is_reading(receipt: Receipt) -> bool:
    return receipt.fact is not None and receipt.fact.word in READING


def _campaigns(connection: Connection, delivery_ids: set[UUID | None]) -> Mapping[UUID | None, str]:
    query = select(deliveries.c.id, deliveries.c.campaign).where(
        deliveries.c.id.in_(delivery_ids - {None})
    )
    return {row.id: row.campaign for row in connection.execute(query)}


def _with_their_deliveries(connection: Connection, given: Sequence[Receipt]) -> Sequence[Receipt]:
    """Those that carry no id of ours, as SES's older notifications, named by the provider's."""
    theirs = {key for one in given if (key := _provider_key(one)) is not None}
    if not theirs:
        return given
    query = select(deliveries.c.provider, deliveries.c.provider_id, deliveries.c.id).where(
        deliveries.c.provider_id.in_(sorted({provider_id for _, provider_id in theirs}))
    )
    found: dict[tuple[str, str] | None, UUID] = {
        (row.provider, row.provider_id): row.id for row in connection.execute(query)
    }
    return [
        replace(one, delivery_id=found.get(_provider_key(one)) or one.delivery_id) for one in given
    ]


def _provider_key(receipt: Receipt) -> tuple[str, str] | None:
    """What the provider calls the delivery; only of a receipt that would else tell of none."""
    fact = receipt.fact
    if receipt.delivery_id is not None or fact is None or fact.provider_id is None:
        return None
    return receipt.source, fact.provider_id
