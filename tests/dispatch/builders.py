"""A small catalogue, rows for every table dispatch reads, and a desk whose providers are fakes."""

import datetime as dt
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self
from uuid import UUID

from sqlalchemy import Table, insert, select, update

from services.dispatch.admission import Admission
from services.dispatch.deliver import Desk, deliver
from services.dispatch.documents import Documents
from services.dispatch.due import Due
from services.dispatch.prepare import Preparer
from services.dispatch.providers.contract import Email, Letter, Taken
from services.dispatch.rendering.letter import Letter as SetLetter
from services.dispatch.rendering.letter import LetterPress, LetterRequest
from services.dispatch.routing import make_route
from services.dispatch.settings import Settings
from services.dispatch.vendor_settings.print_vendor import PrintVendorSettings
from shared.catalogue import (
    Catalogue,
    Channel,
)
from shared.clock import new_id
from shared.database import Database
from shared.migrate import migrate
from shared.privacy import Keyring
from shared.settings import CommonSettings, LogSettings
from shared.tables.dispatch import AttemptState, DeliveryState, attempts, carriages, deliveries
from shared.tables.intake import actions
from shared.tables.tracking import commands
from tests.dispatch.entries import a_catalogue
from tests.personal import opened, sealing

NOON = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)
KEYRING = Keyring((("test", b"k" * 32),))


@dataclass
class FakeClock:
    """Stands still until it is moved."""

    at: dt.datetime = NOON

    def __call__(self) -> dt.datetime:
        return self.at

    def pass_s(self, seconds: float) -> None:
        self.at += dt.timedelta(seconds=seconds)


Answer = Taken | Exception | Callable[[Email | Letter], Taken]


@dataclass
class FakeProvider:
    """Writes down every call and answers from its script; after its end, takes everything."""

    name: str
    script: list[Answer] = field(default_factory=list)
    found: list[Taken | Exception | None] = field(default_factory=list)
    calls: list[UUID] = field(default_factory=list)
    handed: list[Email | Letter] = field(default_factory=list)
    asked: list[UUID] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def send(self, email: Email) -> Taken:
        return self._answer(email)

    def order(self, letter: Letter) -> Taken:
        return self._answer(letter)

    def find(self, delivery_id: UUID) -> Taken | None:
        self.asked.append(delivery_id)
        answer = self.found.pop(0) if self.found else None
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _answer(self, handed: Email | Letter) -> Taken:
        with self._lock:
            self.calls.append(handed.delivery_id)
            self.handed.append(handed)
            answer = self.script.pop(0) if self.script else None
        if isinstance(answer, Exception):
            raise answer
        if callable(answer):
            return answer(handed)
        return answer or Taken(provider_id=f"{self.name}-{len(self.calls)}")


class FakePress(LetterPress):
    """Where what a letter looks like does not matter."""

    def __init__(self) -> None:
        self.set: list[LetterRequest] = []

    def typeset(self, request: LetterRequest) -> SetLetter:
        self.set.append(request)
        return SetLetter(pdf=b"%PDF-1.7", pages=2)


def a_due(**changes: Any) -> Due:
    fields: dict[str, Any] = {
        "id": new_id(),
        "mode": "live",
        "campaign": "letters",
        "case": "mikita",
        "kind": "appeal",
        "channel": "email",
        "language": "en",
        "recipient": "prosecutor",
        "attempts": 0,
        "supporter_name": "Ana Beispiel",
        "supporter_email": "ana@people.example",
        "supporter_country": "CH",
        "words": "I think of him.",
        "consent": {"show_name": True, "show_country": True, "replies": True},
    }
    return Due(**fields | changes)


def dispatch_settings(data_dir: Path, **changes: Any) -> Settings:
    common = CommonSettings(
        production=False,
        database_url="sqlite://",
        privacy_keys="unused:",
        data_dir=data_dir,
        logs=LogSettings(sentry_dsn="", log_json=True),
    )
    fields: dict[str, Any] = {
        "common": common,
        "broker_url": "stub://",
        "threads": 2,
        "chunk": 20,
        "connect_timeout_s": 1,
        "read_timeout_s": 1,
        "claim_ttl_s": 300,
        "poll_s": 0.01,
        "rewake_s": 120,
        "backlog": 2000,
        "pace": False,
        "domain_per_hour": 1200,
        "ses_region": "eu-central-1",
        "ses_endpoint_url": "",
        "ses_configuration_set": "writ",
        "ses_tenant": "",
        "smtp": None,
        "vendor": PrintVendorSettings(url="http://127.0.0.1:9", api_key="key"),
    }
    return Settings(**fields | changes)


def a_delivery_row(**changes: Any) -> dict[str, Any]:
    """Due and woken, as the relay planned it."""
    return {
        "id": new_id(),
        "carrier": "single",
        "mode": "live",
        "campaign": "letters",
        "case": "mikita",
        "kind": "appeal",
        "channel": "email",
        "language": "en",
        "recipient": "prosecutor",
        "why": "a test",
        "state": DeliveryState.DUE,
        "next_attempt_at": NOON,
        "woken_at": NOON,
        "attempts": 0,
        "planned_at": NOON,
    } | changes


