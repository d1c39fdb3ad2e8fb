from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from services.tracking.words import ShownState
from shared.clock import new_id
from shared.database import Database
from tests.tracking.builders import NOON, a_delivery, a_fact, an_action, an_attempt, minutes
from tests.tracking.console.world import HOSTILE, a_console, a_letter, an_email
from tests.tracking.test_record import a_receipt, take


@pytest.fixture
def console(tmp_path: Path, small_database: Database) -> Iterator[FlaskClient]:
    with a_console(tmp_path, small_database) as client:
        yield client


def test_the_root_leads_to_the_console(console: FlaskClient) -> None:
    assert console.get("/").headers["Location"] == "/console/"


def test_an_empty_system_says_how_to_begin(console: FlaskClient) -> None:
    page = console.get("/console/").text

    assert "No live action has been accepted yet" in page
    assert "POST /v1/actions" in page


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/console/held", "Nothing is held"),
        ("/console/unknown", "Nothing is unknown"),
        ("/console/search?q=W4R-1", "No delivery fits"),
    ],
)
def test_an_empty_list_says_what_that_means(console: FlaskClient, path: str, said: str) -> None:
    assert said in console.get(path).text


def test_the_overview_counts_actions_and_deliveries(
    console: FlaskClient, small_database: Database
) -> None:
    with small_database.begin() as connection:
        for _ in range(3):
            a_delivery(connection)
        a_delivery(connection, state="unknown")
        a_delivery(connection, state="due", held_reason="No mailbox is known")
        a_delivery(connection, state="due", next_attempt_at=NOON - minutes(125))

    page = console.get("/console/").text

    assert 'aria-label="email: 1 planned, 1 held, 1 unknown, 3 handed over"' in page
    assert "2 hours ago" in page
    assert "No mailbox is known" in page
    assert '<time datetime="2021-12-10T09:55:00+00:00" title="2021-12-10 09:55:00 UTC">' in page


def test_test_mode_is_never_mixed_with_the_live_one(
    console: FlaskClient, small_database: Database
) -> None:
    with small_database.begin() as connection:
        a_delivery(connection, mode="test")

    live, test = console.get("/console/").text, console.get("/console/?mode=test").text

    assert "There are test actions" in live
    assert 'aria-label="email: 1 handed over"' in test


@pytest.mark.parametrize("path", ["/console/live", "/console/deliveries/{id}/live"])
def test_a_live_part_is_sent_again_only_when_it_changed(
    console: FlaskClient, small_database: Database, path: str
) -> None:
    with small_database.begin() as connection:
        delivery = a_delivery(connection)
    path = path.format(id=delivery)
    first = console.get(path)

    again = console.get(path, headers={"If-None-Match": first.headers["ETag"]})

    assert first.status_code == 200
    assert "<html" not in first.text
    assert (again.status_code, again.data) == (304, b"")


def test_a_live_part_tells_of_a_receipt(console: FlaskClient, small_database: Database) -> None:
    with small_database.begin() as connection:
        delivery = a_delivery(connection)
    path = f"/console/deliveries/{delivery}/live"
    tag = console.get(path).headers["ETag"]
    take(small_database, a_receipt(delivery))

    answer = console.get(path, headers={"If-None-Match": tag})

    assert answer.status_code == 200
    assert "Delivered." in answer.text


def test_a_search_joins_its_conditions(console: FlaskClient, small_database: Database) -> None:
    with small_database.begin() as connection:
        wanted = a_delivery(connection, channel="letter", recipient="the-office")
        a_delivery(connection, channel="letter", recipient="another")
        a_delivery(connection, channel="email", recipient="the-office")

    page = console.get("/console/search?channel=letter&recipient=the-office&state=handed_over").text

    assert page.count("/console/deliveries/") == 1
    assert str(wanted) in page
    assert "Ministry of Justice" in page


