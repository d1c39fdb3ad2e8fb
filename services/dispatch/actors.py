"""What listens on the queues: thin actors that hand ids to the verb."""

from uuid import UUID

import dramatiq

from services.dispatch.deliver import Desk, deliver
from shared.queues import EMAILS, LETTERS, Wake


def declare(broker: dramatiq.Broker, desk: Desk) -> None:
    """Makes `broker` run deliveries.  Only a process that delivers declares them."""
    for wake in (EMAILS, LETTERS):
        _declare(broker, wake, desk)


def _declare(broker: dramatiq.Broker, wake: Wake, desk: Desk) -> None:
    # No limit of time: a result waits for the database to be written down, however long it is
    # away, and calls have timeouts of their own.
    @dramatiq.actor(
        broker=broker, queue_name=wake.queue, actor_name=wake.actor, time_limit=float("inf")
    )
    def hand_over(ids: list[str]) -> None:
        deliver([UUID(one) for one in ids], desk)
