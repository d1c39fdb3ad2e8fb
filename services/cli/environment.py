"""The embedded Writ's settings and secrets: what it says of itself where nobody says otherwise."""

import base64
import json
import os
from collections.abc import Mapping
from pathlib import Path
from uuid import UUID

from services.sandbox.certificates import CERTIFICATE_FILE
from services.sandbox.ses_events import TOPIC_ARN
from services.sandbox.sqs import PATH
from shared.privacy import Keyring
from shared.settings import SANDBOX

HOST = "127.0.0.1"
SANDBOX_PORT = 8002
_SECRETS = "secrets.json"
# The sandbox asks every vendor's callers for one key, and signs every vendor's receipts with one.
_VENDORS_KEYS = ("WRIT_PRINT_API_KEY", "WRIT_LOB_API_KEY", "WRIT_PINGEN_CLIENT_SECRET")
_VENDORS_SECRETS = (
    *("WRIT_PRINT_WEBHOOK_SECRET", "WRIT_LOB_WEBHOOK_SECRET"),
    "WRIT_PINGEN_WEBHOOK_SECRET",
)


def environment(overrides: Mapping[str, str]) -> dict[str, str]:
    """The embedded Writ's settings without its secrets.

    Its own defaults, then WRIT_* variables, then overrides; but the world is its own sandbox,
    whatever a variable may say that was set for production.
    """
    given = {name: value for name, value in os.environ.items() if name.startswith("WRIT_")}
    given = {name: value for name, value in (given | {**overrides}).items() if value}
    data_dir = Path(given.get("WRIT_DATA_DIR", "var")).absolute()
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    defaults = {
        "WRIT_ENVIRONMENT": "development",
        "WRIT_DATA_DIR": str(data_dir),
        "WRIT_DATABASE_URL": f"sqlite:///{data_dir / 'writ.db'}",
        "WRIT_LOG_JSON": "no",
        # One process that is gone is gone: nobody else can be at work on its claims for long.
        "WRIT_CONNECT_TIMEOUT_S": "1",
        "WRIT_READ_TIMEOUT_S": "3",
        # (An order at Pingen is several calls.)
        "WRIT_CLAIM_TTL_S": "140" if given.get("WRIT_PRINT_VENDOR") == "pingen" else "10",
        # The sandbox publishes Send events within a second, and keeps them over a crash.
        "WRIT_UNKNOWN_MARGIN_S": "15",
        "WRIT_DISPATCH_THREADS": "4",
        # The sandbox's mailboxes take everything, at any hour.
        "WRIT_PACE": "off",
        # Quick enough to watch, slow enough to see each step.
        "WRIT_SANDBOX_RECEIPT_DELAY_MIN_S": "0.1",
        "WRIT_SANDBOX_RECEIPT_DELAY_MAX_S": "0.5",
    }
    own = (*_VENDORS_KEYS, *_VENDORS_SECRETS, "WRIT_PREVIEW_URL", "WRIT_PREVIEW_KEY")
    settings = defaults | given | _sandboxed(given, data_dir)
    return {name: value for name, value in settings.items() if name not in own}


def _sandboxed(given: Mapping[str, str], data_dir: Path) -> dict[str, str]:
    """What makes the sandbox the whole world.  A house by SFTP would be a real one."""
    port = given.get("WRIT_SANDBOX_PORT", str(SANDBOX_PORT))
    sandbox = f"http://{HOST}:{port}"
    vendor = given.get("WRIT_PRINT_VENDOR", "print_vendor")
    tracking = f"http://{HOST}:{given.get('WRIT_TRACKING_PORT', '8001')}"
    return {
        "WRIT_BROKER_URL": "stub://",
        "WRIT_SANDBOX_PORT": port,
        "WRIT_TRACKING_URL": tracking,
        "WRIT_STATUS_URL": "",  # the front answers for both
        "WRIT_PUBLIC_URL": "",  # where it listens itself
        "WRIT_EMAIL_PROVIDER": "ses",
        "WRIT_SES_ENDPOINT_URL": sandbox,
        "WRIT_PRINT_URL": sandbox,
        "WRIT_PRINT_VENDOR": vendor if vendor != "sftp_manifest" else "print_vendor",
        "WRIT_LOB_URL": f"{sandbox}/lob/v1",
        "WRIT_LOB_FROM": "adr_sandbox",
        "WRIT_PINGEN_URL": f"{sandbox}/pingen",
        "WRIT_PINGEN_IDENTITY_URL": f"{sandbox}/pingen",
        "WRIT_PINGEN_CLIENT_ID": "sandbox",
        "WRIT_PINGEN_ORGANISATION": str(UUID(int=1)),
        "WRIT_SANDBOX_RECEIPTS": "sqs",
        "WRIT_SQS_QUEUE_URL": f"{sandbox}{PATH}",
        "WRIT_SQS_ENDPOINT_URL": sandbox,
        "WRIT_SQS_ACCESS_KEY_ID": "sandbox",
        "WRIT_SQS_SECRET_ACCESS_KEY": "sandbox",
        "WRIT_SNS_TOPIC_ARNS": TOPIC_ARN,
        "WRIT_SNS_CERTIFICATE_FILE": str(data_dir / "sandbox" / CERTIFICATE_FILE),
    }


def has_secrets(data_dir: Path) -> bool:
    """Whether an embedded Writ was ever started on `data_dir`."""
    return (data_dir / _SECRETS).exists()


def secrets(data_dir: Path) -> dict[str, str]:
    """The embedded Writ's secrets, made at the first start.  For who is alone on `data_dir`."""
    known = _kept_secrets(data_dir)
    return {
        **known,
        **dict.fromkeys(_VENDORS_KEYS, known["WRIT_PRINT_API_KEY"]),
        **dict.fromkeys(_VENDORS_SECRETS, known["WRIT_PRINT_WEBHOOK_SECRET"]),
    }


def _kept_secrets(data_dir: Path) -> dict[str, str]:
    file = data_dir / _SECRETS
    if file.exists():
        known: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))
        return known
    made = {
        "WRIT_PRIVACY_KEYS": Keyring.new_key("embedded"),
        "WRIT_IDENTITY_KEY": base64.b64encode(os.urandom(32)).decode(),
        "WRIT_PRINT_API_KEY": f"{SANDBOX}{os.urandom(12).hex()}",
        "WRIT_PRINT_WEBHOOK_SECRET": f"{SANDBOX}{os.urandom(12).hex()}",
    }
    half = file.with_suffix(".half")
    half.touch(mode=0o600)
    with half.open("w", encoding="utf-8") as written:
        json.dump(made, written, indent=1)
        written.flush()
        os.fsync(written.fileno())  # what they seal must never outlive them
    half.replace(file)
    _sync_folder(data_dir)
    return made


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
