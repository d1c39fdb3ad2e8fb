"""What dispatch is told must fit together, and production trusts nothing of the sandbox's."""

import pytest

from services.dispatch.settings import Settings
from shared.settings import Env, SettingError


def settings(**changes: str) -> Settings:
    given = {
        "WRIT_DATABASE_URL": "postgresql+psycopg://nowhere/writ",
        "WRIT_BROKER_URL": "amqp://nowhere",
        "WRIT_PRIVACY_KEYS": "k1:unused",
    }
    return Settings.from_env(Env(given | changes))


def test_the_defaults_are_fit_for_production() -> None:
    assert settings().common.production


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WRIT_SES_ENDPOINT_URL", "http://127.0.0.1:8002"),
        ("WRIT_PRINT_URL", "http://127.0.0.1:8002"),
        ("WRIT_PRINT_API_KEY", "sandbox-0123"),
        ("WRIT_CLAIM_TTL_S", "49"),  # the two call timeouts are 5 s and 20 s
        ("WRIT_DISPATCH_CHUNK", "0"),
    ],
)
def test_what_must_not_be_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(SettingError, match=name):
        settings(**{name: value})


def test_development_may_trust_its_sandbox() -> None:
    trusting = settings(
        WRIT_ENVIRONMENT="development", WRIT_SES_ENDPOINT_URL="http://127.0.0.1:8002"
    )

    assert not trusting.common.production
