"""Builds what tracking reads: actions, deliveries, attempts, keys; and the settings it is told."""

import datetime as dt
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, insert

from services.tracking.settings import Settings
from services.tracking.words import EventWord, Fact
from shared.api_keys import Mode, Scope, new_key
from shared.clock import new_id
from shared.database import Database
from shared.migrate import migrate
from shared.privacy import Keyring
from shared.settings import CommonSettings, LogSettings
from shared.tables.dispatch import attempts, carriages, deliveries
from shared.tables.intake import actions, api_clients, api_keys
from tests.personal import sealing

NOON = dt.datetime(2021, 12, 10, 12, tzinfo=dt.UTC)
TOPIC = "arn:aws:sns:eu-central-1:123456789012:writ-events"
KEYS = "test:" + "a2tr" * 10 + "a2s="  # 32 bytes
KEYRING = Keyring.parse(KEYS)
CLIENT = UUID("0190d3a0-0000-7000-8000-00000000c11e")


def noon() -> dt.datetime:
    return NOON


def minutes(number: float) -> dt.timedelta:
    return dt.timedelta(minutes=number)


def a_database(url: str) -> Database:
    database = Database(url, KEYRING)
    migrate(database)
    return database


def some_settings(data_dir: Path, **changes: Any) -> Settings:
    common = CommonSettings(
        production=False,
        database_url=f"sqlite:///{data_dir / 'writ.db'}",
        privacy_keys=KEYS,
        data_dir=data_dir,
        logs=LogSettings(sentry_dsn="", log_json=True),
    )
    told: dict[str, Any] = {
        "common": common,
        "host": "127.0.0.1",
        "port": 8001,
        "sns_topic_arns": (TOPIC,),
        "sns_certificate_file": data_dir / "sandbox-sns.pem",
        "print_webhook_secret": "sandbox-secret",
        "lob_webhook_secret": "",
        "pingen_webhook_secret": "",
        "unknown_margin_s": 1800.0,
        "console_password": "",
    }
    return Settings(**(told | changes))


def an_action(connection: Connection, **changes: Any) -> UUID:
    row: dict[str, Any] = {
        "id": new_id(),
        "client_id": CLIENT,
        "mode": "live",
        "campaign": "write-for-rights-2021",
        "case": "zhang-zhan",
        "kind": "appeal",
        "channel": "email",
        "language": "en",
        "recipients": ["the-office"],
        "standing": "clear",
        "supporter_identity": b"\0" * 32,
        "supporter_ref": "a" * 26,
        "supporter_name": "Ada Example",
        "supporter_email": "ada@supporter.example",
        "supporter_country": "NL",
        "words": None,
        "consent": {"show_name": True, "show_country": True, "replies": False},
        "source": None,
        "reference": None,
        "occurred_at": NOON - minutes(60),
        "accepted_at": NOON - minutes(60),
    } | changes
    connection.execute(insert(actions).values(sealing(actions, row)))
    action_id: UUID = row["id"]
    return action_id


def a_delivery(connection: Connection, *, of: UUID | None = None, **changes: Any) -> UUID:
    """A single delivery with its action: handed over by SES unless told otherwise."""
    row: dict[str, Any] = {
        "id": new_id(),
        "carrier": "single",
        "mode": "live",
        "campaign": "write-for-rights-2021",
        "case": "zhang-zhan",
        "kind": "appeal",
        "channel": "email",
        "language": "en",
        "recipient": "the-office",
        "why": "one action, one email: the mailbox is below its pace",
        "state": "handed_over",
        "held_reason": None,
        "next_attempt_at": NOON - minutes(59),
        "attempts": 1,
        "provider": "ses",
        "provider_id": "0102-message",
        "planned_at": NOON - minutes(59),
        "handed_over_at": NOON - minutes(58),
    } | changes
    connection.execute(insert(deliveries).values(row))
    if of is None:
        same = {name: row[name] for name in ("mode", "campaign", "case", "kind", "channel")}
        of = an_action(connection, **same)
    connection.execute(
        insert(carriages).values(action_id=of, recipient=row["recipient"], delivery_id=row["id"])
    )
    delivery_id: UUID = row["id"]
    return delivery_id


def an_attempt(connection: Connection, delivery_id: UUID, **changes: Any) -> UUID:
    row: dict[str, Any] = {
        "id": new_id(),
        "delivery_id": delivery_id,
        "number": 1,
        "state": "sent",
        "provider": "ses",
        "provider_id": "0102-message",
        "idempotency_key": str(delivery_id),
        "holder": None,
        "address": "office@recipient.example",
        "document": None,
        "detail": None,
        "started_at": NOON - minutes(58),
        "ended_at": NOON - minutes(58),
    } | changes
    connection.execute(insert(attempts).values(sealing(attempts, row)))
    attempt_id: UUID = row["id"]
    return attempt_id


def a_fact(word: EventWord = EventWord.DELIVERED, **changes: Any) -> Fact:
    told: dict[str, Any] = {"word": word, "occurred_at": NOON, "provider_id": "0102-message"}
    return Fact(**(told | changes))


def a_key(
    database: Database, *, client_id: UUID = CLIENT, mode: Mode = Mode.LIVE, **changes: Any
) -> str:
    key = new_key(mode)
    row = {
        "id": client_id,
        "name": "a campaign tool",
        "mode": mode.value,
        "scopes": [scope.value for scope in Scope],
        "rate_per_s": 0,
        "daily_actions": 0,
        "created_at": NOON,
    } | changes
    key_row = {
        "id": client_id,
        "client_id": client_id,
        "key_start": key.start,
        "key_hash": key.hash,
        "created_at": NOON,
    }
    with database.begin() as connection:
        connection.execute(insert(api_clients).values(row))
        connection.execute(insert(api_keys).values(key_row))
    return key.text
