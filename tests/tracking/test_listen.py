"""Nothing leaves the queue before it is committed, and nothing wrong stops its neighbours."""

import datetime as dt
import json
import threading
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import cast
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, event, text

from services.tracking import listen
from services.tracking.listen import Listener, Message, QueueAway, wait_s
from services.tracking.receipts.contract import Receipt
from services.tracking.receipts.ses import reader
from services.tracking.take import Taker
from services.tracking.words import READING, ShownState
from services.tracking.worker import ListenerFell, run_listeners
from shared.clock import new_id
from shared.database import Database
from shared.tables.tracking import events, receipts
from tests.tracking.builders import KEYRING, TOPIC, a_database, noon
from tests.tracking.projection import project
from tests.tracking.receipts.signing import an_envelope, payload
from tests.tracking.test_record import count
from tests.tracking.test_take import a_taker, state_of

READ = reader(frozenset({TOPIC}), None)
FOREIGN = "arn:aws:sns:eu-central-1:999999999999:theirs"


@dataclass
class AQueue:
    """A queue in memory.  A message that was given comes again at once when it is not deleted."""

    waiting: list[Message] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    given: list[str] = field(default_factory=list)
    fails: list[str] = field(default_factory=list)  # calls that fail, each once
    at_once: int = 10
    before_deleting: Callable[[Collection[str]], None] = lambda _: None

    def receive(self, *, wait: bool) -> Sequence[Message]:
        self._may_fail("receive")
        found = [one for one in self.waiting if wait or one.id not in self.given][: self.at_once]
        if not found and wait:
            time.sleep(0.01)
        self.given += [one.id for one in found]
        return found

    def delete(self, messages: Sequence[Message]) -> None:
        self._may_fail("delete")
        self.before_deleting([one.id for one in messages])
        self.deleted += [one.id for one in messages]
        self.waiting = [one for one in self.waiting if one.id not in self.deleted]

    def _may_fail(self, call: str) -> None:
        if call in self.fails:
            self.fails.remove(call)
            raise QueueAway(call)


def a_message(body: bytes) -> Message:
    id_ = str(uuid4())
    return Message(id=id_, handle=f"handle of {id_}", body=body)


def an_event(delivery_id: UUID | None = None, kind: str = "delivery", **changes: str) -> Message:
    """SES's event of a delivery, in SNS's envelope."""
    said = json.loads(payload(f"ses/{kind}.json"))
    said["mail"]["tags"]["delivery_id"] = [str(delivery_id or new_id())]
    return a_message(an_envelope(json.dumps(said), MessageId=str(uuid4()), **changes))


def hear(queue: AQueue, taker: Taker, *, until: Callable[[], bool]) -> Listener:
    """Lets one listener run until that is so."""
    listener, stop = Listener(queue, READ, taker), threading.Event()
    thread = threading.Thread(target=listener.run, args=(stop,))
    thread.start()
    end = time.monotonic() + 20
    while not until() and time.monotonic() < end:
        time.sleep(0.005)
    stop.set()
    thread.join()
    assert until(), "waited in vain"
    return listener


@pytest.fixture(autouse=True)
def without_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listen, "FIRST_WAIT_S", 0.01)
    monkeypatch.setattr(listen, "GATHER_S", 0)


def test_what_the_queue_brings_is_recorded_and_deleted(database: Database) -> None:
    delivery = new_id()
    queue = AQueue([an_event(delivery), an_event(), an_event(kind="bounce_permanent")])

    hear(queue, a_taker(database), until=lambda: not queue.waiting)

    assert state_of(database, delivery) == ShownState.DELIVERED
    assert (count(database, receipts), count(database, events)) == (3, 3)


