"""The door of the preview service: one asker, within bounds, and nothing of it kept or logged."""

import base64
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, insert, select
from structlog.testing import capture_logs

from services.dispatch.preview_app import create_app
from services.dispatch.preview_settings import PreviewSettings
from shared.catalogue import Entry, entry_key
from shared.clock import new_id
from shared.database import Database
from shared.http.problems import MEDIA_TYPE
from shared.migrate import migrate
from shared.pages import page_picture
from shared.previews import COVER_SHEETS, MOST_BYTES, PREVIEWS, Previews
from shared.privacy import Keyring
from shared.settings import Env, LogSettings, SettingError
from shared.tables.columns import METADATA
from shared.tables.intake import catalogue_entries, pack_loads
from tests.dispatch.builders import NOON
from tests.dispatch.entries import a_catalogue
from tests.dispatch.rendering.sheets import a_sheet
from tests.dispatch.test_preview import an_order

KEY = "k" * 32


@dataclass
class Service:
    database: Database
    seconds: float = 10.0
    http: FlaskClient = field(init=False)

    def __post_init__(self) -> None:
        settings = PreviewSettings(
            database_url="unused",
            host="127.0.0.1",
            port=0,
            key=KEY,
            logs=LogSettings(sentry_dsn="", log_json=True),
        )
        app = create_app(settings, self.database, lambda: NOON, seconds=self.seconds)
        self.http = app.test_client()

    def post(self, path: str, body: Any, *, key: str | None = KEY) -> Any:
        headers = {"Authorization": f"Bearer {key}"} if key is not None else {}
        return self.http.post(path, json=body, headers=headers)

    def preview(self, **changes: Any) -> Any:
        return self.post(PREVIEWS, an_order(**changes).model_dump(mode="json"))


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    # As in production: without a key that could open what is sealed.
    database = Database(f"sqlite:///{tmp_path / 'writ.db'}", Keyring(()))
    migrate(database)
    load(database)
    yield Service(database)
    database.close()


def load(database: Database) -> None:
    catalogue = a_catalogue()
    entries: list[Entry] = [
        *catalogue.campaigns.values(),
        *catalogue.cases.values(),
        *catalogue.recipients.values(),
        *catalogue.templates.values(),
    ]
    with database.begin() as connection:
        load = {"pack": "test", "digest": "", "changes": [], "loaded_at": NOON}
        connection.execute(insert(pack_loads).values(version=1, **load))
        for entry in entries:
            kind, key = entry_key(entry)
            row = {"type": kind, "key": key, "version": 1, "pack": "test", "digest": ""}
            document = entry.model_dump(mode="json")
            connection.execute(
                insert(catalogue_entries).values(**row, document=document, current=True)
            )


def rows(database: Database) -> dict[str, int]:
    with database.read() as connection:
        return {
            table.name: connection.scalar(select(func.count()).select_from(table)) or 0
            for table in METADATA.sorted_tables
        }


def test_who_has_the_key_sees_what_would_leave(service: Service) -> None:
    answer = service.preview(channel="letter")

    [shown] = Previews.model_validate_json(answer.data).previews
    assert answer.status_code == 200
    assert page_picture(base64.b64decode(shown.pdf or ""), 0) == base64.b64decode(shown.pages[0])
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", [PREVIEWS, COVER_SHEETS])
@pytest.mark.parametrize("key", [None, "", "k" * 31, "é" * 32])
def test_nobody_else_is_let_in(path: str, key: str | None, service: Service) -> None:
    refused = service.post(path, {"unread": True}, key=key)

    assert (refused.status_code, refused.mimetype) == (401, MEDIA_TYPE)


def test_nothing_is_stored(service: Service, tmp_path: Path) -> None:
    before = rows(service.database), sorted(os.walk(tmp_path))

    service.preview(channel="letter")
    service.post(COVER_SHEETS, a_sheet().model_dump(mode="json"))

    assert (rows(service.database), sorted(os.walk(tmp_path))) == before


def test_nobodys_words_are_logged_not_even_of_what_is_refused(service: Service) -> None:
    with capture_logs() as lines:
        service.preview(words="canary")
        service.post(PREVIEWS, {"words": "canary", "supporter_name": ["canary"]})

    assert [line["status"] for line in lines] == [200, 422]
    assert "canary" not in str(lines)


def test_a_body_without_end_is_not_read(service: Service) -> None:
    refused = service.preview(words="x" * MOST_BYTES)

    assert refused.status_code == 413


def test_a_refusal_quotes_nobody(service: Service) -> None:
    refused = service.post(PREVIEWS, {"words": 7, "supporter_name": {"canary": "canary"}})

    assert refused.status_code == 422
    assert b"canary" not in refused.data


def test_what_takes_too_long_is_given_up(service: Service) -> None:
    answer = Service(service.database, seconds=0).preview()

    assert (answer.status_code, answer.json["code"]) == (503, "too_slow")


def test_a_cover_sheet_is_set(service: Service) -> None:
    answer = service.post(COVER_SHEETS, a_sheet().model_dump(mode="json"))

    assert base64.b64decode(answer.json["pdf"]).startswith(b"%PDF-1.7")


def test_a_cover_sheet_that_no_font_can_show_says_so(service: Service) -> None:
    answer = service.post(COVER_SHEETS, a_sheet(title="\U00012000").model_dump(mode="json"))

    assert (answer.status_code, answer.json["code"]) == (422, "not_printable")
    assert answer.json["detail"] == "no font has U+12000"


def test_it_is_ready_when_the_catalogue_can_be_read(service: Service) -> None:
    assert service.http.get("/livez").json == {"status": "ok"}
    assert service.http.get("/readyz").json == {"status": "ok"}


def test_it_is_not_ready_without_tables(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'empty.db'}", Keyring(()))

    answer = Service(database).http.get("/readyz")
    database.close()

    assert answer.status_code == 503


@pytest.mark.parametrize("key", ["short", "é" * 40])
def test_a_key_that_could_be_guessed_is_refused(key: str) -> None:
    with pytest.raises(SettingError, match="WRIT_PREVIEW_KEY must be"):
        PreviewSettings.from_env(Env({"WRIT_DATABASE_URL": "x", "WRIT_PREVIEW_KEY": key}))


def test_an_unknown_recipient_is_held_and_breaks_nothing(service: Service) -> None:
    answer = service.preview(recipients=(str(new_id()),))

    [shown] = answer.json["previews"]
    assert [one["code"] for one in shown["hindrances"]] == ["held"]
