"""POST /v1/previews, answered by dispatch's own preview service: all is shown, nothing is kept."""

import base64
import datetime as dt
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from services.dispatch import preview_app
from services.dispatch.preview_settings import PreviewSettings
from services.intake.app import create_app
from shared.catalogue import Channel, Entry, Holder, Kind, Mailbox, PostalAddress
from shared.database import Database
from shared.pages import page_picture
from shared.privacy import Keyring
from shared.settings import LogSettings
from shared.tables.columns import METADATA
from shared.wsgi import listening
from tests.intake.builders import (
    NOON,
    Intake,
    a_campaign,
    a_case,
    a_pack,
    a_policy,
    a_recipient,
    a_template,
    an_action,
    settings,
)

KEY = "k" * 32
SECRET = "7 Hidden Street"
LETTER: dict[str, Any] = {"channel": "letter", "recipients": ["prosecutor"]}
# Written at every request, whatever it asks for: when a key was used, and how often.
_OF_THE_DOOR = {"api_keys", "client_usage"}


@dataclass
class Previewing:
    """An intake beside a preview service, on one catalogue."""

    intake: Intake
    url: str
    http: Any = field(init=False)

    def __post_init__(self) -> None:
        told = replace(settings("unused"), preview_url=self.url, preview_key=KEY)
        app = create_app(told, self.intake.database, self.intake.clock)
        self.http = app.test_client()

    def preview(self, accept: str = "application/json", **changes: Any) -> Any:
        headers = {**self.intake.auth(), "Accept": accept}
        return self.http.post("/v1/previews", json=an_action(**changes), headers=headers)


def the_pack(**policy: Any) -> list[Entry]:
    channels = (Channel.EMAIL, Channel.LETTER, Channel.PETITION, Channel.PUBLIC)
    kinds = tuple(Kind)
    reachable = {
        "salutations": {"en": "Dear Prosecutor", "pt": "Prezado Procurador"},
        "holders": (Holder(name="Vera Holder", source="invented"),),
        "addresses": (PostalAddress(lines=("1 Road",), country="BY", source="invented"),),
        "mailboxes": (Mailbox(email="office@prosecutor.example", source="invented"),),
        "paper_hold": None,
    }
    hidden = {
        "kind": "solidarity",
        "office": "A neighbour who keeps the post",
        "salutations": {"en": "Dear Mikita"},
        "addresses": (PostalAddress(lines=(SECRET,), country="PL", source="invented"),),
        "paper_hold": None,
    }
    return [
        *a_pack(a_case(policy=a_policy(channels=channels, kinds=kinds, **policy))),
        a_recipient("prosecutor", **reachable),
        a_recipient("family", **hidden),
        a_template("pt"),
    ]


@contextmanager
def previewing(folder: Path, pack: list[Entry]) -> Iterator[Previewing]:
    """Both services, as in production: the one that renders has no key of privacy."""
    url = f"sqlite:///{folder / 'writ.db'}"
    intake, catalogue = Intake.start(url, pack), Database(url, Keyring(()))
    told = PreviewSettings(
        database_url="unused",
        host="127.0.0.1",
        port=0,
        key=KEY,
        logs=LogSettings(sentry_dsn="", log_json=True),
    )
    app = preview_app.create_app(told, catalogue, intake.clock)
    with listening(app, "127.0.0.1", 0, threads=2) as port:
        yield Previewing(intake, f"http://127.0.0.1:{port}")
    intake.database.close()
    catalogue.close()


@pytest.fixture
def writ(tmp_path: Path) -> Iterator[Previewing]:
    with previewing(tmp_path, the_pack()) as both:
        yield both


@pytest.fixture
def intake(tmp_path: Path) -> Iterator[Intake]:
    """Alone."""
    intake = Intake.start(f"sqlite:///{tmp_path / 'writ.db'}", the_pack())
    yield intake
    intake.database.close()


def stored(intake: Intake) -> dict[str, list[Any]]:
    """Every row of every table."""
    tables = [table for table in METADATA.sorted_tables if table.name not in _OF_THE_DOOR]
    with intake.database.read() as connection:
        return {
            table.name: [str(tuple(row)) for row in connection.execute(select(table))]
            for table in tables
        }


def codes(warnings: list[dict[str, str]]) -> list[str]:
    return [one["code"] for one in warnings]


def test_an_email_is_shown_with_its_carrier_its_holder_and_its_language(writ: Previewing) -> None:
    answer = writ.preview(recipients=["prosecutor"]).json

    [shown] = answer["previews"]
    assert shown["recipient"] == {"slug": "prosecutor", "office": "The prosecutor"}
    assert shown["holder"] == "Vera Holder"
    assert (shown["carrier"], shown["why"]) == ("single", "A message of its own, due at once.")
    assert shown["subject"] == "Mikita"
    assert shown["text"].startswith("Dear Prosecutor,\n\nI think of you.\n\nYours\n\nAna Beispiel")
    assert "I think of you." in shown["html"]
    assert (shown["pdf"], shown["pages"], shown["warnings"]) == (None, [], [])
    assert (answer["status"], answer["warnings"]) == ("accepted", [])


def test_a_letter_is_shown_as_a_file_and_as_pictures_of_it(writ: Previewing) -> None:
    [shown] = writ.preview(**LETTER).json["previews"]

    pdf, [page] = base64.b64decode(shown["pdf"]), shown["pages"]
    assert pdf.startswith(b"%PDF-1.7")
    assert base64.b64decode(page) == page_picture(pdf, 0)


@pytest.mark.parametrize(
    ("media", "starts"), [("application/pdf", b"%PDF"), ("image/png", b"\x89PNG")]
)
def test_who_asks_for_the_document_itself_gets_it(
    media: str, starts: bytes, writ: Previewing
) -> None:
    answer = writ.preview(accept=media, **LETTER)

    assert (answer.status_code, answer.mimetype) == (200, media)
    assert answer.data.startswith(starts)


