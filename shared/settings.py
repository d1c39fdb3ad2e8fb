"""Reads settings from the environment, once, and says loudly what is wrong.

Each service has one frozen `Settings` class of its own (services/*/settings.py) built with `Env`;
this module holds the reader and the settings that every service has.  Names carry their unit.
"""

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

SANDBOX = "sandbox-"  # how every secret of the sandbox begins; production refuses them


class SettingError(Exception):
    """A setting is missing or wrong; the message names it and says what it should be."""


class Env:
    """A mapping of names to texts, read with a type and a plain error."""

    def __init__(self, values: Mapping[str, str] | None = None) -> None:
        self._values = os.environ if values is None else values

    def text(self, name: str, default: str | None = None) -> str:
        """The value of NAME, or the content of the file that NAME_FILE names (for secrets)."""
        if value := self._values.get(name):
            return value
        if path := self._values.get(f"{name}_FILE"):
            return self._file(f"{name}_FILE", path)
        if default is None:
            raise SettingError(f"{name} is not set; deploy/env.example says what it is")
        return default

    def whole(self, name: str, default: int) -> int:
        value = self.text(name, str(default))
        if not value.isascii() or not value.isdigit():
            raise SettingError(f"{name} must be a whole number, got {value!r}")
        return int(value)

    def seconds(self, name: str, default: float) -> float:
        value = self.text(name, str(default))
        try:
            number = float(value)
        except ValueError:
            number = -1.0
        if not 0 <= number < math.inf:  # nor is "nan" in between
            raise SettingError(f"{name} must be a number of seconds, got {value!r}")
        return number

    def flag(self, name: str, *, default: bool) -> bool:
        value = self.text(name, "yes" if default else "no")
        if value not in {"yes", "no"}:
            raise SettingError(f"{name} must be yes or no, got {value!r}")
        return value == "yes"

    def choice(self, name: str, default: str, *, among: tuple[str, ...]) -> str:
        value = self.text(name, default)
        if value not in among:
            raise SettingError(f"{name} must be one of {', '.join(among)}, got {value!r}")
        return value

    def words(self, name: str, default: str = "") -> tuple[str, ...]:
        """A list, its parts parted by commas."""
        parts = (part.strip() for part in self.text(name, default).split(","))
        return tuple(part for part in parts if part)

    def path(self, name: str, default: str) -> Path:
        return Path(self.text(name, default)).absolute()

    def production(self) -> bool:
        """Whether this is production: what nobody named is."""
        among = ("production", "development")
        return self.choice("WRIT_ENVIRONMENT", "production", among=among) == "production"

    @staticmethod
    def _file(name: str, path: str) -> str:
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise SettingError(f"{name} names a file that cannot be read: {error}") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSettings:
    """What every process needs to say how it fares."""

    sentry_dsn: str = field(repr=False)  # empty: no Sentry
    log_json: bool

    @classmethod
    def from_env(cls, env: Env) -> Self:
        return cls(
            sentry_dsn=env.text("WRIT_SENTRY_DSN", ""),
            log_json=env.flag("WRIT_LOG_JSON", default=True),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CommonSettings:
    """What every service needs."""

    production: bool  # refuses everything that only development may trust
    database_url: str = field(repr=False)  # sqlite:///FILE or postgresql+psycopg://…
    privacy_keys: str = field(repr=False)  # see shared/privacy.py
    data_dir: Path  # where rendered documents lie
    logs: LogSettings

    @classmethod
    def from_env(cls, env: Env) -> Self:
        return cls(
            production=env.production(),
            database_url=env.text("WRIT_DATABASE_URL"),
            privacy_keys=env.text("WRIT_PRIVACY_KEYS"),
            data_dir=env.path("WRIT_DATA_DIR", "var"),
            logs=LogSettings.from_env(env),
        )
