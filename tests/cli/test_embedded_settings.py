"""The embedded Writ talks to its own sandbox, whatever the shell's variables say."""

import json
from pathlib import Path

import pytest

from services.cli.environment import environment, secrets
from services.dispatch.settings import Settings as DispatchSettings
from services.dispatch.vendor_settings.registry import name_of
from services.dispatch.vendors import open_vendor
from services.tracking.settings import Settings as TrackingSettings
from shared.clock import now
from shared.settings import Env

OF_THE_WORLD = {
    "WRIT_BROKER_URL": "amqp://real.example",
    "WRIT_EMAIL_PROVIDER": "smtp of real.example",
    "WRIT_SES_ENDPOINT_URL": "https://ses.real.example",
    "WRIT_PRINT_URL": "https://print.real.example",
    "WRIT_PRINT_API_KEY": "the vendor's own",
    "WRIT_PRINT_WEBHOOK_SECRET": "the vendor's own",
    "WRIT_SNS_TOPIC_ARNS": "arn:aws:sns:eu-central-1:111122223333:real",
    "WRIT_SNS_CERTIFICATE_FILE": "/real.pem",
    "WRIT_TRACKING_URL": "https://tracking.real.example",
    "WRIT_PUBLIC_URL": "https://supporters.real.example",
}


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("WRIT_DATA_DIR", str(tmp_path))


def test_no_stray_variable_points_it_at_the_world(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in OF_THE_WORLD.items():
        monkeypatch.setenv(name, value)

    settings = secrets(tmp_path) | environment({})

    assert {name for name in OF_THE_WORLD if "real" in settings[name]} == set()
    assert settings["WRIT_PRINT_API_KEY"].startswith("sandbox-")
    assert settings["WRIT_PRINT_WEBHOOK_SECRET"].startswith("sandbox-")


def test_an_empty_variable_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("WRIT_SES_ENDPOINT_URL", "")
    monkeypatch.setenv("WRIT_PRIVACY_KEYS", "")
    monkeypatch.setenv("WRIT_SANDBOX_PORT", "")

    env = Env(secrets(tmp_path) | environment({}))

    assert DispatchSettings.from_env(env).ses_endpoint_url == "http://127.0.0.1:8002"
    assert TrackingSettings.from_env(env).common.privacy_keys.startswith("embedded:")


@pytest.mark.parametrize(
    ("named", "prints"),
    [("lob", "lob"), ("pingen", "pingen"), ("sftp_manifest", "print_vendor")],
)
def test_a_vendor_of_the_sandbox_may_be_chosen_and_no_real_house(
    tmp_path: Path, named: str, prints: str
) -> None:
    env = Env(secrets(tmp_path) | environment({"WRIT_PRINT_VENDOR": named}))

    settings = DispatchSettings.from_env(env)

    assert settings.vendor is not None
    assert name_of(settings.vendor) == prints
    assert open_vendor(settings.vendor, settings, now).name == prints


def test_what_may_be_chosen_is_taken_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WRIT_SANDBOX_PORT", "8102")
    monkeypatch.setenv("WRIT_CLAIM_TTL_S", "8")

    settings = environment({"WRIT_CLAIM_TTL_S": "9"})

    assert settings["WRIT_CLAIM_TTL_S"] == "9"
    assert settings["WRIT_PRINT_URL"] == "http://127.0.0.1:8102"


def test_its_secrets_are_made_once_and_for_nobody_else(tmp_path: Path) -> None:
    first, again = secrets(tmp_path), secrets(tmp_path)

    file = tmp_path / "secrets.json"
    kept = json.loads(file.read_text())
    assert first == again
    assert kept.items() <= first.items()
    assert set(first.values()) == set(kept.values())
    assert file.stat().st_mode & 0o077 == 0


def test_nothing_is_made_before_the_data_directory_is_its_own(tmp_path: Path) -> None:
    environment({})

    assert list(tmp_path.iterdir()) == []