@pytest.mark.parametrize("by", ["delivery", "action", "reference", "provider_id"])
def test_one_box_finds_ids_of_every_kind(
    console: FlaskClient, small_database: Database, by: str
) -> None:
    with small_database.begin() as connection:
        action = an_action(connection, reference="W4R-1")
        delivery = a_delivery(connection, of=action, provider_id="0102-x")
        a_delivery(connection)
    name = {"delivery": delivery, "action": action, "reference": "W4R-1", "provider_id": "0102-x"}

    page = console.get("/console/search", query_string={"q": f" {name[by]} "}).text

    assert page.count("/console/deliveries/") == 1
    assert f"/console/deliveries/{delivery}" in page


def test_a_long_search_goes_on_with_its_conditions(
    console: FlaskClient, small_database: Database
) -> None:
    with small_database.begin() as connection:
        for _ in range(51):
            a_delivery(connection)

    first = console.get("/console/search?case=zhang-zhan&_anchor=x").text
    older = first.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")
    second = console.get(older).text

    assert "case=zhang-zhan" in older
    assert first.count("/console/deliveries/") == 50
    assert second.count("/console/deliveries/") == 1


@pytest.mark.parametrize("query", ["before=%00", "before=!!", "state=lost", "q=" + "x" * 5000])
def test_an_odd_search_breaks_nothing(console: FlaskClient, query: str) -> None:
    answer = console.get(f"/console/search?{query}")

    assert answer.status_code in {200, 422}
    assert answer.mimetype == "text/html"


@pytest.mark.parametrize("name", ["q", "case", "recipient", "channel"])
def test_a_search_survives_what_postgresql_cannot_read(
    name: str, tmp_path: Path, database: Database
) -> None:
    with database.begin() as connection:
        action = an_action(connection, reference="zhang-zhan")
        a_delivery(connection, of=action, recipient="zhang-zhan", channel="zhang-zhan")

    console = a_console(tmp_path, database)

    found = console.get(f"/console/search?{name}=zhang%00-zhan")
    nothing = console.get(f"/console/search?{name}=zhang-zhan%ED%A0%80")

    assert "/console/deliveries/" in found.text
    assert "No delivery fits" in nothing.text


def test_a_receipt_that_names_half_a_character_is_shown(
    console: FlaskClient, small_database: Database
) -> None:
    with small_database.begin() as connection:
        delivery = a_delivery(connection)
    for body in ('{"Message": "\\ud800"}', "[" * 100_000, "[" * 900 + "]" * 900):
        take(small_database, a_receipt(delivery, body=body))

    assert console.get(f"/console/deliveries/{delivery}").status_code == 200


def test_a_delivery_shows_its_email_and_its_receipts(
    console: FlaskClient, small_database: Database, tmp_path: Path
) -> None:
    with small_database.begin() as connection:
        delivery = a_delivery(connection)
        an_attempt(connection, delivery, document=an_email(tmp_path), holder="Minister Example")
    take(small_database, a_receipt(delivery, a_fact(detail="250 OK"), body='{"a": "<b>"}'))

    page = console.get(f"/console/deliveries/{delivery}").text

    assert '<iframe class="email" sandbox=""' in page
    assert f'src="/console/deliveries/{delivery}/attempts/1/email.html"' in page
    assert "Minister Example" in page
    assert "office@recipient.example" in page
    assert "&#34;a&#34;: &#34;&lt;b&gt;&#34;" in page


def test_a_delivery_shows_a_picture_of_every_page_of_its_letter(
    console: FlaskClient, small_database: Database, tmp_path: Path
) -> None:
    with small_database.begin() as connection:
        delivery = a_delivery(connection, channel="letter")
        an_attempt(connection, delivery, document=a_letter(tmp_path))

    page = console.get(f"/console/deliveries/{delivery}").text

    assert 'alt="Page 1 of 2 of the letter"' in page
    assert 'alt="Page 2 of 2 of the letter"' in page


def test_a_planned_delivery_says_that_nothing_is_rendered_yet(
    console: FlaskClient, small_database: Database
) -> None:
    with small_database.begin() as connection:
        delivery = a_delivery(connection, state="due")

    page = console.get(f"/console/deliveries/{delivery}").text

    assert "Nothing yet" in page
    assert "None yet; due" in page


