"""What may leave again is said in one table; and whoever looks finds the whole line."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import insert, select, update

from services.tracking import resend
from services.tracking.commands import give
from services.tracking.forget import forget
from services.tracking.queries import timeline
from services.tracking.queries.deliveries import Search, find, get
from services.tracking.queries.tally import tally
from services.tracking.resend import (
    CAME_BACK,
    SAYS,
    STANDS_AGAINST,
    Against,
    NotAgain,
    came_back,
    command,
    why_not,
)
from services.tracking.words import EventWord, ShownState
from shared.clock import new_id
from shared.database import Database
from shared.tables.dispatch import carriages
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
from tests.tracking.inbound.letters import an_answer_to
from tests.tracking.inbound.test_keep import keep, rows
from tests.tracking.test_forget import LATER, bodies, erased
from tests.tracking.test_record import a_receipt, take


def against(database: Database, delivery: UUID, **of: Any) -> Against | None:
    with database.read() as connection:
        refusal = why_not(connection, delivery, **of)
    return refusal.against if refusal else None


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
    first, second = (command(delivery, given_by=by, why="moved") for by in ("ada", "ops"))

    with database.begin() as connection:
        given = [give(connection, one, NOON) for one in (first, second)]

    assert (first.id, given) == (second.id, [True, False])


def test_what_was_asked_is_told_as_it_stands(database: Database) -> None:
    delivery = bounced(database)
    wish = command(delivery, given_by="ada", why="moved")

    with database.begin() as connection:
        first = resend.ask(connection, wish, CLIENT, NOON)
        again = sent_again(connection, delivery)
        second = resend.ask(connection, wish, CLIENT, NOON + minutes(1))

    assert (first.command, first.asked_at, first.effect, first.again_as) == (
        wish.id,
        NOON,
        None,
        None,
    )
    assert (second.asked_at, second.again_as) == (NOON, again)


def test_what_did_not_come_back_is_not_asked_of_dispatch(small_database: Database) -> None:
    with small_database.begin() as connection:
        delivery = a_delivery(connection)
        with pytest.raises(NotAgain):
            resend.ask(connection, command(delivery, given_by="ada", why="x"), CLIENT, NOON)

        assert connection.execute(select(commands)).all() == []


# What was sent again is still found, told and forgotten with what it carried.


def a_line(database: Database, **changes: Any) -> tuple[UUID, UUID, UUID]:
    """An action, the delivery of it that came back, and the one that left in its place."""
    with database.begin() as connection:
        action = an_action(connection, reference="W4R-1")
    first = bounced(database, of=action, **changes)
    with database.begin() as connection:
        return action, first, sent_again(connection, first, planned_at=NOON + minutes(5))


def test_a_client_sees_both(database: Database) -> None:
    _, first, again = a_line(database)

    with database.read() as connection:
        mine = {one.id: one for one in find(connection, Search(client_id=CLIENT), limit=9)}
        theirs = find(connection, Search(client_id=new_id()), limit=9)
        seen = [get(connection, one, client_id=CLIENT) for one in (first, again)]
        unseen = [get(connection, one, client_id=new_id()) for one in (first, again)]

    assert (mine[first].again_as, mine[again].again_of) == (again, first)
    assert (mine[first].again_of, mine[again].again_as) == (None, None)
    assert theirs == []
    assert [one and one.id for one in seen] == [first, again]
    assert unseen == [None, None]


def test_a_search_by_the_action_finds_both(database: Database) -> None:
    action, first, again = a_line(database)

    with database.read() as connection:
        for text in (str(action), "W4R-1"):
            found = find(connection, Search(text=text, client_id=CLIENT), limit=9)
            assert {one.id for one in found} == {first, again}


def test_the_actions_timeline_tells_of_both_in_order(database: Database) -> None:
    action, first, again = a_line(database)

    with database.read() as connection:
        moments = timeline.of_action(connection, action)

    assert [(one.word, one.delivery_id) for one in moments] == [
        ("accepted", None),
        ("planned", first),
        ("attempt_sent", first),
        ("bounced", first),
        ("planned", again),
    ]


def test_the_earlier_ones_page_still_tells_whose_action_it_carried(database: Database) -> None:
    action, first, _ = a_line(database)

    with database.read() as connection:
        [accepted] = [
            one for one in timeline.of_delivery(connection, first) if one.word == "accepted"
        ]

    assert str(action) in accepted.says


def test_a_tally_counts_the_action_once_and_both_deliveries(database: Database) -> None:
    a_line(database)

    with database.read() as connection:
        [one] = tally(connection, mode="live", since=NOON)

    assert (one.actions, dict(one.deliveries)) == (1, {"bounced": 1, "planned": 1})


def test_what_providers_told_of_the_earlier_one_is_forgotten_too(database: Database) -> None:
    _, first, again = a_line(database)
    take(database, a_receipt(again))
    with database.begin() as connection:
        erased(connection, again)

    forget(database, LATER)
    take(database, a_receipt(first, a_fact(EventWord.COMPLAINED)))

    assert bodies(database, first) == [False, False]
    assert bodies(database, again) == [False]


def test_an_answer_to_the_earlier_one_quotes_nobody_who_was_erased(database: Database) -> None:
    _, first, again = a_line(database)
    with database.begin() as connection:
        erased(connection, again)

    keep(database, an_answer_to(first, "You wrote: let her go."))

    [kept] = rows(database)
    assert (kept.delivery_id, kept.text, kept.sender) == (first, None, None)


def test_an_action_that_was_taken_back_since_is_no_reason_to_send(database: Database) -> None:
    delivery = bounced(database)
    with database.begin() as connection:
        connection.execute(update(actions).values(standing="disowned"))

    assert against(database, delivery) is Against.NOTHING_LEFT
