"""What intake is told at its start, and refuses to be told."""

import base64

import pytest

from services.intake.settings import Settings
from shared.settings import Env, SettingError


def told(**changes: str) -> Settings:
    known = {
        "WRIT_ENVIRONMENT": "development",
        "WRIT_DATABASE_URL": "sqlite://",
        "WRIT_PRIVACY_KEYS": "unused:",
        "WRIT_IDENTITY_KEY": base64.b64encode(b"i" * 32).decode(),
        "WRIT_PREVIEW_KEY": "k" * 32,
    }
    return Settings.from_env(Env(known | changes))


def test_in_development_links_lead_to_where_it_listens() -> None:
    assert told(WRIT_INTAKE_PORT="8100").public_url == "http://127.0.0.1:8100"


def test_links_lead_to_where_supporters_reach_it() -> None:
    assert told(WRIT_PUBLIC_URL="https://writ.example/").public_url == "https://writ.example"


@pytest.mark.parametrize("url", ["", "http://writ.example"])
def test_production_sends_nobody_a_link_that_is_not_safe(url: str) -> None:
    with pytest.raises(SettingError, match="WRIT_PUBLIC_URL must begin with https://"):
        told(WRIT_ENVIRONMENT="production", WRIT_PUBLIC_URL=url)
