"""What was sent again is still found, told and forgotten with what it carried."""

from typing import Any
from uuid import UUID

from services.tracking.forget import forget
from services.tracking.queries import timeline
from services.tracking.queries.deliveries import Search, find, get
from services.tracking.queries.tally import tally
from services.tracking.words import EventWord
from shared.clock import new_id
from shared.database import Database
from tests.tracking.again import bounced, sent_again
from tests.tracking.builders import CLIENT, NOON, a_fact, an_action, minutes
from tests.tracking.inbound.letters import an_answer_to
from tests.tracking.inbound.test_keep import keep, rows
from tests.tracking.test_forget import LATER, bodies, erased
from tests.tracking.test_record import a_receipt, take


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
