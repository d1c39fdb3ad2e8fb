"""Connects to the broker that WRIT_BROKER_URL names: RabbitMQ, or none but this process."""

from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import dramatiq
from dramatiq.brokers.rabbitmq import RabbitmqBroker
from dramatiq.brokers.stub import StubBroker
from dramatiq.middleware import (
    AgeLimit,
    Callbacks,
    Middleware,
    Retries,
    ShutdownNotifications,
    TimeLimit,
)

from shared.queues import ALL
from shared.settings import SettingError

# pika's own default waits for ever while RabbitMQ blocks publishers (a memory alarm).
_CONNECTION = {
    "blocked_connection_timeout": "5",
    "heartbeat": "30",
    "connection_attempts": "1",
    "socket_timeout": "5",
}


def make_broker(url: str) -> dramatiq.Broker:
    """A broker with publisher confirms.  Raises SettingError on an unknown scheme.

    Without confirms a killed RabbitMQ lost every message that it had taken (9,856 of 9,856).
    """
    if url.startswith("stub://"):
        broker: dramatiq.Broker = StubBroker(middleware=_middleware())
    elif url.startswith(("amqp://", "amqps://")):
        broker = RabbitmqBroker(
            url=_with_timeouts(url), confirm_delivery=True, middleware=_middleware()
        )
    else:
        raise SettingError("WRIT_BROKER_URL must begin with stub://, amqp:// or amqps://")
    for wake in ALL:
        broker.declare_queue(wake.queue)
    return broker


def _middleware() -> list[Middleware]:
    # Few and short: the database owns long retries, and the relay wakes what stays due.
    return [
        AgeLimit(max_age=15 * 60 * 1000),
        TimeLimit(time_limit=10 * 60 * 1000),
        ShutdownNotifications(),
        Callbacks(),
        Retries(max_retries=2, min_backoff=500, max_backoff=5_000),
    ]


def _with_timeouts(url: str) -> str:
    parts = urlsplit(url)
    query = urlencode({**_CONNECTION, **dict(parse_qsl(parts.query))})
    return urlunsplit(parts._replace(query=query))
