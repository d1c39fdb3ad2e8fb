"""What dispatch is told at its start."""

from dataclasses import dataclass, field
from typing import Self

from shared.settings import SANDBOX, CommonSettings, Env, SettingError


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    common: CommonSettings
    broker_url: str = field(repr=False)  # stub:// (one process) or amqp://…
    threads: int  # deliveries in flight in one process
    chunk: int  # deliveries claimed at once: at most so many are unclear after a crash
    connect_timeout_s: float
    read_timeout_s: float
    claim_ttl_s: float  # a claim older than this was left by a crash
    poll_s: float  # how often the relay looks for due rows
    rewake_s: float  # a wake-up older than this was lost
    backlog: int  # deliveries on the queues at most: the rest waits in the database
    ses_region: str
    ses_endpoint_url: str  # empty: Amazon's own
    ses_configuration_set: str
    print_url: str  # empty: no print vendor, letters wait
    print_api_key: str = field(repr=False)

    @classmethod
    def from_env(cls, env: Env | None = None) -> Self:
        """Raises SettingError."""
        env = env or Env()
        settings = cls(
            common=CommonSettings.from_env(env),
            broker_url=env.text("WRIT_BROKER_URL"),
            threads=env.whole("WRIT_DISPATCH_THREADS", 8),
            chunk=env.whole("WRIT_DISPATCH_CHUNK", 20),
            connect_timeout_s=env.seconds("WRIT_CONNECT_TIMEOUT_S", 5),
            read_timeout_s=env.seconds("WRIT_READ_TIMEOUT_S", 20),
            claim_ttl_s=env.seconds("WRIT_CLAIM_TTL_S", 300),
            poll_s=env.seconds("WRIT_RELAY_POLL_S", 0.1),
            rewake_s=env.seconds("WRIT_REWAKE_S", 120),
            backlog=env.whole("WRIT_QUEUE_BACKLOG", 2000),
            ses_region=env.text("WRIT_SES_REGION", "eu-central-1"),
            ses_endpoint_url=env.text("WRIT_SES_ENDPOINT_URL", ""),
            ses_configuration_set=env.text("WRIT_SES_CONFIGURATION_SET", "writ"),
            print_url=env.text("WRIT_PRINT_URL", ""),
            print_api_key=env.text("WRIT_PRINT_API_KEY", ""),
        )
        settings.check()
        return settings

    def check(self) -> None:
        """Raises SettingError where settings do not fit each other."""
        if self.chunk < 1:
            raise SettingError("WRIT_DISPATCH_CHUNK must be at least 1")
        # A worker stops calling at half its claim's life; its last call must end within the rest.
        if self.claim_ttl_s < 2 * (self.connect_timeout_s + self.read_timeout_s):
            raise SettingError("WRIT_CLAIM_TTL_S must be at least twice the two call timeouts")
        if self.common.production and self.ses_endpoint_url.startswith("http://"):
            raise SettingError("WRIT_SES_ENDPOINT_URL is a sandbox's: production sends through AWS")
        if self.common.production and self.print_url.startswith("http://"):
            raise SettingError("WRIT_PRINT_URL must begin with https:// in production")
        if self.common.production and self.print_api_key.startswith(SANDBOX):
            raise SettingError("WRIT_PRINT_API_KEY is the sandbox's")