@dataclass
class World:
    """A database with the tables of this version, and a desk on it."""

    database: Database
    data_dir: Path
    clock: FakeClock = field(default_factory=FakeClock)
    catalogue: Catalogue = field(default_factory=a_catalogue)
    emails: FakeProvider = field(default_factory=lambda: FakeProvider("ses"))
    letters: FakeProvider = field(default_factory=lambda: FakeProvider("print_vendor"))
    press: FakePress = field(default_factory=FakePress)
    paced: bool = False
    domain_per_hour: int = 0

    @classmethod
    @contextmanager
    def on(cls, url: str, data_dir: Path) -> Iterator[Self]:
        database = Database(url, KEYRING)
        migrate(database)
        try:
            yield cls(database, data_dir)
        finally:
            database.close()

    def desk(self, **changes: Any) -> Desk:
        desk = Desk(
            database=self.database,
            preparer=Preparer(lambda: self.catalogue, self.press),
            documents=Documents(self.data_dir),
            route=make_route({Channel.EMAIL: self.emails, Channel.LETTER: self.letters}),
            admission=Admission(
                catalogue=lambda: self.catalogue,
                clock=self.clock,
                paced=self.paced,
                domain_per_hour=self.domain_per_hour,
            ),
            clock=self.clock,
            chunk=20,
            claim_ttl_s=300,
        )
        return replace(desk, **changes)

    def deliver(self, *ids: UUID, **changes: Any) -> None:
        deliver(ids, self.desk(**changes))

    def an_action(self, **changes: Any) -> UUID:
        """Accepted, and not planned yet."""
        row = {
            "id": new_id(),
            "client_id": new_id(),
            "mode": "live",
            "campaign": "letters",
            "case": "mikita",
            "kind": "appeal",
            "channel": "email",
            "language": "en",
            "recipients": ["prosecutor"],
            "standing": "clear",
            "supporter_identity": b"i" * 32,
            "supporter_ref": "i" * 26,
            "supporter_name": "Ana Beispiel",
            "supporter_email": "ana@people.example",
            "supporter_country": "CH",
            "words": "I think of him.",
            "consent": {"show_name": True, "show_country": True, "replies": True},
            "occurred_at": NOON,
            "accepted_at": NOON,
        } | changes
        return self._insert(actions, row)

    def a_delivery(
        self,
        *,
        words: str | None = "I think of him.",
        supporter: Mapping[str, Any] | None = None,
        **changes: Any,
    ) -> UUID:
        """Due and woken, with one action on it; `supporter`: what of them is not as usual."""
        row = a_delivery_row(**changes)
        action = self.an_action(
            recipients=[row["recipient"]],
            channel=row["channel"],
            mode=row["mode"],
            words=words,
            **(supporter or {}),
        )
        carriage = {"action_id": action, "recipient": row["recipient"], "delivery_id": row["id"]}
        with self.database.begin() as connection:
            connection.execute(insert(carriages), [carriage])
        return self._insert(deliveries, row)

    def an_attempt(self, delivery_id: UUID, **changes: Any) -> UUID:
        row = {
            "id": new_id(),
            "delivery_id": delivery_id,
            "number": 1,
            "state": AttemptState.UNKNOWN,
            "provider": "ses",
            "idempotency_key": str(delivery_id),
            "started_at": NOON,
        } | changes
        return self._insert(attempts, row)

    def an_unknown(self, **changes: Any) -> tuple[UUID, UUID]:
        """A delivery nobody can tell of, and its one attempt."""
        unknown: dict[str, Any] = {"state": DeliveryState.UNKNOWN, "attempts": 1, "woken_at": None}
        delivery_id = self.a_delivery(**(unknown | changes))
        provider = self.letters if changes.get("channel") == Channel.LETTER else self.emails
        return delivery_id, self.an_attempt(delivery_id, provider=provider.name)

    def a_command(self, verb: str, delivery_id: UUID, **changes: Any) -> UUID:
        row = {
            "id": new_id(),
            "verb": verb,
            "delivery_id": delivery_id,
            "attempt_id": None,
            "arguments": {},
            "given_by": "ops",
            "why": "because",
            "given_at": NOON,
        } | changes
        return self._insert(commands, row)

    def wake(self, delivery_id: UUID) -> None:
        """As the relay does when its turn has come."""
        with self.database.begin() as connection:
            connection.execute(
                update(deliveries)
                .where(deliveries.c.id == delivery_id)
                .values(woken_at=self.clock.at)
            )

    def delivery(self, delivery_id: UUID) -> Any:
        [row] = self.rows(deliveries, deliveries.c.id == delivery_id)
        return row

    def attempts(self, delivery_id: UUID) -> list[Any]:
        found = self.rows(attempts, attempts.c.delivery_id == delivery_id)
        return [opened(row) for row in sorted(found, key=lambda row: int(row.number))]

    def rows(self, table: Table, *where: Any) -> list[Any]:
        with self.database.read() as connection:
            return list(connection.execute(select(table).where(*where)))

    def _insert(self, table: Table, row: dict[str, Any]) -> UUID:
        with self.database.begin() as connection:
            connection.execute(insert(table), [sealing(table, row)])
        found: UUID = row["id"]
        return found