def test_a_message_is_deleted_only_after_its_receipt_is_committed(database: Database) -> None:
    committed: list[int] = []
    queue = AQueue([an_event() for _ in range(4)])
    queue.before_deleting = lambda _: committed.append(count(database, receipts))

    hear(queue, a_taker(database), until=lambda: not queue.waiting)

    assert committed == [4]


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"no JSON", b"[]", b'"text"', b"{}", b"\xff\xfe", "{}".encode("utf-16")),
        b"[" * 200_000,
        b'{"Type": "Notification"}',
        an_envelope(TopicArn=FOREIGN),
        an_envelope(MessageId=None),
        an_envelope(Type="Greeting"),
    ],
)
def test_what_cannot_be_read_stays_and_stops_none_beside_it(
    body: bytes, small_database: Database
) -> None:
    strange, good = a_message(body), [an_event(), an_event()]
    queue = AQueue([good[0], strange, good[1]])

    hear(queue, a_taker(small_database), until=lambda: len(queue.deleted) == 2)

    assert queue.waiting == [strange]
    assert count(small_database, receipts) == 2


def test_what_cannot_be_stored_stays_and_stops_none_beside_it(database: Database) -> None:
    good = [an_event(), an_event()]
    strange = an_event()
    queue = AQueue([good[0], strange, good[1]])

    def read(body: bytes) -> Receipt | None:
        receipt = READ(body)
        assert receipt is not None
        return replace(receipt, body="\ud800") if body == strange.body else receipt

    listener, stop = Listener(queue, read, a_taker(database)), threading.Event()
    queue.before_deleting = lambda ids: stop.set() if good[1].id in ids else None
    listener.run(stop)

    assert queue.waiting == [strange]
    assert count(database, receipts) == 2


def test_the_greeting_of_a_new_topic_is_deleted_and_nothing_is_recorded(
    small_database: Database,
) -> None:
    greeting = "Successfully validated SNS topic for Amazon SES event publishing."
    queue = AQueue([a_message(an_envelope(greeting))])

    hear(queue, a_taker(small_database), until=lambda: not queue.waiting)

    assert count(small_database, receipts) == 0


def test_the_same_message_twice_is_recorded_once(database: Database) -> None:
    first = an_event()
    queue = AQueue([first, a_message(first.body)])

    hear(queue, a_taker(database), until=lambda: not queue.waiting)

    assert (count(database, receipts), count(database, events)) == (1, 1)


def test_while_the_database_is_away_nothing_is_deleted_and_nothing_fetched_in_vain(
    small_database: Database,
) -> None:
    away = Database("postgresql+psycopg://writ@127.0.0.1:1/writ", KEYRING)
    tried: list[int] = []
    event.listen(away.engine, "do_connect", lambda *_: tried.append(1))
    queue = AQueue([an_event() for _ in range(3)])

    hear(queue, a_taker(away), until=lambda: len(tried) >= 5)

    assert (queue.deleted, len(queue.given)) == ([], 3)
    hear(queue, a_taker(small_database), until=lambda: not queue.waiting)
    assert count(small_database, receipts) == 3
    away.close()


def test_connections_that_the_server_ends_are_made_anew(postgres_url: str) -> None:
    database = a_database(postgres_url)
    with database.begin() as connection:
        mine = connection.scalar(text("SELECT pg_backend_pid()"))
    other = create_engine(postgres_url)
    with other.connect() as connection:
        connection.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": mine})
    other.dispose()
    queue = AQueue([an_event()])

    hear(queue, a_taker(database), until=lambda: not queue.waiting)

    assert count(database, receipts) == 1
    database.close()


@pytest.mark.parametrize("call", ["receive", "delete"])
def test_a_queue_that_fails_is_asked_again(call: str, small_database: Database) -> None:
    queue = AQueue([an_event()], fails=[call] * 3)

    hear(queue, a_taker(small_database), until=lambda: not queue.waiting)

    assert queue.fails == []
    assert count(small_database, receipts) == 1


