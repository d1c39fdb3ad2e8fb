"""The console shows what came back to people, and lets nothing of it act."""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from services.tracking.forget import forget
from shared.database import Database
from shared.tables.replies import replies
from tests.tracking.builders import NOON
from tests.tracking.console.world import HOSTILE, a_console
from tests.tracking.inbound.letters import a_bounce, a_mail, an_answer_to
from tests.tracking.inbound.test_keep import keep, sent
from tests.tracking.test_forget import LATER, erased


@pytest.fixture
def console(tmp_path: Path, small_database: Database) -> Iterator[FlaskClient]:
    with a_console(tmp_path, small_database) as client:
        yield client


def test_an_empty_page_says_how_answers_come_here(console: FlaskClient) -> None:
    assert "Nothing has come back" in console.get("/console/replies").text


def test_answers_and_what_matches_nothing_wait_for_people(
    console: FlaskClient, small_database: Database
) -> None:
    answered, absent, bounced = (sent(small_database) for _ in range(3))
    keep(
        small_database,
        an_answer_to(answered),
        an_answer_to(absent, Subject="Automatic reply: x"),
        a_bounce(bounced),
        a_mail("Who may this be from?"),
    )

    page = console.get("/console/replies").text

    assert f"/console/deliveries/{answered}" in page
    assert "Ministry of Justice" in page
    assert "Who may this be from?" in page
    assert f"/console/deliveries/{absent}" not in page
    assert f"/console/deliveries/{bounced}" not in page


@pytest.mark.parametrize(
    ("show", "shown"),
    [
        ("answers", {"answer one"}),
        ("unmatched", {"unmatched one"}),
        ("all", {"answer one", "unmatched one", "absence one"}),
        ("open", {"answer one", "unmatched one"}),
        ("nonsense", {"answer one", "unmatched one"}),
    ],
)
def test_the_list_can_be_narrowed(
    show: str, shown: set[str], console: FlaskClient, small_database: Database
) -> None:
    said = {"answer one", "unmatched one", "absence one"}
    keep(
        small_database,
        an_answer_to(sent(small_database), "answer one"),
        a_mail("unmatched one", Auto_Submitted="auto-replied"),
        an_answer_to(sent(small_database), "absence one", Auto_Submitted="auto-replied"),
    )

    page = console.get(f"/console/replies?show={show}").text

    assert {one for one in said if one in page} == shown


def test_a_long_list_goes_on(console: FlaskClient, small_database: Database) -> None:
    keep(small_database, *(a_mail(f"Number {n}.") for n in range(51)))

    first = console.get("/console/replies?show=unmatched").text
    older = first.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")
    second = console.get(older).text

    assert first.count("Number ") == 50
    assert second.count("Number ") == 1
    assert console.get("/console/replies?before=nonsense").status_code == 200


def test_a_delivery_shows_what_came_back_on_it(
    console: FlaskClient, small_database: Database
) -> None:
    delivery, other = sent(small_database), sent(small_database)
    keep(small_database, an_answer_to(delivery), an_answer_to(other, "To another."))

    page = console.get(f"/console/deliveries/{delivery}").text

    assert "The Minister has asked for a new hearing" in page
    assert "Secretary &lt;secretary@office.example&gt;" in page
    assert "Nothing shows that a machine wrote it." in page
    assert "the mailbox for answers" in page
    assert "To another." not in page


def test_a_strangers_words_are_text_and_nothing_else(
    console: FlaskClient, small_database: Database
) -> None:
    delivery: UUID = sent(small_database)
    keep(small_database, an_answer_to(delivery, HOSTILE, Subject=HOSTILE, From=f"x{HOSTILE}"))

    for path in ("/console/replies", f"/console/deliveries/{delivery}"):
        answer = console.get(path)
        assert "<script>alert" not in answer.text
        assert "&lt;script&gt;alert" in answer.text
        assert "{{ 7 * 7 }}" in answer.text


def test_it_says_what_was_let_go_and_what_was_given_out(
    console: FlaskClient, small_database: Database
) -> None:
    gone, given = sent(small_database), sent(small_database)
    keep(small_database, an_answer_to(gone), an_answer_to(given))
    with small_database.begin() as connection:
        connection.execute(
            update(replies).where(replies.c.delivery_id == given).values(forwarded_at=NOON)
        )
        erased(connection, gone)
    forget(small_database, LATER)

    assert "is not kept any more" in console.get(f"/console/deliveries/{gone}").text
    assert "Given to the campaign tool" in console.get(f"/console/deliveries/{given}").text


def test_who_has_no_password_sees_no_replies(tmp_path: Path, small_database: Database) -> None:
    console = a_console(tmp_path, small_database, password="secret")

    assert console.get("/console/replies").status_code == 401
