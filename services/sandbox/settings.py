"""What the sandbox must be told: where it keeps its truth, where receipts go, how lifelike it is.

Read once at start with `SandboxSettings.from_env`; tests make one by hand.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from shared.settings import SANDBOX, Env, SettingError


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxSettings:
    """All the sandbox needs to know."""

    data_dir: Path  # its database, its certificate and its private key
    tracking_url: str  # receipts go to {tracking_url}/v1/receipts/{provider}
    api_key: str = field(repr=False)  # what the print vendor's client must present
    webhook_secret: str = field(repr=False)  # signs the print vendor's receipts
    seed: int  # the same seed makes the same choices
    lifelike: bool  # a few of the ordinary addresses bounce, delay or return
    receipt_delay_s: tuple[float, float]  # between one receipt and the next: at least, at most
    ses_max_24h: int = 10_000_000  # emails in 24 hours that GetAccount says SES would take
    ses_rate_per_s: float = 10_000.0  # … and in a second
    ses_enforced: bool = False  # whether SES refuses what goes beyond
    receipts: str = "https"  # how SES's reach tracking: https, or sqs: from our queue
    idempotency_life_s: float = 24 * 3600.0  # how long the print vendor remembers a key

    @classmethod
    def from_env(cls, env: Env | None = None) -> Self:
        """Raises SettingError, in production always."""
        env = env or Env()
        if env.production():
            raise SettingError("WRIT_ENVIRONMENT is production, which has no sandbox")
        settings = cls(
            data_dir=env.path("WRIT_DATA_DIR", "var") / "sandbox",
            tracking_url=env.text("WRIT_TRACKING_URL", "http://127.0.0.1:8001"),
            api_key=env.text("WRIT_PRINT_API_KEY"),
            webhook_secret=env.text("WRIT_PRINT_WEBHOOK_SECRET"),
            receipts=env.choice("WRIT_SANDBOX_RECEIPTS", "https", among=("https", "sqs")),
            seed=env.whole("WRIT_SANDBOX_SEED", 1),
            lifelike=env.flag("WRIT_SANDBOX_LIFELIKE", default=True),
            receipt_delay_s=(
                env.seconds("WRIT_SANDBOX_RECEIPT_DELAY_MIN_S", 0.5),
                env.seconds("WRIT_SANDBOX_RECEIPT_DELAY_MAX_S", 3.0),
            ),
            ses_max_24h=env.whole("WRIT_SANDBOX_SES_MAX_24H", 10_000_000),
            ses_rate_per_s=env.whole("WRIT_SANDBOX_SES_RATE_PER_S", 10_000),
            ses_enforced=env.flag("WRIT_SANDBOX_SES_ENFORCED", default=False),
        )
        settings.check()
        return settings

    def check(self) -> None:
        """Raises SettingError where a secret may be a real vendor's, or delays contradict."""
        if not self.api_key.startswith(SANDBOX):
            raise SettingError(f"WRIT_PRINT_API_KEY must begin with {SANDBOX} for the sandbox")
        if not self.webhook_secret.startswith(SANDBOX):
            raise SettingError(f"WRIT_PRINT_WEBHOOK_SECRET must begin with {SANDBOX}, too")
        if self.ses_rate_per_s < 1:
            raise SettingError("WRIT_SANDBOX_SES_RATE_PER_S must be at least 1")
        least, most = self.receipt_delay_s
        if least > most:
            raise SettingError(
                "WRIT_SANDBOX_RECEIPT_DELAY_MIN_S exceeds WRIT_SANDBOX_RECEIPT_DELAY_MAX_S"
            )