def test_there_is_no_document_of_an_email(writ: Previewing) -> None:
    answer = writ.preview(accept="application/pdf", recipients=["prosecutor"])

    assert (answer.status_code, answer.json["code"]) == (406, "no_document")


@pytest.mark.parametrize(
    ("asked", "used", "why"),
    [
        ("en", "en", "The case has a text in this language."),
        ("pt-BR", "pt", "The case has no text in pt-BR; its text in pt serves it."),
    ],
)
def test_the_language_used_is_told_and_why(
    asked: str, used: str, why: str, writ: Previewing
) -> None:
    answer = writ.preview(language=asked, recipients=["prosecutor"]).json

    assert answer["language"] == {"asked": asked, "used": used, "why": why}


def test_it_has_the_faults_of_an_action(writ: Previewing) -> None:
    wrong = an_action(case="nobody", supporter={"name": "", "country": "XX"}, language="de")

    refused = writ.preview(**wrong)
    told = writ.http.post("/v1/actions", json=wrong, headers=writ.intake.auth())

    assert refused.status_code == told.status_code == 422
    assert refused.json["errors"] == told.json["errors"]
    assert len(refused.json["errors"]) == 3


def test_what_would_hold_the_action_is_told(writ: Previewing) -> None:
    answer = writ.preview(words="Read https://links.example", recipients=["prosecutor"]).json

    assert (answer["status"], codes(answer["warnings"])) == ("held", ["link"])
    assert answer["previews"][0]["text"]


def test_a_campaign_that_asks_for_a_confirmation_says_so(tmp_path: Path) -> None:
    with previewing(tmp_path, [*the_pack(), a_campaign(confirmation=True)]) as writ:
        answer = writ.preview(recipients=["prosecutor"]).json

    assert (answer["status"], codes(answer["warnings"])) == ("unconfirmed", ["confirmation"])


def test_an_embargo_is_told_with_its_end(tmp_path: Path) -> None:
    with previewing(tmp_path, the_pack(embargo_until=NOON + dt.timedelta(days=1))) as writ:
        answer = writ.preview(recipients=["prosecutor"]).json

    [warning] = answer["previews"][0]["warnings"]
    assert warning["code"] == "embargo"
    assert "until 02 June 2026 12:00 UTC" in warning["detail"]


def test_of_a_solidarity_recipient_only_the_letter_is_shown(writ: Previewing) -> None:
    answer = writ.preview(kind="solidarity", channel="letter")

    [shown] = answer.json["previews"]
    assert shown["recipient"] == {"slug": "family", "office": None}
    assert shown["holder"] is None
    assert shown["pdf"]
    for secret in (SECRET, "neighbour", "POLAND"):
        assert secret.encode() not in answer.data


@pytest.mark.parametrize(
    ("kind", "channel", "recipients"),
    [("public_post", "public", []), ("appeal", "own_post", ["prosecutor", "minister"])],
)
def test_what_is_only_counted_is_never_sent(
    kind: str, channel: str, recipients: list[str], writ: Previewing
) -> None:
    answer = writ.preview(kind=kind, channel=channel).json

    assert [one["recipient"]["slug"] for one in answer["previews"]] == recipients
    assert {one["carrier"] for one in answer["previews"]} <= {None}
    assert answer["status"] == "accepted"


def test_a_signature_waits_for_its_petition(writ: Previewing) -> None:
    answer = writ.preview(kind="signature", channel="petition", recipients=["prosecutor"]).json

    [shown] = answer["previews"]
    assert (shown["carrier"], codes(shown["warnings"])) == ("petition", ["held"])


def test_nothing_is_stored(writ: Previewing, tmp_path: Path) -> None:
    rows, files = stored(writ.intake), sorted(tmp_path.rglob("*"))

    for changes in ({}, LETTER, {"kind": "solidarity"}, {"words": "https://links.example"}):
        assert writ.preview(**changes).status_code == 200

    assert stored(writ.intake) == rows
    assert sorted(tmp_path.rglob("*")) == files


def test_nobodys_words_are_logged(writ: Previewing) -> None:
    with capture_logs() as lines:
        writ.preview(words="canary", supporter={"name": "Canary", "email": "canary@tools.example"})

    assert "canary" not in str(lines).lower()


def test_without_a_preview_service_it_says_so(intake: Intake) -> None:
    answer: Any = intake.http.post("/v1/previews", json=an_action(), headers=intake.auth())

    assert (answer.status_code, answer.json["code"]) == (503, "previews_unavailable")


def test_a_preview_service_that_is_away_is_told_and_counted_things_are_not_asked_for(
    intake: Intake,
) -> None:
    with socket.socket() as taken:  # bound, and nobody listens
        taken.bind(("127.0.0.1", 0))
        away = Previewing(intake, f"http://127.0.0.1:{taken.getsockname()[1]}")

        answer, counted = away.preview(), away.preview(channel="own_post")

    assert (answer.status_code, answer.json["code"]) == (503, "previews_unavailable")
    assert answer.headers["Retry-After"] == "5"
    assert counted.status_code == 200


def test_a_preview_service_with_another_key_is_as_good_as_away(writ: Previewing) -> None:
    told = replace(settings("unused"), preview_url=writ.url, preview_key="x" * 32)
    http = create_app(told, writ.intake.database, writ.intake.clock).test_client()

    with capture_logs() as lines:
        answer = http.post("/v1/previews", json=an_action(), headers=writ.intake.auth())

    assert answer.status_code == 503
    [said] = [line for line in lines if line["event"] == "previews_away"]
    assert (said["status"], said["code"]) == (401, "key_invalid")
