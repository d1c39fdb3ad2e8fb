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
        ("WRIT_CLAIM_TTL_S", "49"),  # the two call timeouts are 5 s and 20 s
        ("WRIT_DISPATCH_CHUNK", "0"),
        ("WRIT_PACE", "off"),
        ("WRIT_PACE", "polite"),
        ("WRIT_DOMAIN_PER_HOUR", "many"),
    ],
)
def test_what_must_not_be_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(SettingError, match=name):
        settings(**{name: value})


def test_a_sandboxs_print_vendor_is_refused_in_production() -> None:
    with pytest.raises(SettingError, match="WRIT_PRINT_API_KEY"):
        settings(WRIT_PRINT_URL="https://print.example", WRIT_PRINT_API_KEY="sandbox-0123")


SMTP = {"WRIT_EMAIL_PROVIDER": "smtp", "WRIT_SMTP_HOST": "relay.example"}


def test_emails_leave_by_amazon_unless_a_relay_is_chosen() -> None:
    relay = settings(**SMTP).smtp

    assert settings(WRIT_SMTP_HOST="relay.example").smtp is None
    assert relay is not None
    assert (relay.host, relay.port, relay.security) == ("relay.example", 587, "starttls")


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("WRIT_SMTP_HOST", {"WRIT_SMTP_HOST": ""}),
        ("WRIT_SMTP_PORT", {"WRIT_SMTP_PORT": "65536"}),
        ("WRIT_SMTP_PORT", {"WRIT_SMTP_PORT": "0"}),
        ("WRIT_SMTP_SECURITY", {"WRIT_SMTP_SECURITY": "none"}),
        ("WRIT_SMTP_SECURITY", {"WRIT_SMTP_SECURITY": "ssl"}),
        ("WRIT_SMTP_PASSWORD", {"WRIT_SMTP_USER": "writ"}),
        ("WRIT_SMTP_PASSWORD", {"WRIT_SMTP_PASSWORD": "secret"}),
        ("WRIT_SMTP_PASSWORD", {"WRIT_SMTP_USER": "writ", "WRIT_SMTP_PASSWORD": "schlüssel"}),
        ("WRIT_SMTP_BOUNCE_ADDRESS", {"WRIT_SMTP_BOUNCE_ADDRESS": "letters.example"}),
        ("WRIT_SMTP_BOUNCE_ADDRESS", {"WRIT_SMTP_BOUNCE_ADDRESS": "a@b@letters.example"}),
        ("WRIT_SMTP_BOUNCE_ADDRESS", {"WRIT_SMTP_BOUNCE_ADDRESS": "B <b@letters.example>"}),
        ("WRIT_CLAIM_TTL_S", {"WRIT_CLAIM_TTL_S": "89"}),  # 2 * (5 + 2 * 20)
    ],
)
def test_a_relay_is_refused_where_it_cannot_work(name: str, changes: dict[str, str]) -> None:
    with pytest.raises(SettingError, match=name):
        settings(**SMTP | changes)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_on_the_same_machine_nobody_listens(host: str) -> None:
    relay = settings(**SMTP | {"WRIT_SMTP_HOST": host, "WRIT_SMTP_SECURITY": "none"}).smtp

    assert relay is not None
    assert relay.security == "none"


def test_development_may_trust_its_sandbox() -> None:
    trusting = settings(
        WRIT_ENVIRONMENT="development", WRIT_SES_ENDPOINT_URL="http://127.0.0.1:8002"
    )

    assert not trusting.common.production
