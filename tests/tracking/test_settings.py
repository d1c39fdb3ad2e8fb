import dataclasses
from pathlib import Path
from typing import Any

import pytest

from services.tracking.settings import Settings
from shared.settings import Env, SettingError
from tests.tracking.builders import KEYS, TOPIC, some_settings


def in_production(tmp_path: Path, **changes: Any) -> Settings:
    settings = some_settings(
        tmp_path,
        sns_certificate_file=None,
        print_webhook_secret="the vendor's",
        console_password="a password",
    )
    common = dataclasses.replace(settings.common, production=True)
    return dataclasses.replace(settings, common=common, **changes)


def test_production_starts_with_settings_of_its_own(tmp_path: Path) -> None:
    in_production(tmp_path).check()


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"sns_certificate_file": Path("sandbox-sns.pem")}, "WRIT_SNS_CERTIFICATE_FILE"),
        ({"print_webhook_secret": "sandbox-secret"}, "WRIT_PRINT_WEBHOOK_SECRET"),
        ({"lob_webhook_secret": "sandbox-secret"}, "WRIT_LOB_WEBHOOK_SECRET"),
        ({"pingen_webhook_secret": "sandbox-secret"}, "WRIT_PINGEN_WEBHOOK_SECRET"),
        ({"console_password": ""}, "WRIT_CONSOLE_PASSWORD"),
        ({"sns_topic_arns": ("my-topic",)}, "WRIT_SNS_TOPIC_ARNS"),
        ({"sns_topic_arns": ()}, "WRIT_SNS_TOPIC_ARNS"),
    ],
)
def test_production_refuses_what_only_development_may_trust(
    tmp_path: Path, changes: dict[str, Any], name: str
) -> None:
    with pytest.raises(SettingError, match=name):
        in_production(tmp_path, **changes).check()


def test_development_may_trust_the_sandbox(tmp_path: Path) -> None:
    some_settings(tmp_path).check()


def test_the_environment_is_read(tmp_path: Path) -> None:
    settings = Settings.from_env(
        Env(
            {
                "WRIT_ENVIRONMENT": "development",
                "WRIT_DATABASE_URL": "sqlite:///writ.db",
                "WRIT_BROKER_URL": "stub://",
                "WRIT_PRIVACY_KEYS": KEYS,
                "WRIT_SNS_TOPIC_ARNS": f"{TOPIC}, {TOPIC}-2",
                "WRIT_SNS_CERTIFICATE_FILE": str(tmp_path / "sns.pem"),
                "WRIT_UNKNOWN_MARGIN_S": "2.5",
            }
        )
    )

    assert settings.sns_topic_arns == (TOPIC, f"{TOPIC}-2")
    assert settings.sns_certificate_file == tmp_path / "sns.pem"
    assert settings.unknown_margin_s == 2.5
