"""The pages behind a link: a GET changes nothing, a POST answers once, and each page is honest."""

import datetime as dt
import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from services.intake.confirmation.confirm import Confirmations
from shared import spoken
from shared.catalogue import CHANNELS_OF
from shared.tables.intake import Standing, actions
from tests.house.tree import ROOT
from tests.intake.builders import NOON, Intake, a_campaign, a_pack, an_action

WORDS, EMAIL, DEEDS = (
    json.loads((ROOT / path).read_text(encoding="utf-8"))
    for path in (
        "services/intake/edges/confirm.json",
        "services/dispatch/rendering/notice.json",
        "shared/spoken.json",
    )
)
CONFIRMATIONS = Confirmations(b"i" * 32, "http://x.example", lambda: NOON)


@pytest.fixture
def intake(tmp_path: Path) -> Iterator[Intake]:
    """Its campaign asks every supporter for a confirmation."""
    pack = a_pack(campaign=a_campaign(confirmation=True))
    intake = Intake.start(f"sqlite:///{tmp_path / 'writ.db'}", pack)
    yield intake
    intake.database.close()


def test_a_get_shows_what_was_done_and_changes_nothing(intake: Intake) -> None:
    page = asked(intake)

    first, again = intake.http.get(page), intake.http.get(page)

    assert first.status_code == again.status_code == 200
    assert all(said in first.text for said in ("Mikita", "An email to the authorities", "1 June"))
    assert standing(intake) == Standing.UNCONFIRMED


def test_it_names_no_supporter(intake: Intake) -> None:
    page = intake.http.get(asked(intake)).text

    assert not re.search("Ana|Beispiel|tools.example|I think of you", page)


def test_a_yes_confirms_and_shows_the_same_page_to_whoever_comes_back(intake: Intake) -> None:
    page = asked(intake)

    answered = intake.http.post(page, data={"answer": "yes"})
    shown = intake.http.get(page + answered.headers["Location"])

    assert (answered.status_code, answered.headers["Location"]) == (303, "?lang=en")
    assert standing(intake) == Standing.CLEAR
    assert "It is confirmed." in shown.text
    assert "<button" not in shown.text


def test_a_no_disowns(intake: Intake) -> None:
    page = asked(intake)

    intake.http.post(page, data={"answer": "no"})

    assert standing(intake) == Standing.DISOWNED
    assert "You said that this was not you." in intake.http.get(page).text


@pytest.mark.parametrize("data", [{}, {"answer": "perhaps"}, {"yes": "yes"}])
def test_a_post_that_says_neither_answers_nothing(intake: Intake, data: dict[str, str]) -> None:
    answered = intake.http.post(asked(intake), data=data)

    assert answered.status_code == 303
    assert standing(intake) == Standing.UNCONFIRMED


def test_a_link_whose_time_is_over_says_so_and_takes_no_answer(intake: Intake) -> None:
    page = asked(intake)
    intake.clock.at += dt.timedelta(days=7)

    intake.http.post(page, data={"answer": "yes"})
    shown = intake.http.get(page)

    assert shown.status_code == 410
    assert "Nobody said yes before" in shown.text
    assert standing(intake) == Standing.UNCONFIRMED


def test_a_broken_link_says_what_to_do(intake: Intake) -> None:
    shown = intake.http.get(asked(intake)[:-4])

    assert shown.status_code == 404
    assert "copy the whole link" in shown.text


def test_an_answer_to_a_broken_link_is_none(intake: Intake) -> None:
    page = asked(intake)[:-4]

    answered = intake.http.post(page, data={"answer": "yes"})

    assert answered.status_code == 303
    assert standing(intake) == Standing.UNCONFIRMED


def test_what_was_settled_otherwise_is_not_asked(intake: Intake) -> None:
    page = asked(intake)
    with intake.database.begin() as connection:
        connection.execute(actions.update().values(standing=Standing.REJECTED))

    assert "There is nothing to answer any more." in intake.http.get(page).text


def test_confirming_is_not_agreeing_to_mailings(intake: Intake) -> None:
    page = asked(intake)

    assert "signs you up for nothing else" in intake.http.get(page).text


def test_who_agreed_to_mailings_is_told_that_this_is_another_matter(intake: Intake) -> None:
    page = asked(intake, consent={"mailings": True})

    assert "That was a question of its own" in intake.http.get(page).text


