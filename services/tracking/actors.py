"""The actor that tends what waits: it settles unknowns, reacts to bounces, forgets who was erased.

The relay wakes it.  It looks for itself, so a lost or doubled wake-up changes nothing.
"""

import datetime as dt

import dramatiq

from services.tracking.forget import forget
from services.tracking.inbound.expire import expire
from services.tracking.react import react
from services.tracking.resolve import resolve
from services.tracking.settings import Settings
from shared.catalogue_reader import CatalogueReader
from shared.clock import Clock, now
from shared.database import Database
from shared.queues import TEND


def declare(
    broker: dramatiq.Broker, database: Database, settings: Settings, *, clock: Clock = now
) -> None:
    """Makes `broker`'s workers in this process listen on the queue `tracking`."""
    margin = dt.timedelta(seconds=settings.unknown_margin_s)
    catalogue = CatalogueReader(database)

    @dramatiq.actor(broker=broker, queue_name=TEND.queue, actor_name=TEND.actor)
    def tend() -> None:
        resolve(database, margin, clock())
        react(database, clock())
        forget(database, clock())
        expire(database, catalogue.current(), clock())
