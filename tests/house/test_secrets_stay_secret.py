"""No secret is in the repr of what holds it: a repr ends in logs, tracebacks and Sentry."""

import base64
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from services.dispatch.preview_settings import PreviewSettings
from services.dispatch.settings import Settings as DispatchSettings
from services.intake.clients.manage import NewClient
from services.intake.settings import Settings as IntakeSettings
from services.sandbox.settings import SandboxSettings
from services.tracking.queue_settings import QueueSettings
from services.tracking.settings import Settings as TrackingSettings
from shared.api_keys import Mode, new_key
from shared.privacy import Keyring
from shared.settings import Env

HUSH = "aHVzaC1o"  # whatever holds it is a secret; base64 on its own, for those that must be
KEY = base64.b64encode(base64.b64decode(HUSH) * 5 + b"hu").decode()
SECRETS = {
    "WRIT_DATABASE_URL": f"postgresql+psycopg://writ:{HUSH}@127.0.0.1/writ",
    "WRIT_BROKER_URL": f"amqp://writ:{HUSH}@127.0.0.1",
    "WRIT_PRIVACY_KEYS": f"k1:{KEY}",
    "WRIT_SENTRY_DSN": f"https://{HUSH}@sentry.example/1",
    "WRIT_IDENTITY_KEY": KEY,
    "WRIT_EMAIL_PROVIDER": "smtp",
    **{"WRIT_SMTP_HOST": "relay.example", "WRIT_SMTP_USER": "writ", "WRIT_SMTP_PASSWORD": HUSH},
    "WRIT_PRINT_API_KEY": f"sandbox-{HUSH}",
    "WRIT_PRINT_WEBHOOK_SECRET": f"sandbox-{HUSH}",
    **{"WRIT_LOB_WEBHOOK_SECRET": HUSH, "WRIT_PINGEN_WEBHOOK_SECRET": HUSH},
    "WRIT_CONSOLE_PASSWORD": HUSH,
    "WRIT_SQS_QUEUE_URL": "https://sqs.eu-central-1.amazonaws.com/000000000000/writ-receipts",
    "WRIT_SQS_ACCESS_KEY_ID": "a key's id",
    "WRIT_SQS_SECRET_ACCESS_KEY": HUSH,
    "WRIT_PREVIEW_URL": "http://127.0.0.1:8003",
    "WRIT_PREVIEW_KEY": HUSH * 4,
}
SETTINGS: list[Any] = [
    *(IntakeSettings, DispatchSettings, PreviewSettings),
    *(TrackingSettings, QueueSettings, SandboxSettings),
]


@pytest.mark.parametrize("settings", SETTINGS)
def test_settings_keep_their_secrets(settings: Any) -> None:
    read = settings.from_env(Env(SECRETS | {"WRIT_ENVIRONMENT": "development"}))

    assert HUSH not in repr(read)
    assert base64.b64decode(HUSH).decode() not in repr(read)


@pytest.mark.parametrize(
    "told",
    [
        {"WRIT_PRINT_VENDOR": "print_vendor", "WRIT_PRINT_URL": "http://127.0.0.1:9"},
        {
            "WRIT_PRINT_VENDOR": "lob",
            "WRIT_LOB_API_KEY": f"live_{HUSH}",
            "WRIT_LOB_FROM": "adr_1",
        },
        {
            "WRIT_PRINT_VENDOR": "pingen",
            "WRIT_PINGEN_CLIENT_ID": "a client's id",
            "WRIT_PINGEN_CLIENT_SECRET": HUSH,
            "WRIT_PINGEN_ORGANISATION": str(UUID(int=1)),
        },
    ],
    ids=lambda told: told["WRIT_PRINT_VENDOR"],
)
def test_every_vendors_settings_keep_theirs(told: dict[str, str]) -> None:
    env = Env(SECRETS | {"WRIT_ENVIRONMENT": "development"} | told)

    assert HUSH not in repr(DispatchSettings.from_env(env))


@pytest.mark.parametrize(
    ("make", "secret"),
    [
        (lambda: Keyring.parse(f"k1:{KEY}"), base64.b64decode(HUSH).decode()),
        (lambda: NewClient(UUID(int=1), HUSH), HUSH),
    ],
)
def test_keys_are_not_shown(make: Callable[[], object], secret: str) -> None:
    assert secret not in repr(make())


def test_a_new_key_shows_its_beginning_only() -> None:
    key = new_key(Mode.LIVE)

    assert key.text not in repr(key)
    assert key.start in repr(key)
