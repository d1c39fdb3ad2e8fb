"""A page for the top of a pile: set by dispatch, its code leading to the pile's own page."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pypdfium2
import pytest
from sqlalchemy import select

from services.dispatch import preview_app
from services.dispatch.preview_settings import PreviewSettings
from services.intake.app import create_app
from services.intake.counts.cover_sheets import languages, pile_links, words
from shared import spoken
from shared.catalogue import CHANNELS_OF, Channel, Kind
from shared.database import Database
from shared.pages import PDFIUM
from shared.privacy import Keyring
from shared.settings import LogSettings
from shared.tables.writing_events import reported_counts
from shared.wsgi import listening
from tests.intake.builders import Intake, a_case, a_pack, a_policy, settings
from tests.intake.test_counts import a_count, faults

KEY = "k" * 32
PUBLIC = "https://letters.example"
LINKS = pile_links(b"i" * 32, PUBLIC)
PAPER = (Channel.LETTER, Channel.POSTCARD)


@dataclass
class Printing:
    intake: Intake
    http: Any = field(repr=False)

    def post(self, query: str = "", **changes: Any) -> Any:
        body = a_count(number=None) | changes
        headers = self.intake.auth()
        return self.http.post(f"/v1/cover-sheets{query}", json=body, headers=headers)

    def get(self, path: str) -> Any:
        return self.http.get(path, headers=self.intake.auth())

    def rows(self) -> list[Any]:
        with self.intake.database.read() as connection:
            return list(connection.execute(select(reported_counts)))


@pytest.fixture
def writ(tmp_path: Path) -> Iterator[Printing]:
    url = f"sqlite:///{tmp_path / 'writ.db'}"
    case = a_case(policy=a_policy(channels=(*PAPER, Channel.EMAIL)))
    intake, catalogue = Intake.start(url, a_pack(case)), Database(url, Keyring(()))
    told = PreviewSettings(
        database_url="unused",
        host="127.0.0.1",
        port=0,
        key=KEY,
        logs=LogSettings(sentry_dsn="", log_json=True),
    )
    app = preview_app.create_app(told, catalogue, intake.clock)
    with listening(app, "127.0.0.1", 0, threads=2) as port:
        preview_url = f"http://127.0.0.1:{port}"
        own = replace(
            settings("unused"), preview_url=preview_url, preview_key=KEY, public_url=PUBLIC
        )
        yield Printing(intake, create_app(own, intake.database, intake.clock).test_client())
    intake.database.close()
    catalogue.close()


def text_of(pdf: bytes) -> str:
    with PDFIUM, pypdfium2.PdfDocument(pdf) as document:
        [page] = list(document)
        return " ".join(page.get_textpage().get_text_range().split())


def test_a_sheet_says_what_lies_below_it_and_where_it_goes(writ: Printing) -> None:
    answer = writ.post()

    [row] = writ.rows()
    said = text_of(answer.data)
    assert (answer.status_code, answer.mimetype) == (201, "application/pdf")
    assert answer.headers["Location"] == f"/v1/counts/{row.id}"
    for words_ in (
        *("Mikita", "Letters 2026", "Letters to the authorities", "Kirchenfeld school"),
        *("20 May 2026", "Friends of Letters", "1 Road", "write the number here"),
    ):
        assert words_ in said
    assert LINKS.token(row.id)[:8] in said


def test_before_anybody_counted_it_counts_nothing(writ: Printing) -> None:
    here = writ.post().headers["Location"]

    assert writ.get(here).json["number"] is None
    assert [row.number for row in writ.rows()] == [0]


def test_a_number_that_is_known_is_printed(writ: Printing) -> None:
    said = text_of(writ.post(number=12_500).data)

    assert "12,500" in said
    assert "write the number here" not in said


def test_the_same_reference_is_the_same_pile(writ: Printing) -> None:
    first, again = writ.post(reference="event-1"), writ.post(reference="event-1")

    assert again.data == first.data
    assert again.headers["Location"] == first.headers["Location"]
    assert len(writ.rows()) == 1


def test_a_number_reported_later_fills_the_box(writ: Printing) -> None:
    here = writ.post(reference="event-1").headers["Location"]
    body = a_count(reference="event-1", number=88)

    told = writ.http.post("/v1/counts", json=body, headers=writ.intake.auth())

    assert (told.status_code, told.json["number"]) == (201, 88)
    assert "88" in text_of(writ.get(f"{here}/cover-sheet").data)
    assert "88" in text_of(writ.post(reference="event-1").data)


def test_every_count_has_its_sheet(writ: Printing) -> None:
    told = writ.http.post("/v1/counts", json=a_count(), headers=writ.intake.auth()).json

    sheet = writ.get(told["links"]["cover_sheet"])

    assert (sheet.status_code, sheet.mimetype) == (200, "application/pdf")
    assert LINKS.token(UUID(told["id"]))[:8] in text_of(sheet.data)


@pytest.mark.parametrize("language", sorted(languages()))
def test_it_is_set_in_every_language_we_speak(language: str, writ: Printing) -> None:
    answer = writ.post(query=f"?language={language}")

    assert answer.status_code == 201
    assert answer.data.startswith(b"%PDF")


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"channel": "email"}, ("/channel", "not_on_paper")),
        ({"channel": "own_post"}, ("/channel", "not_on_paper")),
        ({"organiser": ""}, ("/organiser", "empty")),
        ({"organiser": "\U00012000"}, ("/organiser", "not_printable")),
    ],
)
def test_what_cannot_be_printed_leaves_no_count_behind(
    changes: dict[str, Any], fault: tuple[str, str], writ: Printing
) -> None:
    refused = writ.post(**changes)

    assert (refused.status_code, faults(refused)) == (422, {fault})
    assert writ.rows() == []


def test_there_is_no_sheet_of_what_is_not_on_paper_or_was_withdrawn(writ: Printing) -> None:
    emails = writ.http.post(
        "/v1/counts", json=a_count(channel="email"), headers=writ.intake.auth()
    ).json
    gone = writ.post().headers["Location"]
    writ.http.delete(gone, headers=writ.intake.auth())

    none, closed = (
        writ.get(emails["links"]["cover_sheet"]),
        writ.get(f"{gone}/cover-sheet"),
    )

    assert (none.status_code, none.json["code"]) == (409, "no_cover_sheet")
    assert (closed.status_code, closed.json["code"]) == (409, "count_withdrawn")


def test_nothing_is_sent_in_for_a_case_that_was_stopped(tmp_path: Path) -> None:
    case = a_case(policy=a_policy(channels=PAPER, stopped=True))
    intake = Intake.start(f"sqlite:///{tmp_path / 'writ.db'}", a_pack(case))

    refused = Printing(intake, intake.http).post()
    counted = intake.http.post("/v1/counts", json=a_count(), headers=intake.auth())
    intake.database.close()

    assert faults(refused) == {("/case", "case_stopped")}
    assert counted.status_code == 201


def test_without_a_preview_service_it_says_so_and_stores_nothing(writ: Printing) -> None:
    alone = Printing(writ.intake, writ.intake.http)

    answer = alone.post()

    assert (answer.status_code, answer.json["code"]) == (503, "previews_unavailable")
    assert writ.rows() == []


def test_a_pile_may_be_told_of_for_half_a_year(writ: Printing) -> None:
    writ.post()
    page = f"/pile/{LINKS.token(writ.rows()[0].id)}"

    writ.intake.clock.at += dt.timedelta(days=179)
    assert writ.http.get(page).status_code == 200

    writ.intake.clock.at += dt.timedelta(days=1)
    assert writ.http.get(page).status_code == 410


def test_every_language_says_everything() -> None:
    assert set(languages()) == set(spoken.languages())
    assert {frozenset(words(language)) for language in languages()} == {frozenset(words("en"))}
    for kind, channels in CHANNELS_OF.items():
        piles = {*channels} & {*PAPER, Channel.PETITION}
        assert all(f"{Kind(kind).value}/{channel.value}" in words("en") for channel in piles)
