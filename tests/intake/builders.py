"""A small catalogue, an action, and a whole intake to post it to."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from flask.testing import FlaskClient

from services.intake.app import create_app
from services.intake.clients.manage import NewClient, create_client
from services.intake.packs.load import load_entries
from services.intake.settings import Settings
from shared.api_keys import Mode, Scope
from shared.catalogue import Campaign, Case, Channel, Entry, Kind, Policy, Recipient, Template
from shared.database import Database
from shared.migrate import migrate
from shared.privacy import Keyring
from shared.settings import CommonSettings, LogSettings

NOON = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)
KEYRING = Keyring((("test", b"k" * 32),))


@dataclass
class FakeClock:
    """Stands still until it is moved."""

    at: dt.datetime = NOON

    def __call__(self) -> dt.datetime:
        return self.at


def an_action(**changes: Any) -> dict[str, Any]:
    """The body of a request that is right; a change to None leaves the field out."""
    body = {
        "case": "mikita",
        "channel": "email",
        "supporter": {"name": "Ana Beispiel", "email": "ana@tools.example", "country": "CH"},
        "words": "I think of you.",
    } | changes
    return {name: value for name, value in body.items() if value is not None}


def a_campaign(**changes: Any) -> Campaign:
    sender = {"name": "W", "email": "w@send.example", "postal": "1 Road", "place": "Town"}
    fields: dict[str, Any] = {
        "slug": "letters-2026",
        "name": "Letters 2026",
        "organiser": "Friends of Letters",
        "opens": dt.date(2026, 1, 1),
        "sender": sender,
        "source": "invented",
    }
    return Campaign(**fields | changes)


def a_policy(**changes: Any) -> Policy:
    fields: dict[str, Any] = {"channels": (Channel.EMAIL,), "kinds": (Kind.APPEAL, Kind.SOLIDARITY)}
    return Policy(**fields | changes)


def a_case(**changes: Any) -> Case:
    fields: dict[str, Any] = {
        "slug": "mikita",
        "campaign": "letters-2026",
        "name": "Mikita",
        "country": "BY",
        "summary": "A young man.",
        "ask": "Let him go.",
        "policy": a_policy(),
        "authorities": ("prosecutor", "minister"),
        "solidarity": ("family",),
        "source": "invented",
    }
    return Case(**fields | changes)


def a_recipient(slug: str, **changes: Any) -> Recipient:
    fields: dict[str, Any] = {
        "slug": slug,
        "kind": "authority",
        "office": f"The {slug}",
        "country": "BY",
        "languages": ("ru", "en"),
        "time_zone": "Europe/Minsk",
        "paper_hold": "invented",
        "source": "invented",
    }
    return Recipient(**fields | changes)


def a_template(language: str = "en", kind: Kind = Kind.APPEAL) -> Template:
    text = "{{ salutation }},\n\n{{ words }}\n\nYours"
    return Template(case="mikita", kind=kind, language=language, subject="Mikita", body=text)


def a_pack(case: Case | None = None, campaign: Campaign | None = None) -> list[Entry]:
    return [
        campaign or a_campaign(),
        case or a_case(),
        a_recipient("prosecutor"),
        a_recipient("minister"),
        a_recipient("stranger"),
        a_recipient("family", kind="solidarity", office="A neighbour who keeps the post"),
        a_template(),
        a_template("ru"),
        a_template(kind=Kind.SOLIDARITY),
    ]


def settings(url: str) -> Settings:
    common = CommonSettings(
        production=False,
        database_url=url,
        privacy_keys="unused:",
        data_dir=Path("var"),
        logs=LogSettings(sentry_dsn="", log_json=False),
    )
    return Settings(
        common=common, host="127.0.0.1", port=0, identity_key=b"i" * 32, max_body_bytes=65_536
    )


@dataclass
class Intake:
    """The service on a database of its own, with a catalogue loaded and one client known."""

    database: Database
    clock: FakeClock
    known: NewClient
    http: FlaskClient = field(init=False)

    @classmethod
    def start(cls, url: str, entries: Iterable[Entry] | None = None) -> Self:
        database = Database(url, KEYRING)
        migrate(database)
        load_entries(database, "test", a_pack() if entries is None else entries)
        known = create_client(database, "a tool", mode=Mode.LIVE, scopes=list(Scope))
        intake = cls(database, FakeClock(), known)
        intake.http = intake.app().test_client()
        return intake

    def app(self) -> Any:
        return create_app(settings("unused"), self.database, self.clock)

    def post(self, body: Any, *, key: str | None = None, **headers: str) -> Any:
        """POST /v1/actions; `key` is the Idempotency-Key."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        named |= {"Idempotency-Key": key} if key is not None else {}
        return self.http.post("/v1/actions", json=body, headers=self.auth() | named)

    def get(self, path: str) -> Any:
        return self.http.get(path, headers=self.auth())

    def auth(self, known: NewClient | None = None) -> dict[str, str]:
        return {"Authorization": f"Bearer {(known or self.known).key}"}
