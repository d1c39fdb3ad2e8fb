"""What a print vendor that takes orders over REST needs to be told (the sandbox is one)."""

from dataclasses import dataclass, field
from typing import Self

from shared.settings import SANDBOX, Env, SettingError


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintVendorSettings:
    url: str
    api_key: str = field(repr=False)

    @classmethod
    def from_env(cls, env: Env) -> Self:
        return cls(url=env.text("WRIT_PRINT_URL", ""), api_key=env.text("WRIT_PRINT_API_KEY", ""))

    def check(self, *, production: bool) -> None:
        """Raises SettingError."""
        if not self.url:
            raise SettingError("WRIT_PRINT_URL must say where the print vendor takes orders")
        if not production:
            return
        if not self.url.startswith("https://"):
            raise SettingError("WRIT_PRINT_URL must begin with https:// in production")
        if self.api_key.startswith(SANDBOX):
            raise SettingError("WRIT_PRINT_API_KEY is the sandbox's")
