"""The actor that tends what waits: it settles unknown attempts and forgets who was erased.

The relay wakes it.  It looks for itself, so a lost or doubled wake-up changes nothing.
"""

import datetime as dt

import dramatiq

from services.tracking.forget import forget
from services.tracking.resolve import resolve
from services.tracking.settings import Settings
from shared.clock import Clock, now
from shared.database import Database
from shared.queues import TEND


def declare(
    broker: dramatiq.Broker, database: Database, settings: Settings, *, clock: Clock = now
) -> None:
    """Makes `broker`'s workers in this process listen on the queue `tracking`."""
    margin = dt.timedelta(seconds=settings.unknown_margin_s)

    @dramatiq.actor(broker=broker, queue_name=TEND.queue, actor_name=TEND.actor)
    def tend() -> None:
        resolve(database, margin, clock())
        forget(database, clock())
