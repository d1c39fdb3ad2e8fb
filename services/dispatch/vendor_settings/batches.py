"""Any print house by SFTP: what the process that sends batches is told, and no other."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from services.dispatch.vendor_settings.sftp_manifest import SftpManifestSettings
from shared.settings import CommonSettings, Env
from shared.sftp import Partner


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchSettings:
    common: CommonSettings
    house: Path
    partner: Partner
    poll_s: float  # how often it looks for a batch that is due

    @classmethod
    def from_env(cls, env: Env | None = None) -> Self:
        """Raises SettingError."""
        env = env or Env()
        common = CommonSettings.from_env(env)
        vendor = SftpManifestSettings.from_env(env)
        vendor.check(production=common.production)
        partner = Partner.from_env(env)
        partner.check()
        return cls(
            common=common,
            house=vendor.house,
            partner=partner,
            poll_s=env.seconds("WRIT_SFTP_POLL_S", 30),
        )
