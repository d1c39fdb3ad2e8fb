import datetime as dt
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, Row, insert, select, update

from services.dispatch.obey import obey
from services.tracking.record import event_id
from services.tracking.resolve import BATCH, NEIGHBOURS, resolve
from services.tracking.words import EventWord
from shared.catalogue import Catalogue
from shared.database import Database
from shared.tables.dispatch import attempts, deliveries
from shared.tables.tracking import commands, events
from tests.tracking.builders import NOON, a_delivery, a_fact, an_attempt, minutes

MARGIN = minutes(30)
LONG_AGO = NOON - minutes(31)


def an_unknown(connection: Connection, **changes: Any) -> UUID:
    """An attempt that nobody can tell of; the id of its delivery."""
    provider = changes.get("provider", "ses")
    delivery = a_delivery(connection, state="unknown", provider=provider, provider_id=None)
    told = {"state": "unknown", "provider_id": None, "started_at": LONG_AGO}
    an_attempt(connection, delivery, **(told | changes))
    return delivery


def a_neighbour(connection: Connection, *, told: bool = True, **changes: Any) -> UUID:
    """An attempt that SES took, started just after LONG_AGO; told: its Send event came."""
    delivery = a_delivery(connection)
    an_attempt(connection, delivery, **({"started_at": LONG_AGO + minutes(1)} | changes))
    if told:
        an_event(connection, delivery)
    return delivery


def the_stream_moves_on(connection: Connection, neighbours: int = NEIGHBOURS) -> None:
    for number in range(1, neighbours + 1):
        a_neighbour(connection, started_at=LONG_AGO + minutes(number))


def an_event(
    connection: Connection, delivery: UUID, word: EventWord = EventWord.SENT_PROOF
) -> None:
    fact = a_fact(word, provider_id="0102-proof")
    connection.execute(
        insert(events).values(
            id=event_id("ses", delivery, fact),
            delivery_id=delivery,
            word=word.value,
            provider_id=fact.provider_id,
            occurred_at=NOON,
            received_at=NOON,
        )
    )


def given_commands(database: Database) -> Sequence[Row[Any]]:
    with database.read() as connection:
        return connection.execute(select(commands).order_by(commands.c.seq)).all()


def attempts_taken(database: Database) -> Sequence[UUID]:
    with database.read() as connection:
        return connection.scalars(select(attempts.c.id).where(attempts.c.state == "sent")).all()


def test_an_event_proves_that_it_was_sent(database: Database) -> None:
    with database.begin() as connection:
        delivery = an_unknown(connection, started_at=NOON - minutes(1))
        an_event(connection, delivery)

    number = resolve(database, MARGIN, NOON)

    (command,) = given_commands(database)
    assert number == 1
    assert (command.verb, command.delivery_id) == ("resolve_unknown", delivery)
    assert command.arguments == {"verdict": "sent", "provider_id": "0102-proof"}
    assert (command.given_by, command.given_at) == ("tracking", NOON)


def test_a_bounce_proves_it_as_well(small_database: Database) -> None:
    with small_database.begin() as connection:
        an_event(connection, an_unknown(connection), EventWord.BOUNCED)

    resolve(small_database, MARGIN, NOON)

    assert given_commands(small_database)[0].arguments["verdict"] == "sent"


def test_silence_proves_it_when_the_stream_moved_on(database: Database) -> None:
    with database.begin() as connection:
        delivery = an_unknown(connection)
        the_stream_moves_on(connection)

    resolve(database, MARGIN, NOON)

    (command,) = given_commands(database)
    assert command.delivery_id == delivery
    assert command.arguments == {"verdict": "not_taken"}
    assert all(str(attempt) in command.why for attempt in attempts_taken(database))


@pytest.mark.parametrize("neighbours", range(1, NEIGHBOURS))
def test_fewer_than_three_later_emails_prove_no_silence(
    neighbours: int, small_database: Database
) -> None:
    with small_database.begin() as connection:
        an_unknown(connection)
        the_stream_moves_on(connection, neighbours)

    assert resolve(small_database, MARGIN, NOON) == 0


def test_silence_proves_nothing_within_the_margin(small_database: Database) -> None:
    with small_database.begin() as connection:
        an_unknown(connection, started_at=NOON - minutes(29))
        for number in range(NEIGHBOURS):
            a_neighbour(connection, started_at=NOON - minutes(28 - number))

    assert resolve(small_database, MARGIN, NOON) == 0


def test_silence_proves_nothing_while_the_stream_is_silent(small_database: Database) -> None:
    with small_database.begin() as connection:
        an_unknown(connection)
        for number in range(1, NEIGHBOURS + 1):
            a_neighbour(connection, started_at=LONG_AGO - minutes(number))

    assert resolve(small_database, MARGIN, NOON) == 0


def test_a_neighbour_whose_event_was_lost_leaves_the_case_to_people(
    small_database: Database,
) -> None:
    with small_database.begin() as connection:
        an_unknown(connection)
        a_neighbour(connection, told=False, started_at=LONG_AGO + minutes(0.5))
        the_stream_moves_on(connection)

    assert resolve(small_database, MARGIN, NOON) == 0


