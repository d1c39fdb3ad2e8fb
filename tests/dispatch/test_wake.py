"""Due rows are woken once, in small messages, each channel within its own bound."""

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

import dramatiq
import pytest
from dramatiq.brokers.stub import StubBroker
from sqlalchemy import func, select

from services.dispatch.recover import forget_lost_wakes
from services.dispatch.wake import mark_due, publish_marked
from shared.broker import make_broker
from shared.queues import EMAILS, LETTERS, MAX_IDS, Wake
from shared.tables.dispatch import deliveries
from tests.dispatch.builders import NOON, World

AWAY: Callable[[str], Exception] = dramatiq.BrokerConnectionError
QUEUES = {"email": EMAILS, "letter": LETTERS}


class Recording(StubBroker):
    """Takes `good` messages and then is away."""

    def __init__(self, good: int = 10**6) -> None:
        super().__init__(middleware=[])
        self.good = good
        self.messages: list[dramatiq.Message[None]] = []

    def enqueue(
        self, message: dramatiq.Message[None], *, delay: int | None = None
    ) -> dramatiq.Message[None]:
        if len(self.messages) >= self.good:
            raise AWAY("away")
        self.messages.append(message)
        return message

    def ids(self) -> Sequence[str]:
        return [one for message in self.messages for one in message.args[0]]


def wake(world: World, broker: dramatiq.Broker, channel: str = "email", backlog: int = 2000) -> int:
    queue: Wake = QUEUES[channel]
    with world.database.begin() as connection:
        ids = mark_due(connection, channel=channel, now=NOON, backlog=backlog)
    publish_marked(world.database, broker, queue, ids, size=20)
    return len(ids)


def due(world: World, number: int, channel: str = "email") -> list[str]:
    """So many, due and not woken; made by copying one."""
    one = world.a_delivery(woken_at=None, channel=channel)
    [row] = world.rows(deliveries, deliveries.c.id == one)
    same = {name: value for name, value in row._mapping.items() if name not in {"seq", "xact"}}
    copies = [same | {"id": UUID(int=one.int + n)} for n in range(1, number)]
    if copies:
        with world.database.begin() as connection:
            connection.execute(deliveries.insert(), copies)
    return [str(one), *(str(row["id"]) for row in copies)]


def woken(world: World, channel: str = "email") -> int:
    counted = select(func.count()).where(
        deliveries.c.woken_at.is_not(None), deliveries.c.channel == channel
    )
    with world.database.read() as connection:
        return connection.scalar(counted) or 0


@pytest.mark.parametrize("number", [1, 7, 100, 1001])
def test_what_is_due_is_published_once_in_messages_of_at_most_a_hundred(
    number: int, small_world: World
) -> None:
    wanted, broker = due(small_world, number), Recording()

    first, second = wake(small_world, broker), wake(small_world, broker)

    assert (first, second) == (number, 0)
    assert sorted(broker.ids()) == sorted(wanted)
    assert max(len(message.args[0]) for message in broker.messages) <= MAX_IDS


def test_a_message_names_its_actor_and_holds_ids_only(small_world: World) -> None:
    [one], broker = due(small_world, 1, "letter"), Recording()

    wake(small_world, broker, "letter")

    [message] = broker.messages
    assert (message.queue_name, message.actor_name) == ("letters", "deliver_letters")
    assert (message.args, message.kwargs) == (([one],), {})


@pytest.mark.parametrize(
    "changes",
    [
        {"next_attempt_at": NOON + dt.timedelta(microseconds=1)},
        {"held_reason": "looks"},
        {"state": "unknown"},
        {"state": "sending"},
        {"state": "cancelled"},
        {"channel": "letter"},
    ],
)
def test_what_is_not_due_is_not_woken(changes: dict[str, Any], small_world: World) -> None:
    small_world.a_delivery(words="w", **{"woken_at": None} | changes)

    assert wake(small_world, Recording()) == 0


def test_who_has_waited_longest_is_woken_first(small_world: World) -> None:
    minutes = [dt.timedelta(minutes=n) for n in (1, 3, 2)]
    ids = [small_world.a_delivery(woken_at=None, next_attempt_at=NOON - n) for n in minutes]
    broker = Recording()

    wake(small_world, broker, backlog=2)

    assert broker.ids() == [str(ids[1]), str(ids[2])]


def test_no_more_wait_on_a_queue_than_its_backlog(world: World) -> None:
    due(world, 30)

    number = [wake(world, Recording(), backlog=20) for _ in range(2)]

    assert number == [20, 0]
    assert woken(world) == 20


def test_one_channels_backlog_does_not_starve_another(world: World) -> None:
    due(world, 30, "letter")
    due(world, 5, "email")

    number = [wake(world, Recording(), channel, backlog=20) for channel in ("letter", "email")]

    assert number == [20, 5]


@pytest.mark.parametrize("good", [0, 1])
def test_what_a_broken_broker_did_not_take_stays_due(good: int, world: World) -> None:
    wanted, broken = due(world, 40), Recording(good)

    with pytest.raises(dramatiq.BrokerConnectionError):
        wake(world, broken)
    back = Recording()
    wake(world, back)

    assert woken(world) == 40
    assert sorted([*broken.ids(), *back.ids()]) == sorted(wanted)


def test_what_a_broken_broker_did_not_take_and_was_claimed_meanwhile_is_left_alone(
    small_world: World,
) -> None:
    one = small_world.a_delivery(woken_at=None)

    class Late(Recording):
        """Says it failed, and delivered all the same."""

        def enqueue(
            self, message: dramatiq.Message[None], *, delay: int | None = None
        ) -> dramatiq.Message[None]:
            small_world.deliver(one)
            raise AWAY("no confirm came")

    with pytest.raises(dramatiq.BrokerConnectionError):
        wake(small_world, Late())

    assert small_world.delivery(one).state == "handed_over"


def test_a_lost_wake_up_is_made_again(world: World) -> None:
    wanted = due(world, 3)
    wake(world, Recording())
    with world.database.begin() as connection:
        later = NOON + dt.timedelta(seconds=121)
        forget_lost_wakes(connection, later, rewake_s=120)
    again = Recording()

    wake(world, again)

    assert sorted(again.ids()) == sorted(wanted)


def test_two_relays_wake_each_row_once(postgres_world: World) -> None:
    world = postgres_world
    wanted = due(world, 10)
    first, second = Recording(), Recording()

    class Slow(Recording):
        def enqueue(
            self, message: dramatiq.Message[None], *, delay: int | None = None
        ) -> dramatiq.Message[None]:
            wake(world, second)
            return first.enqueue(message)

    wake(world, Slow())

    assert sorted([*first.ids(), *second.ids()]) == sorted(wanted)


def test_every_queue_is_there_before_the_first_message() -> None:
    broker = make_broker("stub://")

    assert {"emails", "letters", "tracking"} <= set(broker.get_declared_queues())
    broker.close()