def test_a_page_speaks_the_language_of_the_action(intake: Intake) -> None:
    page = intake.http.get(asked(intake, language="ru"))

    assert '<html lang="ru" dir="ltr">' in page.text
    assert "Это были вы?" in page.text


def test_another_language_may_be_asked_for_and_stays(intake: Intake) -> None:
    page = asked(intake) + "?lang=ar"

    shown = intake.http.get(page)
    answered = intake.http.post(page, data={"answer": "yes"})

    assert '<html lang="ar" dir="rtl">' in shown.text
    assert "<bdi>Letters 2026</bdi>" in shown.text
    assert answered.headers["Location"] == "?lang=ar"


def test_a_language_that_nobody_speaks_here_is_not_echoed(intake: Intake) -> None:
    shown = intake.http.get(asked(intake) + '?lang="><script>')

    assert shown.status_code == 200
    assert "script" not in shown.text


def test_without_an_action_the_browser_chooses_the_language(intake: Intake) -> None:
    shown = intake.http.get("/confirm/nothing", headers={"Accept-Language": "th,en;q=0.5"})

    assert '<html lang="th"' in shown.text


def test_nothing_is_kept_indexed_framed_or_run(intake: Intake) -> None:
    headers = intake.http.get(asked(intake)).headers

    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "noindex" in headers["X-Robots-Tag"]
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "form-action 'self'; base-uri 'none'; frame-ancestors 'none'" in policy


def test_a_broken_server_is_told_in_html(intake: Intake) -> None:
    page = asked(intake)
    with intake.database.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE actions RENAME TO gone")

    shown = intake.http.get(page, headers={"Accept-Language": "es"})

    assert shown.status_code == 503
    assert shown.mimetype == "text/html"
    assert shown.headers["Retry-After"]
    assert "Algo ha fallado por nuestra parte." in shown.text


def test_no_log_holds_the_link(intake: Intake) -> None:
    page = asked(intake)

    with capture_logs() as said:
        intake.http.get(page)
        intake.http.post(page, data={"answer": "yes"})

    assert {line["event"] for line in said} == {"request", "supporter_answered"}
    assert page.removeprefix("/confirm/") not in str(said)


@pytest.mark.parametrize("look", ["question", "confirmed", "disowned", "expired", "over"])
def test_every_page_is_whole_in_every_language(intake: Intake, look: str) -> None:
    page = asked(intake)
    with intake.database.begin() as connection:
        connection.execute(actions.update().values(**AS_SEEN[look]))

    texts = {one: intake.http.get(f"{page}?lang={one}").text for one in spoken.languages()}

    assert all(f"<h1>{WORDS[one][look]}</h1>" in text for one, text in texts.items())
    assert not any("{" in text.partition("</style>")[2] for text in texts.values())
    assert [open_tags(text) for text in texts.values()] == [[]] * len(texts)


def test_every_language_says_everything() -> None:
    for words in (WORDS, EMAIL, DEEDS):
        assert set(words) == set(spoken.languages())
        assert {frozenset(said) for said in words.values()} == {frozenset(words["en"])}


@pytest.mark.parametrize("language", spoken.languages())
def test_every_action_has_a_name_in_every_language(language: str) -> None:
    for kind, channels in CHANNELS_OF.items():
        for channel in channels:
            assert spoken.deed(kind, channel, language)


AS_SEEN: dict[str, dict[str, Any]] = {
    "question": {"standing": Standing.UNCONFIRMED},
    "confirmed": {"standing": Standing.CLEAR, "confirmed_at": NOON},
    "disowned": {"standing": Standing.DISOWNED},
    "expired": {"standing": Standing.EXPIRED},
    "over": {"standing": Standing.REJECTED},
}


def asked(intake: Intake, **changes: Any) -> str:
    """The path of the page that asks about a new action."""
    answered = intake.post(an_action(**changes))
    assert answered.json["status"] == "unconfirmed"
    return f"/confirm/{CONFIRMATIONS.token(UUID(answered.json['id']))}"


def standing(intake: Intake) -> str:
    with intake.database.read() as connection:
        return str(connection.scalar(select(actions.c.standing)))


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def open_tags(text: str) -> list[str]:
    tags = _Tags()
    tags.feed(text)
    return tags.open
