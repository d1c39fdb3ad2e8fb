"""Intake's settings, read once from the environment.  deploy/env.example says what each means."""

import base64
import binascii
from dataclasses import dataclass, field
from typing import Self

from shared.previews import check_key
from shared.settings import CommonSettings, Env, SettingError


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    common: CommonSettings
    host: str
    port: int
    identity_key: bytes = field(repr=False)  # see shared/privacy.py, `identity`
    max_body_bytes: int  # of one request
    import_max_bytes: int = 65_536 * 1024  # of one file
    status_url: str = ""  # where campaign tools reach tracking; empty: where they reach intake
    public_url: str = "http://127.0.0.1:8000"  # where supporters' browsers reach intake
    preview_url: str = ""  # where intake reaches dispatch's preview service; empty: no previews
    preview_key: str = field(default="", repr=False)

    @classmethod
    def from_env(cls, env: Env | None = None) -> Self:
        """Raises SettingError."""
        env = env or Env()
        common = CommonSettings.from_env(env)
        host, port = env.text("WRIT_HOST", "127.0.0.1"), env.whole("WRIT_INTAKE_PORT", 8000)
        public_url = env.text("WRIT_PUBLIC_URL", "").rstrip("/")
        if common.production and not public_url.startswith("https://"):
            raise SettingError("WRIT_PUBLIC_URL must begin with https:// in production")
        preview_url = env.text("WRIT_PREVIEW_URL", "").rstrip("/")
        preview_key = env.text("WRIT_PREVIEW_KEY", "")
        return cls(
            common=common,
            host=host,
            port=port,
            identity_key=_key("WRIT_IDENTITY_KEY", env.text("WRIT_IDENTITY_KEY")),
            max_body_bytes=env.whole("WRIT_MAX_BODY_BYTES", 64 * 1024),
            import_max_bytes=env.whole("WRIT_IMPORT_MAX_BYTES", 65_536 * 1024),
            status_url=env.text("WRIT_STATUS_URL", "").rstrip("/"),
            public_url=public_url or f"http://{host}:{port}",
            preview_url=preview_url,
            preview_key=check_key(preview_key) if preview_url else "",
        )


def _key(name: str, text: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except binascii.Error:
        key = b""
    if len(key) != 32:
        raise SettingError(f"{name} must be 32 bytes in base64; `writ key identity` makes them")
    return key
