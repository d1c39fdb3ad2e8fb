"""The sandbox starts in development only, and with secrets that nobody could take for real ones."""

import pytest

from services.sandbox.settings import SandboxSettings
from shared.settings import Env, SettingError

GIVEN = {
    "WRIT_ENVIRONMENT": "development",
    "WRIT_PRINT_API_KEY": "sandbox-key",
    "WRIT_PRINT_WEBHOOK_SECRET": "sandbox-secret",
}


def test_development_has_a_sandbox() -> None:
    assert SandboxSettings.from_env(Env(GIVEN)).api_key == "sandbox-key"


@pytest.mark.parametrize(
    "changes",
    [
        {"WRIT_ENVIRONMENT": "production"},
        {"WRIT_ENVIRONMENT": ""},
        {"WRIT_PRINT_API_KEY": "the vendor's own"},
        {"WRIT_PRINT_WEBHOOK_SECRET": "the vendor's own"},
        {"WRIT_SANDBOX_RECEIPTS": "pigeons"},
        {"WRIT_SANDBOX_RECEIPT_DELAY_MIN_S": "2", "WRIT_SANDBOX_RECEIPT_DELAY_MAX_S": "1"},
    ],
)
def test_it_refuses_what_is_not_its_own(changes: dict[str, str]) -> None:
    with pytest.raises(SettingError, match=next(iter(changes))):
        SandboxSettings.from_env(Env(GIVEN | changes))
