"""What Lob needs to be told."""

import re
from dataclasses import dataclass, field
from typing import Self

from shared.settings import SANDBOX, Env, SettingError

_ADDRESS = re.compile(r"adr_[a-zA-Z0-9]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class LobSettings:
    url: str
    api_key: str = field(repr=False)  # a secret one: live_…, or test_…, with which nothing prints
    from_address: str  # the sender in Lob's address book; Lob takes one in the USA only

    @classmethod
    def from_env(cls, env: Env) -> Self:
        return cls(
            url=env.text("WRIT_LOB_URL", "https://api.lob.com/v1"),
            api_key=env.text("WRIT_LOB_API_KEY", ""),
            from_address=env.text("WRIT_LOB_FROM", ""),
        )

    def check(self, *, production: bool) -> None:
        """Raises SettingError."""
        if not self.api_key:
            raise SettingError("WRIT_LOB_API_KEY must be a secret key of the account at Lob")
        if not (self.api_key.isascii() and self.api_key.isprintable()) or ":" in self.api_key:
            raise SettingError("WRIT_LOB_API_KEY is no key of Lob's")
        if not _ADDRESS.fullmatch(self.from_address):
            raise SettingError("WRIT_LOB_FROM must be the id of an address at Lob: adr_…")
        if production:
            self._check_production()

    def _check_production(self) -> None:
        if not self.url.startswith("https://"):
            raise SettingError("WRIT_LOB_URL must begin with https:// in production")
        if self.api_key.startswith(SANDBOX):
            raise SettingError("WRIT_LOB_API_KEY is the sandbox's")
        if not self.api_key.startswith("live_") or self.api_key.startswith("live_pub"):
            raise SettingError(
                "WRIT_LOB_API_KEY must be a live secret key: no other prints letters"
            )
