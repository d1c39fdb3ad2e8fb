"""What of Lob's settings is refused before anything leaves."""

from dataclasses import replace

import pytest

from services.dispatch.vendor_settings.lob import LobSettings
from shared.settings import Env, SettingError

GIVEN = {"WRIT_LOB_API_KEY": "live_0123", "WRIT_LOB_FROM": "adr_210a8d4b0b76d77b"}


def test_lobs_own_address_is_the_default() -> None:
    settings = LobSettings.from_env(Env(GIVEN))

    settings.check(production=True)
    assert settings == LobSettings(
        url="https://api.lob.com/v1", api_key="live_0123", from_address="adr_210a8d4b0b76d77b"
    )


def test_the_key_is_in_no_repr() -> None:
    assert "live_0123" not in repr(LobSettings.from_env(Env(GIVEN)))


@pytest.mark.parametrize(
    "changes",
    [
        {"api_key": ""},
        {"api_key": "live_0:"},
        {"api_key": "live_ü"},
        {"from_address": ""},
        {"from_address": "1 Example Street"},
        {"from_address": "adr_1/../letters"},
    ],
)
def test_a_setting_that_lob_would_not_take_is_refused(changes: dict[str, str]) -> None:
    with pytest.raises(SettingError):
        replace(LobSettings.from_env(Env(GIVEN)), **changes).check(production=False)


@pytest.mark.parametrize(
    "changes",
    [
        {"url": "http://127.0.0.1:8002/lob/v1"},
        {"api_key": "sandbox-key"},
        {"api_key": "test_0123"},
        {"api_key": "live_pub_0123"},
    ],
)
def test_what_prints_nothing_is_for_development_only(changes: dict[str, str]) -> None:
    settings = replace(LobSettings.from_env(Env(GIVEN)), **changes)

    settings.check(production=False)
    with pytest.raises(SettingError):
        settings.check(production=True)
