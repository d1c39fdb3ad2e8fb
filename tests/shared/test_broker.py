"""The broker that a URL names, with confirms, and wake-ups that hold ids only."""

from typing import Any

import dramatiq
import pytest
from dramatiq.brokers.rabbitmq import RabbitmqBroker
from dramatiq.brokers.stub import StubBroker

from shared.broker import make_broker
from shared.clock import new_id
from shared.queues import ALL, EMAILS, MAX_IDS, TEND, publish
from shared.settings import SettingError


def test_the_embedded_broker_needs_no_server() -> None:
    broker = make_broker("stub://")

    assert isinstance(broker, StubBroker)
    assert {wake.queue for wake in ALL} <= set(broker.get_declared_queues())
    broker.close()


def test_rabbitmq_confirms_and_does_not_wait_for_ever() -> None:
    broker = make_broker("amqp://guest:guest@127.0.0.1:1/%2F?heartbeat=7")

    assert isinstance(broker, RabbitmqBroker)
    assert broker.confirm_delivery is True
    parameters: Any = broker.parameters
    assert parameters.blocked_connection_timeout == 5
    assert parameters.heartbeat == 7
    broker.close()


@pytest.mark.parametrize("url", ["", "redis://127.0.0.1", "http://127.0.0.1"])
def test_another_scheme_is_refused(url: str) -> None:
    with pytest.raises(SettingError, match="WRIT_BROKER_URL"):
        make_broker(url)


def test_a_wake_up_carries_ids_and_nothing_else() -> None:
    broker = make_broker("stub://")
    ids = [new_id() for _ in range(MAX_IDS)]

    publish(broker, EMAILS, ids)
    publish(broker, TEND)

    message, bare = (
        dramatiq.Message.decode(broker.queues[queue].get_nowait())
        for queue in ("emails", "tracking")
    )
    assert message.args == ([str(one) for one in ids],)
    assert (bare.args, bare.kwargs) == ((), {})
    broker.close()


def test_more_than_a_hundred_ids_are_no_wake_up() -> None:
    broker = make_broker("stub://")

    with pytest.raises(ValueError, match="101 ids in one wake-up, at most 100"):
        publish(broker, EMAILS, [new_id() for _ in range(MAX_IDS + 1)])
    broker.close()


def test_a_message_that_rabbitmq_took_lies_on_its_queue(rabbit_url: str) -> None:
    broker = make_broker(rabbit_url)
    assert isinstance(broker, RabbitmqBroker)

    publish(broker, EMAILS, [new_id()])

    assert broker.get_queue_message_counts(EMAILS.queue)[0] == 1
    broker.close()