def test_far_later_events_do_not_count_for_a_time_without_events(
    small_database: Database,
) -> None:
    with small_database.begin() as connection:
        an_unknown(connection)
        for number in range(1, 4):
            a_neighbour(connection, told=False, started_at=LONG_AGO + minutes(number))
        for number in range(20, 23):
            a_neighbour(connection, started_at=LONG_AGO + minutes(number))

    assert resolve(small_database, MARGIN, NOON) == 0


def test_an_email_that_was_refused_says_nothing_about_the_stream(
    small_database: Database,
) -> None:
    with small_database.begin() as connection:
        an_unknown(connection)
        a_neighbour(connection, told=False, state="refused")
        the_stream_moves_on(connection)

    assert resolve(small_database, MARGIN, NOON) == 1


def test_a_letter_is_never_settled_by_silence(small_database: Database) -> None:
    with small_database.begin() as connection:
        an_unknown(connection, provider="print_vendor")
        for _ in range(NEIGHBOURS):
            a_neighbour(connection, provider="print_vendor")

    assert resolve(small_database, MARGIN, NOON) == 0


def test_dispatch_asks_the_print_vendor_before_a_receipt_settles_it(
    small_database: Database,
) -> None:
    with small_database.begin() as connection:
        delivery = an_unknown(connection, provider="print_vendor", started_at=NOON - minutes(5))
        an_event(connection, delivery, EventWord.PRINTED)

    early = resolve(small_database, MARGIN, NOON)
    late = resolve(small_database, MARGIN, NOON + minutes(30))

    assert (early, late) == (0, 1)
    assert given_commands(small_database)[0].arguments["verdict"] == "sent"


def test_a_verdict_is_given_once(database: Database) -> None:
    with database.begin() as connection:
        an_unknown(connection)
        the_stream_moves_on(connection)

    first, second = (resolve(database, MARGIN, NOON) for _ in range(2))

    assert (first, second) == (1, 0)
    assert len(given_commands(database)) == 1


@pytest.mark.parametrize("obeyed", [False, True])
def test_a_proof_that_comes_after_all_keeps_it_from_being_sent_twice(
    obeyed: bool, database: Database
) -> None:
    delivery = a_delivery_called_not_taken(database, obeyed=obeyed)
    with database.begin() as connection:
        an_event(connection, delivery)

    resolve(database, MARGIN, NOON + dt.timedelta(seconds=1))
    dispatch_obeys(database)

    verdicts = [row.arguments["verdict"] for row in given_commands(database)]
    assert verdicts == ["not_taken", "sent"]
    assert resolve(database, MARGIN, NOON + minutes(1)) == 0
    assert standing(database, delivery) == ("handed_over", ["sent"])


def test_an_event_of_the_next_attempt_is_no_proof_of_the_one_before(database: Database) -> None:
    delivery = a_delivery_called_not_taken(database, obeyed=True)
    with database.begin() as connection:
        connection.execute(
            update(deliveries).where(deliveries.c.id == delivery).values(state="sending")
        )
        an_attempt(connection, delivery, number=2, state="started")
        an_event(connection, delivery)

    assert resolve(database, MARGIN, NOON) == 0
    assert standing(database, delivery) == ("sending", ["not_sent", "started"])


def test_a_late_proof_settles_one_attempt_and_not_all_of_them(database: Database) -> None:
    delivery = a_delivery_called_not_taken(database, obeyed=True)
    with database.begin() as connection:
        second = an_attempt(connection, delivery, number=2, state="unknown", started_at=LONG_AGO)
        the_stream_moves_on(connection)
    resolve(database, MARGIN, NOON)
    dispatch_obeys(database)
    with database.begin() as connection:
        an_event(connection, delivery)

    resolve(database, MARGIN, NOON)

    assert given_commands(database)[-1].attempt_id == second
    assert [row.arguments["verdict"] for row in given_commands(database)].count("sent") == 1


def a_delivery_called_not_taken(database: Database, *, obeyed: bool) -> UUID:
    with database.begin() as connection:
        delivery = an_unknown(connection)
        the_stream_moves_on(connection)
    resolve(database, MARGIN, NOON)
    if obeyed:
        dispatch_obeys(database)
    return delivery


def dispatch_obeys(database: Database) -> None:
    with database.begin() as connection:
        obey(connection, Catalogue([]), NOON)


def standing(database: Database, delivery: UUID) -> tuple[str, list[str]]:
    """The delivery's state and those of its attempts, as dispatch has them."""
    with database.read() as connection:
        state = connection.scalar(select(deliveries.c.state).where(deliveries.c.id == delivery))
        tried = select(attempts.c.state).where(attempts.c.delivery_id == delivery)
        return str(state), list(connection.scalars(tried.order_by(attempts.c.number)))


def test_what_dispatch_has_settled_is_left_alone(small_database: Database) -> None:
    with small_database.begin() as connection:
        an_event(connection, an_unknown(connection))
        connection.execute(update(attempts).values(state="sent"))

    assert resolve(small_database, MARGIN, NOON) == 0


def test_many_that_wait_hide_none_behind_them(small_database: Database) -> None:
    with small_database.begin() as connection:
        for _ in range(BATCH + 5):
            an_unknown(connection, started_at=NOON)
        last = an_unknown(connection, started_at=NOON)
        an_event(connection, last)

    resolve(small_database, MARGIN, NOON)

    assert [row.delivery_id for row in given_commands(small_database)] == [last]
