"""From facts to commands: each once, about the address really used, and never in test mode."""

import datetime as dt
import itertools
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from dramatiq.worker import Worker
from sqlalchemy import Row, insert, select, update

from services.dispatch.obey import obey
from services.tracking.actors import declare
from services.tracking.react import react
from services.tracking.record import record
from services.tracking.words import EventWord
from shared.broker import make_broker
from shared.catalogue import Catalogue
from shared.clock import new_id
from shared.database import Database
from shared.queues import TEND, publish
from shared.tables.dispatch import deliveries
from shared.tables.pacing import mailbox_key, stops
from shared.tables.tracking import commands, tracking_cursors
from tests.tracking.builders import NOON, a_delivery, a_fact, an_attempt, noon, some_settings
from tests.tracking.test_record import a_receipt

OFFICE = "office@recipient.example"
KEY = mailbox_key(OFFICE)
DAY = dt.timedelta(days=1)
NUMBERS = itertools.count()


def sent(database: Database, **changes: Any) -> UUID:
    """An email that was handed over to the office's mailbox; the delivery's id."""
    attempt = {name: changes.pop(name) for name in ("address",) if name in changes}
    message = f"0102-{next(NUMBERS)}"
    with database.begin() as connection:
        delivery = a_delivery(connection, **({"mailbox": KEY, "provider_id": message} | changes))
        an_attempt(connection, delivery, provider_id=message, **attempt)
    return delivery


def tell(database: Database, delivery: UUID, word: EventWord, **changes: Any) -> None:
    fact = a_fact(word, **({"provider_id": None} | changes))
    with database.begin() as connection:
        record(connection, a_receipt(delivery, fact=fact), NOON)


def given(database: Database) -> Sequence[Row[Any]]:
    with database.read() as connection:
        return connection.execute(select(commands).order_by(commands.c.seq)).all()


def bounce(database: Database, delivery: UUID, **changes: Any) -> None:
    tell(database, delivery, EventWord.BOUNCED, **({"reason": "hard", "status": "5.1.1"} | changes))


def test_a_hard_bounce_stops_the_mailbox(database: Database) -> None:
    delivery = sent(database)
    bounce(database, delivery)

    assert react(database, NOON) == 1

    [command] = given(database)
    assert (command.verb, command.delivery_id) == ("stop", delivery)
    assert command.arguments == {
        "key": KEY,
        "why": "hard_bounce",
        "detail": "Its mail server refuses it for good (hard, 5.1.1).",
        "occurred_at": NOON.isoformat(),
    }
    assert (command.given_by, command.given_at) == ("tracking", NOON)
    assert "@" not in f"{command.why} {command.arguments}"


def test_each_fact_is_reacted_to_once(database: Database) -> None:
    bounce(database, sent(database))

    assert [react(database, NOON) for _ in range(3)] == [1, 0, 0]


def test_not_even_again_after_the_cursor_was_put_back(database: Database) -> None:
    bounce(database, sent(database))
    react(database, NOON)
    with database.begin() as connection:
        connection.execute(update(tracking_cursors).values(xact=0, seq=0))

    assert react(database, NOON) == 0
    assert len(given(database)) == 1


def test_it_is_the_address_of_the_attempt_and_not_a_later_one(database: Database) -> None:
    with database.begin() as connection:
        delivery = a_delivery(connection, mailbox=mailbox_key("new@recipient.example"))
        an_attempt(connection, delivery, provider_id="0102-first", address=OFFICE)
        an_attempt(
            connection,
            delivery,
            number=2,
            provider_id="0102-second",
            address="new@recipient.example",
        )
    bounce(database, delivery, provider_id="0102-first")

    react(database, NOON)

    assert [row.arguments["key"] for row in given(database)] == [KEY]


def test_a_receipt_that_beats_our_note_of_the_number_is_understood(database: Database) -> None:
    with database.begin() as connection:
        delivery = a_delivery(connection, state="sending", mailbox=None)
        an_attempt(connection, delivery, state="started", provider_id=None, address=OFFICE)
    bounce(database, delivery, provider_id="0102-early")

    react(database, NOON)

    assert given(database)[0].arguments["key"] == KEY


@pytest.mark.parametrize(
    "changes", [{"mode": "test"}, {"carrier": "notice", "recipient": "notice/confirm"}]
)
@pytest.mark.parametrize("word", [EventWord.BOUNCED, EventWord.COMPLAINED, EventWord.SUPPRESSED])
def test_neither_a_test_nor_a_supporters_mailbox_stops_anything(
    word: EventWord, changes: dict[str, Any], small_database: Database
) -> None:
    tell(small_database, sent(small_database, **changes), word, reason="hard")

    assert react(small_database, NOON) == 0


def test_a_fact_about_nothing_of_ours_moves_on(small_database: Database) -> None:
    bounce(small_database, new_id())
    bounce(small_database, sent(small_database))

    assert react(small_database, NOON) == 1


def test_a_complaint_stops_the_recipient(small_database: Database) -> None:
    tell(small_database, sent(small_database), EventWord.COMPLAINED, reason="abuse")

    react(small_database, NOON)

    [command] = given(small_database)
    assert command.arguments["key"] == "recipient:the-office"
    assert command.arguments["why"] == "complaint"


def test_what_the_provider_throws_away_stops_the_mailbox(small_database: Database) -> None:
    tell(small_database, sent(small_database), EventWord.SUPPRESSED, reason="own_stop_list")

    react(small_database, NOON)

    [command] = given(small_database)
    assert (command.arguments["key"], command.arguments["why"]) == (KEY, "provider_list")