def test_a_held_delivery_says_why_nothing_is_rendered(
    console: FlaskClient, small_database: Database
) -> None:
    with small_database.begin() as connection:
        delivery = a_delivery(connection, state="due", held_reason="No glyph for one letter")

    page = console.get(f"/console/deliveries/{delivery}").text
    document = page.partition('id="document"')[2].partition("</section>")[0]
    overview = console.get("/console/").text

    assert "It is held: rendering could not be finished." in document
    assert "No glyph for one letter" in document
    assert "Nothing yet" not in page
    assert "Waits for a person at the organisation that runs Writ. No glyph" in page
    assert '<a href="/console/held">No glyph for one letter</a>' in overview


def test_a_test_is_badged_wherever_it_is_shown(
    console: FlaskClient, small_database: Database
) -> None:
    with small_database.begin() as connection:
        delivery = a_delivery(connection, mode="test", provider="dry_run")
        a_delivery(connection, mode="test", state="due", held_reason="No glyph")
        a_delivery(connection, mode="test", state="unknown")
    paths = ("search", "held", "unknown", f"deliveries/{delivery}", f"deliveries/{delivery}/live")

    pages = [console.get(f"/console/{path}").text for path in paths]

    assert all("test: nothing is sent" in page for page in pages)
    assert "It was a test: rendered, and nothing was sent." in pages[-1]
    assert "The provider took it" not in pages[-1]
    assert "What would have been handed over" in pages[-2]


def test_hostile_text_is_shown_as_it_was_typed(
    console: FlaskClient, small_database: Database, tmp_path: Path
) -> None:
    with small_database.begin() as connection:
        action = an_action(connection, reference=HOSTILE)
        told = {"held_reason": HOSTILE, "why": HOSTILE, "recipient": HOSTILE, "case": HOSTILE}
        delivery = a_delivery(connection, of=action, state="due", **told)
        more = {"detail": HOSTILE, "address": HOSTILE, "holder": HOSTILE, "provider_id": HOSTILE}
        an_attempt(connection, delivery, document=an_email(tmp_path), **more)
        sent = a_delivery(connection, of=an_action(connection), recipient=HOSTILE)
    take(small_database, a_receipt(sent, a_fact(detail=HOSTILE), body=HOSTILE))
    about = (f"deliveries/{delivery}", f"deliveries/{delivery}/do/cancel", f"deliveries/{sent}")
    paths = ("", "search", "held", *about)

    pages = [console.get(f"/console/{path}").text for path in paths]

    assert all("<script>alert" not in page for page in pages)
    assert all("{{ 7 * 7 }}" in page for page in pages[1:])


@pytest.mark.parametrize("path", ["/console/nothing", f"/console/deliveries/{UUID(int=1)}"])
def test_what_is_not_there_is_said_on_a_page(console: FlaskClient, path: str) -> None:
    answer = console.get(path)

    assert (answer.status_code, answer.mimetype) == (404, "text/html")
    assert "There is nothing here" in answer.text


@pytest.mark.parametrize("path", ["", "search", "held", "unknown", "nothing"])
def test_pages_allow_no_script_and_no_style_but_their_own(console: FlaskClient, path: str) -> None:
    answer = console.get(f"/console/{path}")

    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert " style=" not in answer.text
    assert "onclick" not in answer.text
    assert "<style" not in answer.text


def test_every_state_has_its_colour(console: FlaskClient) -> None:
    page = console.get("/console/").text
    style = page.partition("/console/assets/console.css?v=")[2].partition('"')[0]

    css = console.get(f"/console/assets/console.css?v={style}")

    assert all(f".s-{state} " in css.text for state in ShownState)
    assert all(f"--{state}: " in css.text for state in ShownState)
    assert "immutable" in css.headers["Cache-Control"]
    assert "@media (prefers-color-scheme: dark){:root{color-scheme:dark" in css.text


def test_bootstrap_is_served_from_here(console: FlaskClient) -> None:
    answer = console.get("/console/assets/bootstrap.css")

    assert answer.text.startswith('@charset "UTF-8";/*!')
    assert "sourceMappingURL" not in answer.text
    assert console.get("/console/assets/none.css").status_code == 404


def test_an_unknown_delivery_is_not_found_while_it_lives(console: FlaskClient) -> None:
    assert console.get(f"/console/deliveries/{new_id()}/live").status_code == 404
