"""The relay as a whole: it outlives its broker, and nothing that is due is lost meanwhile."""

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import dramatiq
import pytest
import structlog
from dramatiq.brokers.rabbitmq import RabbitmqBroker
from structlog.testing import capture_logs

from services.dispatch import lanes, recover
from services.dispatch.documents import Documents
from services.dispatch.relay import Relay, WayOut
from shared.broker import make_broker
from shared.clock import now
from shared.queues import EMAILS, LETTERS, TEND
from shared.tables.dispatch import deliveries
from tests.dispatch.builders import NOON, World, dispatch_settings
from tests.dispatch.test_forget import erased
from tests.dispatch.test_reroute import CORRECTED, NEW_KEY
from tests.dispatch.test_stops import stop, waits
from tests.servers import BinariesMissing, PrivateRabbit


def a_relay(world: World, broker: dramatiq.Broker) -> Relay:
    return Relay(
        dispatch_settings(world.data_dir),
        world.database,
        broker,
        catalogue=lambda: world.catalogue,
        ways={"email": WayOut(EMAILS, "ses"), "letter": WayOut(LETTERS, "print_vendor")},
        documents=Documents(world.data_dir),
        clock=world.clock,
    )


def waiting(broker: dramatiq.Broker, queue: str = EMAILS.queue) -> int:
    """Messages that lie on a queue."""
    if isinstance(broker, RabbitmqBroker):
        try:
            return int(broker.get_queue_message_counts(queue)[0])
        except Exception:  # the line broke with the server: the next look opens another
            del broker.connection
            return -1
    return int(broker.queues[queue].qsize())


@pytest.fixture
def stub() -> Iterator[dramatiq.Broker]:
    broker = make_broker("stub://")
    yield broker
    broker.close()


def test_one_round_plans_and_wakes(world: World, stub: dramatiq.Broker) -> None:
    for channel in ("email", "email", "letter"):
        world.an_action(channel=channel)

    more = a_relay(world, stub).tick()

    assert more is False
    assert (waiting(stub), waiting(stub, LETTERS.queue)) == (1, 1)
    assert all(row.woken_at for row in world.rows(deliveries))


def test_a_second_round_wakes_nothing_again(world: World, stub: dramatiq.Broker) -> None:
    world.an_action()
    relay = a_relay(world, stub)
    relay.tick()

    relay.tick()

    assert waiting(stub) == 1


def test_commands_are_obeyed_before_anything_is_woken(
    small_world: World, stub: dramatiq.Broker
) -> None:
    one = small_world.a_delivery(woken_at=None)
    small_world.a_command("cancel", one)

    a_relay(small_world, stub).tick()

    assert waiting(stub) == 0
    assert small_world.delivery(one).state == "cancelled"


def test_what_was_left_behind_is_tended_every_second(
    small_world: World, stub: dramatiq.Broker
) -> None:
    relay = a_relay(small_world, stub)
    lost = small_world.a_delivery()
    small_world.clock.pass_s(121)

    relay.tick()

    assert waiting(stub) == 1
    assert small_world.delivery(lost).woken_at == small_world.clock()


