"""What providers told of an erased supporter keeps its fact and loses its body, also when late."""

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from dramatiq.worker import Worker
from sqlalchemy import Connection, insert, select, update

from services.tracking import forget as forgetting
from services.tracking.actors import declare
from services.tracking.console.reading import ERASED, papers
from services.tracking.forget import LOOKS_BACK, forget
from services.tracking.words import EventWord
from shared.broker import make_broker
from shared.clock import new_id
from shared.database import Database
from shared.queues import TEND, publish
from shared.tables.dispatch import carriages
from shared.tables.intake import actions, erasures
from shared.tables.tracking import receipts
from tests.tracking.builders import NOON, a_delivery, a_fact, an_action, an_attempt, some_settings
from tests.tracking.console.world import a_console
from tests.tracking.test_record import a_receipt, take

LATER = NOON + LOOKS_BACK
MOMENT = dt.timedelta(milliseconds=1)


def erased(connection: Connection, *delivery_ids: UUID, at: dt.datetime = NOON) -> None:
    """As intake does it, for the actions of these deliveries."""
    theirs = select(carriages.c.action_id).where(carriages.c.delivery_id.in_(delivery_ids))
    for one in connection.scalars(theirs).all():
        connection.execute(update(actions).where(actions.c.id == one).values(erased_at=at))
        connection.execute(insert(erasures).values(action_id=one, erased_at=at))


def delivered(database: Database, **changes: Any) -> UUID:
    """A delivery, and a receipt that tells of it."""
    with database.begin() as connection:
        delivery = a_delivery(connection, **changes)
    take(database, a_receipt(delivery))
    return delivery


def bodies(database: Database, delivery: UUID) -> list[bool]:
    """Whether each of its receipts has one."""
    with database.read() as connection:
        its = select(receipts.c.body).where(receipts.c.delivery_id == delivery)
        found = connection.scalars(its)
        return [bool(one) for one in found]


def test_receipts_lose_their_bodies_and_their_facts_stay(database: Database) -> None:
    gone, kept = delivered(database), delivered(database)
    with database.begin() as connection:
        erased(connection, gone)

    number = forget(database, LATER)

    assert number == 1
    assert (bodies(database, gone), bodies(database, kept)) == ([False], [True])


def test_an_erasure_is_read_once_and_only_when_its_moment_is_over(database: Database) -> None:
    delivery = delivered(database)
    with database.begin() as connection:
        erased(connection, delivery)

    assert [forget(database, at) for at in (LATER - MOMENT, LATER, LATER)] == [0, 1, 0]


def test_a_young_erasure_holds_up_those_behind_it_and_none_before(database: Database) -> None:
    old, young = delivered(database), delivered(database)
    with database.begin() as connection:
        erased(connection, old)
        erased(connection, young, at=NOON + MOMENT)

    assert [forget(database, LATER), forget(database, LATER + MOMENT)] == [1, 1]


def test_a_receipt_that_comes_later_has_no_body_from_the_start(database: Database) -> None:
    delivery = delivered(database)
    with database.begin() as connection:
        erased(connection, delivery)

    take(database, a_receipt(delivery, a_fact(EventWord.COMPLAINED)))

    assert sorted(bodies(database, delivery)) == [False, True]


def test_a_receipt_that_told_nothing_new_is_found_too(database: Database) -> None:
    delivery = delivered(database)
    take(database, a_receipt(delivery))  # the same fact once more
    take(database, replace(a_receipt(delivery), fact=None))
    with database.begin() as connection:
        erased(connection, delivery)

    forget(database, LATER)

    assert bodies(database, delivery) == [False] * 3


def test_what_carries_other_peoples_actions_too_keeps_its_receipts(database: Database) -> None:
    petition = delivered(database, carrier="petition")
    with database.begin() as connection:
        erased(connection, petition)

    forget(database, LATER)
    take(database, a_receipt(petition, a_fact(EventWord.COMPLAINED)))

    assert bodies(database, petition) == [True, True]


def test_more_than_one_batch_is_forgotten_in_one_go(
    small_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forgetting, "BATCH", 2)
    deliveries = [delivered(small_database) for _ in range(5)]
    with small_database.begin() as connection:
        erased(connection, *deliveries)

    assert forget(small_database, LATER) == 5
    assert [bodies(small_database, one) for one in deliveries] == [[False]] * 5


def test_a_wake_up_makes_tracking_forget(tmp_path: Path, small_database: Database) -> None:
    broker = make_broker("stub://")
    declare(broker, small_database, some_settings(tmp_path), clock=lambda: LATER)
    delivery = delivered(small_database)
    with small_database.begin() as connection:
        erased(connection, delivery)
    worker = Worker(broker, worker_timeout=10, worker_threads=1)
    worker.start()

    publish(broker, TEND)
    broker.join(TEND.queue)
    worker.join()
    worker.stop()

    assert bodies(small_database, delivery) == [False]


def test_the_console_says_why_nothing_is_there(tmp_path: Path, small_database: Database) -> None:
    delivery = delivered(small_database)
    with small_database.begin() as connection:
        an_attempt(connection, delivery)
        erased(connection, delivery)
    forget(small_database, LATER)

    page = a_console(tmp_path, small_database).get(f"/console/deliveries/{delivery}").text

    assert "Nothing is kept: the data of its supporter was erased." in page
    assert ERASED in page
    assert "office@recipient.example" in page


def test_a_value_that_does_not_open_leaves_the_page_standing(small_database: Database) -> None:
    with small_database.begin() as connection:
        delivery = a_delivery(connection, of=an_action(connection))
        attempt = an_attempt(connection, delivery)
    moved_to = new_id()
    with small_database.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE attempts SET id = ? WHERE id = ?", (moved_to.hex, attempt.hex)
        )

    with small_database.read() as connection:
        [(_, address)] = papers(connection, delivery).attempts

    assert address.startswith("This cannot be read: attempts.address: the value does not open")
