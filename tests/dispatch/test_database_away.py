"""The database dies in the middle of a call: its result is kept in hand until it is back."""

import threading
from collections.abc import Iterator
from pathlib import Path

import dramatiq
import pytest

from services.dispatch.actors import declare
from services.dispatch.providers.contract import Email, Letter, Taken
from shared.broker import make_broker
from shared.queues import EMAILS, publish
from shared.worker import start_worker
from tests.dispatch.builders import World
from tests.servers import BinariesMissing, PrivatePostgres

PATIENCE_S = 30


@pytest.fixture
def server() -> Iterator[PrivatePostgres]:
    """One of our own, for it is killed; what it committed must survive that."""
    try:
        postgres = PrivatePostgres()
    except BinariesMissing as missing:
        pytest.skip(str(missing))
    with postgres:
        yield postgres


@pytest.fixture
def world(server: PrivatePostgres, tmp_path: Path) -> Iterator[World]:
    with World.on(server.fresh_database(), tmp_path) as made:
        yield made


@pytest.fixture
def broker(world: World) -> Iterator[dramatiq.Broker]:
    """One worker thread that delivers on the world's desk."""
    broker = make_broker("stub://")
    declare(broker, world.desk())
    worker = start_worker(broker, queues=[EMAILS.queue], threads=1)
    yield broker
    worker.stop()
    broker.close()


def test_a_result_waits_for_the_database_and_meanwhile_nothing_more_is_taken(
    world: World, server: PrivatePostgres, broker: dramatiq.Broker
) -> None:
    first, second = world.a_delivery(), world.a_delivery()
    called = threading.Event()

    def kills(_: Email | Letter) -> Taken:
        server.kill9()
        called.set()
        return Taken(provider_id="m-1")

    world.emails.script = [kills]

    publish(broker, EMAILS, [first])
    publish(broker, EMAILS, [second])
    assert called.wait(PATIENCE_S)
    threading.Event().wait(0.5)  # time enough to take the second, if it would
    meanwhile = list(world.emails.calls)
    server.start()
    broker.join(EMAILS.queue, timeout=PATIENCE_S * 1000)

    assert meanwhile == [first]
    assert world.emails.calls == [first, second]
    assert world.delivery(first).provider_id == "m-1"
    assert {world.delivery(one).state for one in (first, second)} == {"handed_over"}
