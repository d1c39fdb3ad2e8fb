"""Any print house by SFTP: what whoever orders is told."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from shared.settings import Env, SettingError


@dataclass(frozen=True, slots=True, kw_only=True)
class SftpManifestSettings:
    """A worker only files letters on our own disk: it needs no key to the house."""

    house: Path  # how the house wants its batches: deploy/print-house.toml is an example

    @classmethod
    def from_env(cls, env: Env) -> Self:
        return cls(house=Path(env.text("WRIT_SFTP_HOUSE", "")))

    def check(self, *, production: bool) -> None:
        """Raises SettingError; the same in `production` as anywhere: a house is always real."""
        if not self.house.is_file():
            raise SettingError("WRIT_SFTP_HOUSE must name a file like deploy/print-house.toml")
