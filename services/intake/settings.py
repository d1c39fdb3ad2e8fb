"""Intake's settings, read once from the environment.  deploy/env.example says what each means."""

import base64
import binascii
from dataclasses import dataclass, field
from typing import Self

from shared.settings import CommonSettings, Env, SettingError


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    common: CommonSettings
    host: str
    port: int
    identity_key: bytes = field(repr=False)  # see shared/privacy.py, `identity`
    max_body_bytes: int  # of one request
    status_url: str = ""  # where campaign tools reach tracking; empty: where they reach intake

    @classmethod
    def from_env(cls, env: Env | None = None) -> Self:
        """Raises SettingError."""
        env = env or Env()
        return cls(
            common=CommonSettings.from_env(env),
            host=env.text("WRIT_HOST", "127.0.0.1"),
            port=env.whole("WRIT_INTAKE_PORT", 8000),
            identity_key=_key("WRIT_IDENTITY_KEY", env.text("WRIT_IDENTITY_KEY")),
            max_body_bytes=env.whole("WRIT_MAX_BODY_BYTES", 64 * 1024),
            status_url=env.text("WRIT_STATUS_URL", "").rstrip("/"),
        )


def _key(name: str, text: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except binascii.Error:
        key = b""
    if len(key) != 32:
        raise SettingError(f"{name} must be 32 bytes in base64; `writ key identity` makes them")
    return key