def test_a_round_that_is_rolled_back_sends_nothing_to_a_corrected_mailbox_for_good(
    small_world: World, stub: dramatiq.Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivery = waits(small_world)
    stop(small_world)
    small_world.catalogue = CORRECTED
    relay = a_relay(small_world, stub)

    def breaks(*_: object) -> bool:
        raise InterruptedError

    small_world.clock.pass_s(6)
    with monkeypatch.context() as broken:
        broken.setattr(recover, "any_on_their_way", breaks)
        with pytest.raises(InterruptedError):
            relay.tick()
    assert small_world.delivery(delivery).mailbox != NEW_KEY

    relay.tick()
    small_world.clock.pass_s(2)
    relay.tick()

    assert small_world.delivery(delivery).mailbox == NEW_KEY


def test_tracking_is_woken_while_anything_is_unknown(
    small_world: World, stub: dramatiq.Broker
) -> None:
    relay = a_relay(small_world, stub)
    small_world.an_unknown()
    small_world.clock.pass_s(5)

    relay.tick()
    relay.tick()

    assert waiting(stub, TEND.queue) == 1


def test_what_was_erased_is_forgotten_and_tracking_is_told(
    world: World, stub: dramatiq.Broker
) -> None:
    delivery = world.a_delivery()
    erased(world, delivery)
    relay = a_relay(world, stub)

    world.clock.pass_s(5)
    relay.tick()

    assert world.delivery(delivery).state == "cancelled"
    assert waiting(stub, TEND.queue) == 1


def test_a_document_that_cannot_be_deleted_stops_no_letter(
    small_world: World, stub: dramatiq.Broker
) -> None:
    gone = small_world.a_delivery(state="handed_over", attempts=1)
    small_world.an_attempt(gone, state="sent", document="a-folder")
    (small_world.data_dir / "documents" / "a-folder").mkdir(parents=True)
    erased(small_world, gone)
    small_world.an_action()
    relay = a_relay(small_world, stub)
    small_world.clock.pass_s(5)

    with structlog.testing.capture_logs() as logs:
        relay.tick()

    assert waiting(stub) == 1
    assert [one["event"] for one in logs if one["log_level"] == "error"] == [
        "documents_not_deleted"
    ]
    assert small_world.attempts(gone)[0].document == "a-folder"


def test_a_channel_without_a_way_out_waits(small_world: World, stub: dramatiq.Broker) -> None:
    letter = small_world.a_delivery(channel="letter", woken_at=None)
    relay = Relay(
        dispatch_settings(small_world.data_dir, vendor=None),
        small_world.database,
        stub,
        catalogue=lambda: small_world.catalogue,
        ways={"email": WayOut(EMAILS, "ses")},
        documents=Documents(small_world.data_dir),
        clock=small_world.clock,
    )

    relay.tick()

    assert small_world.delivery(letter).woken_at is None


def test_publisher_confirms_are_on(rabbit_url: str) -> None:
    broker = make_broker(rabbit_url)

    assert isinstance(broker, RabbitmqBroker)
    assert broker.confirm_delivery is True
    assert broker.channel._delivery_confirmation is True
    broker.close()


@pytest.fixture
def server() -> Iterator[PrivateRabbit]:
    """One of our own, not started yet."""
    try:
        rabbit = PrivateRabbit()
    except BinariesMissing as missing:
        pytest.skip(str(missing))
    yield rabbit
    rabbit.close()


@contextmanager
def working(relay: Relay) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=relay.run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def test_rows_stay_due_while_rabbitmq_is_down_and_are_woken_once_it_is_up(
    small_world: World, server: PrivateRabbit
) -> None:
    small_world.clock.at = now()
    broker = make_broker(server.url)
    small_world.an_action()

    def woken() -> int:
        return sum(row.woken_at is not None for row in small_world.rows(deliveries))

    with capture_logs() as logs, working(a_relay(small_world, broker)):
        assert until(lambda: any(line["event"] == "broker_away" for line in logs))
        down = [row.woken_at for row in small_world.rows(deliveries)]
        server.start()
        assert until(lambda: waiting(broker) == 1)
        server.kill9()
        small_world.an_action()
        assert until(lambda: len(small_world.rows(deliveries)) == 2)
        logs.clear()
        assert until(lambda: bool(logs))
        assert until(lambda: woken() == 1)
        server.start()
        assert until(lambda: waiting(broker) == 2), "what was confirmed is on disk"

    assert down == [None]
    assert woken() == 2
    broker.close()


def until(holds: Callable[[], bool], patience_s: float = 30) -> bool:
    """Whether it came true in time."""
    pause = threading.Event()
    for _ in range(int(patience_s / 0.05)):
        if holds():
            return True
        pause.wait(0.05)
    return False


def test_nothing_is_woken_while_the_account_can_send_nothing(
    world: World, stub: dramatiq.Broker
) -> None:
    email = world.a_delivery(woken_at=None)
    letter = world.a_delivery(channel="letter", woken_at=None)
    with world.database.begin() as connection:
        lanes.hold(connection, "ses", NOON + dt.timedelta(minutes=15), "paused")

    a_relay(world, stub).tick()
    assert world.delivery(email).woken_at is None
    assert world.delivery(letter).woken_at is not None

    world.clock.pass_s(15 * 60)
    a_relay(world, stub).tick()
    assert world.delivery(email).woken_at is not None
