"""What may leave again is said in one table; and it is asked for once until dispatch obeys."""

import datetime as dt
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, insert, select, update

from services.tracking.commands import give
from services.tracking.resend import (
    CAME_BACK,
    SAYS,
    STANDS_AGAINST,
    Asked,
    NotAgain,
    ask,
    came_back,
    command,
    why_not,
)
from services.tracking.words import EventWord, ShownState
from shared.again import Against
from shared.clock import new_id
from shared.database import Database
from shared.tables.dispatch import carriages, obeyed_commands
from shared.tables.intake import actions
from shared.tables.tracking import commands
from tests.tracking.again import bounced, sent_again
from tests.tracking.builders import (
    CLIENT,
    NOON,
    a_delivery,
    a_fact,
    an_action,
    an_attempt,
    minutes,
)
from tests.tracking.test_forget import erased
from tests.tracking.test_record import a_receipt, take


def against(database: Database, delivery: UUID, **of: Any) -> Against | None:
    with database.read() as connection:
        refusal = why_not(connection, delivery, **of)
    return refusal.against if refusal else None


def asked(connection: Connection, delivery: UUID, now: dt.datetime = NOON) -> Asked:
    wish = command(connection, delivery, given_by="ada", why="moved")
    return ask(connection, wish, CLIENT, now)


def obeyed(connection: Connection, command_id: UUID, effect: str) -> None:
    done = {"command_id": command_id, "effect": effect, "obeyed_at": NOON}
    connection.execute(insert(obeyed_commands).values(done))


def test_every_state_either_came_back_or_stands_against_it() -> None:
    assert set(CAME_BACK) | set(STANDS_AGAINST) == set(ShownState)
    assert not set(CAME_BACK) & set(STANDS_AGAINST)
    assert set(SAYS) == set(Against)


@pytest.mark.parametrize(
    ("words", "channel"),
    [
        ([EventWord.BOUNCED], "email"),
        ([EventWord.DELIVERED, EventWord.BOUNCED], "email"),
        ([EventWord.DEFERRED, EventWord.EXPIRED], "email"),
        ([EventWord.SENT_PROOF, EventWord.SUPPRESSED], "email"),
        ([EventWord.REJECTED], "email"),
        ([EventWord.POSTED, EventWord.RETURNED], "letter"),
        ([EventWord.REJECTED], "letter"),
    ],
)
def test_what_provably_did_not_arrive_may_leave_again(
    words: list[EventWord], channel: str, database: Database
) -> None:
    with database.begin() as connection:
        delivery = a_delivery(connection, channel=channel)
    for word in words:
        take(database, a_receipt(delivery, a_fact(word)))

    assert against(database, delivery) is None


@pytest.mark.parametrize(
    "words",
    [
        [],
        [EventWord.SENT_PROOF],
        [EventWord.DEFERRED],
        [EventWord.AUTO_REPLIED],
        [EventWord.PRINTED],
        [EventWord.POSTED],
        [EventWord.IN_TRANSIT],
        [EventWord.LEFT_COUNTRY],
        [EventWord.DELIVERED],
        [EventWord.EXPIRED, EventWord.DELIVERED],
        [EventWord.OPENED],
        [EventWord.ANSWERED],
        [EventWord.COMPLAINED],
        [EventWord.BOUNCED, EventWord.COMPLAINED],
    ],
)
def test_what_arrived_or_may_have_does_not(
    words: list[EventWord], small_database: Database
) -> None:
    with small_database.begin() as connection:
        delivery = a_delivery(connection)
    for word in words:
        take(small_database, a_receipt(delivery, a_fact(word)))

    assert against(small_database, delivery) is Against.NOT_COME_BACK


@pytest.mark.parametrize(
    "word",
    [EventWord.OPENED, EventWord.CLICKED, EventWord.ACKNOWLEDGED, EventWord.ANSWERED],
)
def test_what_somebody_had_all_the_same_does_not(word: EventWord, small_database: Database) -> None:
    delivery = bounced(small_database)
    take(small_database, a_receipt(delivery, a_fact(word)))

    assert against(small_database, delivery) is Against.ARRIVED


@pytest.mark.parametrize("state", ["due", "sending", "unknown", "cancelled"])
def test_what_dispatch_has_not_ended_is_not_settled(state: str, small_database: Database) -> None:
    """A receipt may be here before dispatch knows that its call was taken."""
    delivery = bounced(small_database, state=state)

    assert against(small_database, delivery) is Against.NOT_SETTLED


@pytest.mark.parametrize("state", ["unknown", "started"])
def test_with_an_unclear_attempt_it_is_not_settled(state: str, small_database: Database) -> None:
    delivery = bounced(small_database)
    with small_database.begin() as connection:
        an_attempt(connection, delivery, number=2, state=state)

    assert against(small_database, delivery) is Against.NOT_SETTLED


def test_what_the_provider_refused_at_once_may_leave_again(small_database: Database) -> None:
    with small_database.begin() as connection:
        delivery = a_delivery(connection, state="refused")

    assert against(small_database, delivery) is None


def test_a_notice_is_never_sent_again(small_database: Database) -> None:
    assert against(small_database, bounced(small_database, carrier="notice")) is Against.NOTICE


def test_a_petition_is_not_sent_again_yet(small_database: Database) -> None:
    assert against(small_database, bounced(small_database, carrier="petition")) is Against.PETITION