def test_many_that_wait_are_recorded_together(small_database: Database) -> None:
    queue, commits = AQueue([an_event() for _ in range(125)]), []
    queue.before_deleting = lambda ids: commits.append(len(ids))

    hear(queue, a_taker(small_database), until=lambda: not queue.waiting)

    assert commits == [100, 25]
    assert count(small_database, receipts) == 125


def test_what_is_in_hand_at_the_end_is_done(small_database: Database) -> None:
    queue, stop = AQueue([an_event() for _ in range(5)]), threading.Event()
    taker = a_taker(small_database)

    def in_the_middle() -> dt.datetime:
        stop.set()
        return noon()

    Listener(queue, READ, replace(taker, clock=in_the_middle)).run(stop)

    assert queue.waiting == []
    assert count(small_database, receipts) == 5


def test_the_end_waits_for_no_poll_and_what_that_brings_is_left(small_database: Database) -> None:
    queue, stop = _Slow([an_event()]), threading.Event()
    listener = Listener(queue, READ, a_taker(small_database))
    thread = threading.Thread(target=listener.run, args=(stop,))
    thread.start()
    queue.polled.wait()

    stop.set()
    listener.finish()

    assert thread.is_alive()
    queue.answer.set()
    thread.join()
    assert len(queue.waiting) == 1
    assert count(small_database, receipts) == 0


@pytest.mark.parametrize(("messages", "asked_again"), [(3, False), (listen.ENOUGH, True)])
def test_who_emptied_the_queue_lets_more_gather_before_asking_again(
    small_database: Database,
    monkeypatch: pytest.MonkeyPatch,
    messages: int,
    asked_again: bool,
) -> None:
    monkeypatch.setattr(listen, "GATHER_S", 60)
    queue = _Counting([an_event() for _ in range(messages)])

    hear(
        queue,
        a_taker(small_database),
        until=lambda: not queue.waiting and queue.polls >= 1 + asked_again,
    )

    assert (queue.polls > 1) is asked_again


class _Counting(AQueue):
    polls = 0

    def receive(self, *, wait: bool) -> Sequence[Message]:
        self.polls += wait
        return super().receive(wait=wait)


class _Slow(AQueue):
    """Answers when it is told to."""

    def __init__(self, waiting: list[Message]) -> None:
        super().__init__(waiting)
        self.polled, self.answer = threading.Event(), threading.Event()

    def receive(self, *, wait: bool) -> Sequence[Message]:
        self.polled.set()
        self.answer.wait()
        return super().receive(wait=wait)


def test_a_listener_that_falls_ends_the_process() -> None:
    def read(_body: bytes) -> Receipt | None:
        raise KeyError("a fault of ours")

    stop = threading.Event()
    taker = cast(Taker, None)
    listeners = [Listener(AQueue([an_event()]), read, taker), Listener(AQueue(), READ, taker)]

    with pytest.raises(ListenerFell):
        run_listeners(listeners, stop)

    assert stop.is_set()


def test_whatever_order_and_however_often_they_come_the_state_is_the_same(
    database: Database,
) -> None:
    kinds = ("send", "delivery", "delivery_delay", "bounce_permanent", "complaint", "open")

    @settings(max_examples=10, deadline=None)
    @given(
        told=st.lists(st.sampled_from(kinds), min_size=1, max_size=12),
        at_once=st.integers(1, 10),
    )
    def check(told: list[str], at_once: int) -> None:
        delivery = new_id()
        queue = AQueue([an_event(delivery, kind) for kind in told], at_once=at_once)

        hear(queue, a_taker(database), until=lambda: not queue.waiting)

        facts = [receipt.fact for kind in told if (receipt := READ(an_event(kind=kind).body))]
        expected = project(one for one in facts if one and one.word not in READING)
        assert state_of(database, delivery) == (expected and expected.state)

    check()


def test_waits_double_up_to_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listen, "FIRST_WAIT_S", 1.0)

    assert [wait_s(failures) for failures in (1, 2, 3, 7, 10_000)] == [1.0, 2.0, 4.0, 60.0, 60.0]
