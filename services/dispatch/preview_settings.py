"""What the preview service is told at its start: no key of privacy, no broker, no provider.

It shows what intake sends it and stores nothing, so that it can neither read nor send anything.
"""

from dataclasses import dataclass, field
from typing import Self

from shared.previews import check_key
from shared.settings import Env, LogSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewSettings:
    database_url: str = field(repr=False)  # for the catalogue
    host: str
    port: int
    key: str = field(repr=False)  # what intake shows at the door
    logs: LogSettings

    @classmethod
    def from_env(cls, env: Env | None = None) -> Self:
        """Raises SettingError."""
        env = env or Env()
        return cls(
            database_url=env.text("WRIT_DATABASE_URL"),
            host=env.text("WRIT_HOST", "127.0.0.1"),
            port=env.whole("WRIT_PREVIEW_PORT", 8003),
            key=check_key(env.text("WRIT_PREVIEW_KEY")),
            logs=LogSettings.from_env(env),
        )