def test_what_was_only_withheld_for_an_earlier_complaint_may_leave_again(
    database: Database,
) -> None:
    """As it was recorded once; today it is told as suppressed."""
    with database.begin() as connection:
        delivery = a_delivery(connection)
    complaint = a_fact(EventWord.COMPLAINED, reason="own_stop_list")
    take(database, a_receipt(delivery, complaint))

    with database.read() as connection:
        found = came_back(connection)

    assert against(database, delivery) is None
    assert [one.id for one in found] == [delivery]


def test_what_was_sent_again_is_not_once_more(database: Database) -> None:
    delivery = bounced(database)
    with database.begin() as connection:
        sent_again(connection, delivery)

    assert against(database, delivery) is Against.SENT_AGAIN


def test_nothing_of_who_was_erased_is_left(database: Database) -> None:
    delivery = bounced(database)
    with database.begin() as connection:
        erased(connection, delivery)

    assert against(database, delivery) is Against.NOTHING_LEFT


def test_an_action_that_was_taken_back_since_is_no_reason_to_send(database: Database) -> None:
    delivery = bounced(database)
    with database.begin() as connection:
        connection.execute(update(actions).values(standing="disowned"))

    assert against(database, delivery) is Against.NOTHING_LEFT


def test_a_client_does_not_decide_over_the_actions_of_others(database: Database) -> None:
    digest = bounced(database, carrier="digest")
    with database.begin() as connection:
        theirs = an_action(connection, client_id=new_id())
        rests = {"action_id": theirs, "recipient": "the-office", "delivery_id": digest}
        connection.execute(insert(carriages).values(rests))

    assert against(database, digest, client_id=CLIENT) is Against.OTHERS_TOO
    assert against(database, digest) is None


def test_a_refusal_says_since_when(small_database: Database) -> None:
    with small_database.begin() as connection:
        delivery = a_delivery(connection)
    take(small_database, a_receipt(delivery))

    with small_database.read() as connection:
        refusal = why_not(connection, delivery)

    assert refusal is not None
    assert refusal.says == "It was delivered. That was on 10 December 2021."


def test_all_that_came_back_from_a_recipient_is_found_with_its_address(database: Database) -> None:
    first, second = bounced(database), bounced(database, case="another")
    bounced(database, recipient="another")
    bounced(database, mode="test")
    bounced(database, EventWord.DELIVERED)

    with database.read() as connection:
        found = came_back(connection, "the-office")
        everywhere = came_back(connection)

    assert [(one.id, one.case) for one in found] == [(first, "zhang-zhan"), (second, "another")]
    assert {one.address for one in found} == {"office@recipient.example"}
    assert len(everywhere) == 3


def test_an_address_that_does_not_open_is_not_known(small_database: Database) -> None:
    delivery = bounced(small_database)
    with small_database.begin() as connection:
        connection.exec_driver_sql("UPDATE attempts SET id = ?", (new_id().hex,))

    with small_database.read() as connection:
        [one] = came_back(connection)

    assert (one.id, one.address) == (delivery, None)


def test_whoever_asks_twice_gives_one_command(database: Database) -> None:
    delivery = bounced(database)

    with database.begin() as connection:
        wishes = [command(connection, delivery, given_by=by, why="x") for by in ("ada", "ops")]
        given = [give(connection, one, NOON) for one in wishes]
        wishes.append(command(connection, delivery, given_by="ada", why="x"))

    assert given == [True, False]
    assert len({one.id for one in wishes}) == 1


def test_what_was_asked_is_told_as_it_stands(database: Database) -> None:
    delivery = bounced(database)

    with database.begin() as connection:
        first = asked(connection, delivery)
        second = asked(connection, delivery, NOON + minutes(1))
        again = sent_again(connection, delivery)
        obeyed(connection, first.command, f"sent again as {again}")
        third = asked(connection, delivery, NOON + minutes(2))

    assert (first.asked_at, first.effect, first.again_as) == (NOON, None, None)
    assert (second, third.command) == (first, first.command)
    assert (third.effect, third.again_as) == (f"sent again as {again}", again)


def test_what_had_no_effect_may_be_asked_anew(database: Database) -> None:
    delivery = bounced(database)

    with database.begin() as connection:
        first = asked(connection, delivery)
        obeyed(connection, first.command, "no effect: this version does not know the verb 'resend'")
        second = asked(connection, delivery, NOON + minutes(1))
        wish = command(connection, delivery, given_by="ada", why="x")
        same = asked(connection, delivery, NOON + minutes(2))
        again = sent_again(connection, delivery)
        obeyed(connection, second.command, f"sent again as {again}")
        third = asked(connection, delivery, NOON + minutes(3))

    assert first.command != second.command
    assert (second.asked_at, second.effect) == (NOON + minutes(1), None)
    assert (wish.id, same) == (second.command, second)
    assert (third.command, third.again_as) == (second.command, again)


def test_what_had_no_effect_and_has_arrived_since_is_not_asked_anew(
    small_database: Database,
) -> None:
    delivery = bounced(small_database)
    with small_database.begin() as connection:
        obeyed(connection, asked(connection, delivery).command, "no effect")
    take(small_database, a_receipt(delivery, a_fact(EventWord.OPENED)))

    with small_database.begin() as connection, pytest.raises(NotAgain):
        asked(connection, delivery)


def test_what_did_not_come_back_is_not_asked_of_dispatch(small_database: Database) -> None:
    with small_database.begin() as connection:
        delivery = a_delivery(connection)
        with pytest.raises(NotAgain):
            asked(connection, delivery)

        assert connection.execute(select(commands)).all() == []
