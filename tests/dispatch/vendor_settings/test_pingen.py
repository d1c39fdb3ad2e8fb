from collections.abc import Mapping

import pytest

from services.dispatch.vendor_settings.pingen import PingenSettings
from shared.settings import Env, SettingError

SET = {
    "WRIT_PINGEN_CLIENT_ID": "us",
    "WRIT_PINGEN_CLIENT_SECRET": "hush",
    "WRIT_PINGEN_ORGANISATION": "b85c7b52-debb-4b15-b5db-d86b0a4e9bbf",
}


def check(changes: Mapping[str, str] = {}, *, production: bool = True) -> PingenSettings:
    settings = PingenSettings.from_env(Env({**SET, **changes}))
    settings.check(production=production)
    return settings


def test_three_settings_are_enough_in_production() -> None:
    settings = check()

    assert settings.url == "https://api.pingen.com"
    assert settings.identity_url == "https://identity.pingen.com"
    assert settings.product == "cheap"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WRIT_PINGEN_CLIENT_ID", ""),
        ("WRIT_PINGEN_CLIENT_SECRET", ""),
        ("WRIT_PINGEN_ORGANISATION", ""),
        ("WRIT_PINGEN_ORGANISATION", "Example"),
        ("WRIT_PINGEN_PRODUCT", "registered"),  # wants the address in fields, too
    ],
)
def test_a_wrong_setting_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingError, match=name):
        check({name: value}, production=False)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WRIT_PINGEN_URL", "http://127.0.0.1:8002/pingen"),
        ("WRIT_PINGEN_IDENTITY_URL", "http://127.0.0.1:8002/pingen"),
        ("WRIT_PINGEN_URL", "https://api-staging.pingen.com"),  # which prints nothing
        ("WRIT_PINGEN_IDENTITY_URL", "https://identity-staging.pingen.com"),
        ("WRIT_PINGEN_CLIENT_SECRET", "sandbox-1"),
    ],
)
def test_production_takes_the_real_pingen_alone(name: str, value: str) -> None:
    with pytest.raises(SettingError, match=name):
        check({name: value})

    check({name: value}, production=False)


def test_the_secret_is_not_shown() -> None:
    assert "hush" not in repr(check())
