"""What Pingen has to be told: where it is, who we are, and how letters travel."""

from dataclasses import dataclass, field
from typing import Self
from uuid import UUID

from shared.settings import SANDBOX, Env, SettingError

# Beside these Pingen has products of single countries, and `registered`, which wants the address in
# fields as well: its `meta_data`, which we do not send.
PRODUCTS = ("cheap", "fast", "bulk", "premium")


@dataclass(frozen=True, slots=True, kw_only=True)
class PingenSettings:
    url: str
    identity_url: str  # where tokens are given; newer accounts: the same as `url`
    client_id: str
    client_secret: str = field(repr=False)
    organisation: str  # the UUID of the account that pays
    product: str  # how fast, for what money: one of PRODUCTS

    @classmethod
    def from_env(cls, env: Env) -> Self:
        return cls(
            url=env.text("WRIT_PINGEN_URL", "https://api.pingen.com"),
            identity_url=env.text("WRIT_PINGEN_IDENTITY_URL", "https://identity.pingen.com"),
            client_id=env.text("WRIT_PINGEN_CLIENT_ID", ""),
            client_secret=env.text("WRIT_PINGEN_CLIENT_SECRET", ""),
            organisation=env.text("WRIT_PINGEN_ORGANISATION", ""),
            product=env.choice("WRIT_PINGEN_PRODUCT", "cheap", among=PRODUCTS),
        )

    def check(self, *, production: bool) -> None:
        """Raises SettingError."""
        if not (self.client_id and self.client_secret):
            raise SettingError("WRIT_PINGEN_CLIENT_ID and WRIT_PINGEN_CLIENT_SECRET must be set")
        if not _is_uuid(self.organisation):
            raise SettingError("WRIT_PINGEN_ORGANISATION must be the organisation's UUID")
        if production:
            _check_place("WRIT_PINGEN_URL", self.url)
            _check_place("WRIT_PINGEN_IDENTITY_URL", self.identity_url)
            if self.client_secret.startswith(SANDBOX):
                raise SettingError("WRIT_PINGEN_CLIENT_SECRET is the sandbox's")


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False


def _check_place(name: str, url: str) -> None:
    if not url.startswith("https://"):
        raise SettingError(f"{name} must begin with https:// in production")
    if "-staging." in url:
        raise SettingError(f"{name} is Pingen's staging, which prints nothing")
