"""What tracking is told at its start."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from shared.settings import SANDBOX, CommonSettings, Env, SettingError


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    common: CommonSettings
    host: str
    port: int
    sns_topic_arns: tuple[str, ...]  # whose messages we believe; all others are refused
    sns_certificate_file: Path | None  # the sandbox's; None: Amazon's own certificates
    print_webhook_secret: str = field(repr=False)  # signs the print vendor's receipts
    lob_webhook_secret: str = field(repr=False)
    pingen_webhook_secret: str = field(repr=False)
    unknown_margin_s: float  # so long a provider may stay silent about an email it took
    console_password: str = field(repr=False)  # empty: the console asks for none (development only)

    @classmethod
    def from_env(cls, env: Env | None = None) -> Self:
        """Raises SettingError."""
        env = env or Env()
        certificate = env.text("WRIT_SNS_CERTIFICATE_FILE", "")
        settings = cls(
            common=CommonSettings.from_env(env),
            host=env.text("WRIT_HOST", "127.0.0.1"),
            port=env.whole("WRIT_TRACKING_PORT", 8001),
            sns_topic_arns=env.words("WRIT_SNS_TOPIC_ARNS"),
            sns_certificate_file=Path(certificate) if certificate else None,
            print_webhook_secret=env.text("WRIT_PRINT_WEBHOOK_SECRET", ""),
            lob_webhook_secret=env.text("WRIT_LOB_WEBHOOK_SECRET", ""),
            pingen_webhook_secret=env.text("WRIT_PINGEN_WEBHOOK_SECRET", ""),
            unknown_margin_s=env.seconds("WRIT_UNKNOWN_MARGIN_S", 1800),
            console_password=env.text("WRIT_CONSOLE_PASSWORD", ""),
        )
        settings.check()
        return settings

    def check(self) -> None:
        """Raises SettingError where production would trust what only development may."""
        check_topics(self.sns_topic_arns, production=self.common.production)
        if not self.common.production:
            return
        if self.sns_certificate_file is not None:
            raise SettingError("WRIT_SNS_CERTIFICATE_FILE is for the sandbox: production has none")
        for name, secret in (
            ("WRIT_PRINT_WEBHOOK_SECRET", self.print_webhook_secret),
            ("WRIT_LOB_WEBHOOK_SECRET", self.lob_webhook_secret),
            ("WRIT_PINGEN_WEBHOOK_SECRET", self.pingen_webhook_secret),
        ):
            if secret.startswith(SANDBOX):
                raise SettingError(f"{name} is the sandbox's")
        if not self.console_password:
            raise SettingError("WRIT_CONSOLE_PASSWORD is not set: the console shows every letter")


def check_topics(arns: tuple[str, ...], *, production: bool) -> None:
    """Raises SettingError where one is no topic, or production would believe none."""
    for arn in arns:
        if not arn.startswith("arn:aws") or arn.count(":") != 5:
            raise SettingError(f"WRIT_SNS_TOPIC_ARNS: {arn!r} is no ARN of a topic")
    if production and not arns:
        raise SettingError("WRIT_SNS_TOPIC_ARNS is not set: every receipt from SES is refused")