def test_a_refusal_by_policy_slows_the_domain_once_for_each_delivery(
    database: Database,
) -> None:
    first, second = sent(database), sent(database)
    for minute in range(3):  # SES tells of every delay
        at = NOON + dt.timedelta(minutes=minute)
        tell(database, first, EventWord.DEFERRED, reason="spam_detected", occurred_at=at)
    bounce(database, second, status="5.7.1")

    react(database, NOON)

    found = given(database)
    assert [row.verb for row in found] == ["slow", "slow"]
    assert all(row.arguments == {"domain": "recipient.example"} for row in found)


def test_what_a_domain_refused_days_ago_says_nothing_of_today(small_database: Database) -> None:
    bounce(small_database, sent(small_database), status="5.7.1", occurred_at=NOON - 2 * DAY)

    assert react(small_database, NOON) == 0


def full(database: Database, days: Sequence[float], **changes: Any) -> None:
    """The mailbox was full, so many days ago."""
    for number in days:
        told = {"reason": "mailbox_full", "status": "4.2.2", "occurred_at": NOON - number * DAY}
        bounce(database, sent(database), **(told | changes))


def test_a_mailbox_that_is_full_for_days_is_stopped(database: Database) -> None:
    full(database, [4, 3, 2, 1])
    before = react(database, NOON)
    full(database, [0])

    after = react(database, NOON)

    assert (before, after) == (0, 1)
    [command] = given(database)
    assert (command.arguments["key"], command.arguments["why"]) == (KEY, "soft_bounces")


def test_the_order_in_which_receipts_come_changes_nothing(small_database: Database) -> None:
    days = [4.0, 3, 2, 1, 0]
    random.Random(7).shuffle(days)

    full(small_database, days)
    react(small_database, NOON)

    assert [row.arguments["key"] for row in given(small_database)] == [KEY]


@pytest.mark.parametrize("days", [[0.1, 0.2, 0.3, 0.4, 0.5], [18, 17, 16, 15, 0]])
def test_a_full_mailbox_is_given_time(days: list[float], small_database: Database) -> None:
    full(small_database, days)

    assert react(small_database, NOON) == 0


def test_an_email_that_arrived_meanwhile_shows_that_the_mailbox_works(
    small_database: Database,
) -> None:
    full(small_database, [4, 3, 2, 1])
    tell(small_database, sent(small_database), EventWord.DELIVERED, occurred_at=NOON - 1.5 * DAY)
    full(small_database, [0])

    assert react(small_database, NOON) == 0


def test_one_that_came_back_after_it_was_taken_in_shows_nothing(small_database: Database) -> None:
    full(small_database, [4, 3, 2, 1])
    back = sent(small_database)
    tell(small_database, back, EventWord.DELIVERED, occurred_at=NOON - 0.1 * DAY)
    bounce(small_database, back, reason="mailbox_full", status="4.2.2")

    assert react(small_database, NOON) == 1


def test_other_mailboxes_and_other_reasons_are_counted_apart(small_database: Database) -> None:
    full(small_database, [4, 3])
    full(small_database, [2, 1], reason="soft", status="4.0.0")
    other = sent(small_database, mailbox=mailbox_key("b@x.example"), address="b@x.example")
    bounce(small_database, other, reason="mailbox_full", status="4.2.2")

    assert react(small_database, NOON) == 0


def test_after_a_lift_it_is_counted_from_the_start(small_database: Database) -> None:
    with small_database.begin() as connection:
        lifted = {"id": new_id(), "key": KEY, "why": "soft_bounces", "detail": "full"}
        lifted |= {"stopped_at": NOON - 3 * DAY, "stopped_by": "tracking"}
        connection.execute(insert(stops).values(lifted | {"lifted_at": NOON - 1.5 * DAY}))
    full(small_database, [4, 3, 2, 1, 0])

    assert react(small_database, NOON) == 0


def test_an_absence_notice_never_stops_an_office(small_database: Database) -> None:
    for day in range(14):
        tell(
            small_database,
            sent(small_database),
            EventWord.AUTO_REPLIED,
            reason="out_of_office",
            occurred_at=NOON - day * DAY,
        )

    assert react(small_database, NOON) == 0


def test_all_the_way_once_whatever_comes_twice_late_or_shuffled(database: Database) -> None:
    waits = [sent(database, state="due", handed_over_at=None, attempts=0) for _ in range(2)]
    told = [sent(database) for _ in range(4)] * 2
    random.Random(4).shuffle(told)
    for number, delivery in enumerate(told):
        bounce(database, delivery)
        if number % 3 == 0:
            react_and_obey(database)
    react_and_obey(database)

    with database.read() as connection:
        [stop] = connection.execute(select(stops)).all()
        held = connection.scalars(
            select(deliveries.c.id).where(deliveries.c.held_reason.is_not(None))
        ).all()
    assert (stop.key, stop.lifted_at) == (KEY, None)
    assert set(held) == set(waits)


def react_and_obey(database: Database) -> None:
    react(database, NOON)
    with database.begin() as connection:
        obey(connection, Catalogue([]), NOON)


def test_the_relays_wake_up_is_enough(tmp_path: Path, small_database: Database) -> None:
    broker = make_broker("stub://")
    declare(broker, small_database, some_settings(tmp_path), clock=noon)
    bounce(small_database, sent(small_database))
    worker = Worker(broker, worker_timeout=10, worker_threads=1)
    worker.start()

    publish(broker, TEND)
    broker.join(TEND.queue)
    worker.join()
    worker.stop()

    assert [row.verb for row in given(small_database)] == ["stop"]


def test_many_facts_are_read_in_many_transactions(
    small_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.tracking.react.BATCH", 3)
    for _ in range(8):
        bounce(small_database, sent(small_database))

    assert react(small_database, NOON) == 8
