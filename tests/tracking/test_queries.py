"""What the tables are asked, on both engines."""

import re
from collections import Counter
from typing import Any

from sqlalchemy import Connection, event

from services.tracking.queries import timeline
from services.tracking.queries.deliveries import Search, find, find_newest, get
from services.tracking.queries.overview import overview
from services.tracking.queries.tally import tally
from services.tracking.words import EventWord, ShownState
from shared.clock import new_id
from shared.database import Database
from tests.tracking.builders import (
    CLIENT,
    NOON,
    a_delivery,
    a_fact,
    an_action,
    an_attempt,
    minutes,
)
from tests.tracking.test_record import a_receipt, take


def test_a_list_goes_on_where_it_ended_in_either_direction(database: Database) -> None:
    made = []
    for _ in range(5):  # each in a transaction of its own: the order is that of their commits
        with database.begin() as connection:
            made.append(a_delivery(connection))

    with database.read() as connection:
        first = find(connection, Search(client_id=CLIENT), limit=3)
        rest = find(connection, Search(), limit=3, after=(first[-1].xact, first[-1].seq))
        newest = find_newest(connection, Search(), limit=3)
        older = find_newest(connection, Search(), limit=3, before=(newest[-1].xact, newest[-1].seq))

    assert [one.id for one in [*first, *rest]] == made
    assert [one.id for one in [*newest, *older]] == made[::-1]


def test_every_condition_narrows_a_search(database: Database) -> None:
    with database.begin() as connection:
        action = an_action(connection, reference="W4R-1")
        wanted = a_delivery(connection, of=action, provider_id="0102-x")
        other = a_delivery(
            connection,
            case="another",
            channel="letter",
            recipient="another",
            state="unknown",
        )
        theirs = a_delivery(connection, of=an_action(connection, client_id=new_id()))
        held = a_delivery(connection, state="due", held_reason="no mailbox")
    searches = {
        Search(text="W4R-1"): {wanted},
        Search(text="0102-x"): {wanted},
        Search(text=str(action)): {wanted},
        Search(text=str(other)): {other},
        Search(client_id=CLIENT): {wanted, other, held},
        Search(case="another"): {other},
        Search(case="another", channel="letter", recipient="another"): {other},
        Search(case="another", channel="email"): set(),
        Search(text=str(wanted), case="another"): set(),
        Search(state=ShownState.UNKNOWN): {other},
        Search(state=ShownState.HELD): {held},
        Search(state=ShownState.HANDED_OVER): {wanted, theirs},
        Search(state=ShownState.DELIVERED): set(),
    }

    with database.read() as connection:
        found = {
            search: {one.id for one in find(connection, search, limit=10)} for search in searches
        }

    assert found == searches


def test_what_is_searched_by_name_is_found_by_its_index(database: Database) -> None:
    with database.begin() as connection:
        a_delivery(connection)
    said: list[tuple[str, Any]] = []
    listen = lambda *about: said.append((about[2], about[3]))  # noqa: E731  (an event listener)
    event.listen(database.engine, "before_cursor_execute", listen)

    with database.read() as connection:
        find_newest(connection, Search(text="0102-x"), limit=3)
        plan = explained(connection, *said[-1], postgresql=database.is_postgresql)

    assert {"ix_deliveries_provider_id", "ix_actions_reference"} <= set(re.findall(r"\w+", plan))
    assert not re.search("(SCAN|Seq Scan on) deliveries", plan)


def explained(connection: Connection, query: str, values: Any, *, postgresql: bool) -> str:
    """How the engine would go about it, were the tables large."""
    if postgresql:
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
    word = "EXPLAIN" if postgresql else "EXPLAIN QUERY PLAN"
    return "\n".join(map(str, connection.exec_driver_sql(f"{word} {query}", values)))


def test_a_delivery_is_got_by_who_may_see_it(database: Database) -> None:
    with database.begin() as connection:
        delivery = a_delivery(connection)

    with database.read() as connection:
        ours, everybodys, theirs = (
            get(connection, delivery, client_id=client) for client in (CLIENT, None, new_id())
        )

    assert ours == everybodys
    assert ours is not None
    assert theirs is None


def test_a_tally_counts_the_state_that_receipts_tell(database: Database) -> None:
    with database.begin() as connection:
        delivered = a_delivery(connection, handed_over_at=NOON)
        a_delivery(connection, channel="letter", handed_over_at=NOON - minutes(61))
    take(database, a_receipt(delivered))

    with database.read() as connection:
        email, letter = tally(connection, mode="live", since=NOON - minutes(60))

    assert (email.channel, email.actions, email.actions_lately) == ("email", 1, 1)
    assert email.deliveries == Counter({ShownState.DELIVERED: 1})
    assert email.handed_over_lately == 1
    assert letter.deliveries == Counter({ShownState.HANDED_OVER: 1})
    assert letter.handed_over_lately == 0


def test_an_overview_finds_what_stands_still(database: Database) -> None:
    with database.begin() as connection:
        a_delivery(connection, state="due", next_attempt_at=NOON - minutes(7))
        a_delivery(connection, state="due", next_attempt_at=NOON + minutes(7))
        a_delivery(connection, state="unknown", next_attempt_at=NOON - minutes(9))
        for reason in ("no mailbox", "no mailbox", "no glyph"):
            a_delivery(connection, state="due", held_reason=reason)
        a_delivery(connection, mode="test")

    with database.read() as connection:
        view = overview(connection, mode="live", now=NOON)

    assert (view.actions, view.other_mode) == (6, True)
    assert view.oldest_due == NOON - minutes(7)
    assert view.oldest_unknown == NOON - minutes(9)
    assert view.held == [("no mailbox", 2), ("no glyph", 1)]
    assert view.by_state[ShownState.HELD] == 3


def test_an_action_without_a_carrier_has_a_timeline_of_one_moment(database: Database) -> None:
    with database.begin() as connection:
        action = an_action(connection)

    with database.read() as connection:
        moments = timeline.of_action(connection, action)
        of_nothing = timeline.of_action(connection, new_id())

    assert [one.word for one in moments] == ["accepted"]
    assert of_nothing == []


def test_a_timeline_tells_of_every_recipient(database: Database) -> None:
    with database.begin() as connection:
        action = an_action(connection, recipients=["one", "two"])
        for recipient in ("one", "two"):
            an_attempt(connection, a_delivery(connection, of=action, recipient=recipient))

    with database.read() as connection:
        moments = timeline.of_action(connection, action)

    assert [one.word for one in moments].count("attempt_sent") == 2


def test_a_deliverys_timeline_names_its_receipts_source(database: Database) -> None:
    with database.begin() as connection:
        delivery = a_delivery(connection)
    fact = a_fact(EventWord.BOUNCED, reason="mailbox_full", detail="552 full")
    take(database, a_receipt(delivery, fact))

    with database.read() as connection:
        last = timeline.of_delivery(connection, delivery)[-1]

    assert (last.word, last.source) == ("bounced", "ses")
    assert last.says == "The recipient's mail server sent it back: the mailbox is full."
    assert last.aside == "“552 full”"
