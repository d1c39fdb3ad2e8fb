"""What the fetcher of a print house's files is told at its start."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from shared.settings import CommonSettings, Env, SettingError
from shared.sftp import Partner


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesSettings:
    common: CommonSettings
    house: Path  # how the house answers: deploy/print-house.toml is an example
    partner: Partner
    poll_s: float  # how often it looks for files

    @classmethod
    def from_env(cls, env: Env | None = None) -> Self:
        """Raises SettingError."""
        env = env or Env()
        settings = cls(
            common=CommonSettings.from_env(env),
            house=Path(env.text("WRIT_SFTP_HOUSE", "")),
            partner=Partner.from_env(env),
            poll_s=env.seconds("WRIT_SFTP_POLL_S", 30),
        )
        if not settings.house.is_file():
            raise SettingError("WRIT_SFTP_HOUSE must name a file like deploy/print-house.toml")
        settings.partner.check()
        return settings
