"""The console offers to send again what came back, and leads from either delivery to the other."""

from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from services.tracking.console.door import ConsoleDoor
from services.tracking.words import EventWord
from shared.database import Database
from shared.tables.tracking import commands
from tests.tracking.again import bounced, sent_again
from tests.tracking.builders import KEYRING, a_fact, noon
from tests.tracking.console.test_acts import ask
from tests.tracking.console.world import a_console, verbs
from tests.tracking.test_record import a_receipt, take

BUTTON = "Send again…"


@pytest.fixture
def console(tmp_path: Path, small_database: Database) -> FlaskClient:
    return a_console(tmp_path, small_database)


def test_what_came_back_can_be_sent_again(console: FlaskClient, small_database: Database) -> None:
    delivery = bounced(small_database)
    page = console.get(f"/console/deliveries/{delivery}").text

    answer = ask(console, delivery, "resend", why="they have moved")

    assert BUTTON in page
    assert (answer.status_code, verbs(small_database)) == (303, ["resend"])
    assert "<b>send again</b>" in console.get(answer.headers["Location"]).text
    with small_database.read() as connection:
        wish = connection.execute(select(commands)).one()
    assert (wish.delivery_id, wish.attempt_id, wish.arguments) == (delivery, None, {})


def test_its_form_says_where_it_would_go(console: FlaskClient, small_database: Database) -> None:
    delivery = bounced(small_database)

    form = console.get(f"/console/deliveries/{delivery}/do/resend").text

    assert "to the address that the pack has today" in form
    assert verbs(small_database) == []


def test_asked_twice_it_is_one_command(console: FlaskClient, small_database: Database) -> None:
    delivery = bounced(small_database)

    answers = [ask(console, delivery, "resend") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [303, 303]
    assert verbs(small_database) == ["resend"]


@pytest.mark.parametrize("word", [EventWord.DELIVERED, EventWord.SENT_PROOF, EventWord.COMPLAINED])
def test_what_arrived_or_may_have_offers_no_such_thing(
    console: FlaskClient, small_database: Database, word: EventWord
) -> None:
    delivery = bounced(small_database, word)

    pages = [console.get(f"/console/deliveries/{delivery}{part}").text for part in ("", "/live")]

    assert not [page for page in pages if BUTTON in page]
    assert "the delivery has moved on" in ask(console, delivery, "resend").text


def test_what_came_back_and_was_answered_offers_no_such_thing(
    console: FlaskClient, small_database: Database
) -> None:
    """Its state alone does not say so."""
    delivery = bounced(small_database)
    token = ConsoleDoor("", KEYRING, noon).token(f"resend {delivery}")
    take(small_database, a_receipt(delivery, a_fact(EventWord.ANSWERED)))

    page = console.get(f"/console/deliveries/{delivery}").text
    answer = ask(console, delivery, "resend", token=token)

    assert BUTTON not in page
    assert (answer.status_code, verbs(small_database)) == (409, [])


def test_either_delivery_leads_to_the_other(console: FlaskClient, small_database: Database) -> None:
    delivery = bounced(small_database)
    with small_database.begin() as connection:
        again = sent_again(connection, delivery)

    earlier = console.get(f"/console/deliveries/{delivery}").text
    later = console.get(f"/console/deliveries/{again}").text
    listed = console.get("/console/search?state=bounced").text

    assert f'<a href="/console/deliveries/{again}">sent again</a>' in earlier
    assert BUTTON not in earlier
    assert f'<a href="/console/deliveries/{delivery}">the one before</a>' in later
    assert "Again of" in later
    assert "Sent again as" in earlier
    assert f'href="/console/deliveries/{again}">sent again</a>' in listed


def test_the_earlier_one_still_shows_whose_action_it_carried(
    console: FlaskClient, small_database: Database
) -> None:
    delivery = bounced(small_database)
    with small_database.begin() as connection:
        sent_again(connection, delivery)

    assert "Carries action" in console.get(f"/console/deliveries/{delivery}").text
