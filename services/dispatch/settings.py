"""What dispatch is told at its start."""

from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Self

from services.dispatch.vendor_settings.registry import VendorSettings, read_vendor
from shared.settings import CommonSettings, Env, SettingError


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpSettings:
    """The mail relay that takes our emails, for an organisation without AWS."""

    host: str
    port: int
    security: str  # starttls, tls or none
    user: str  # empty: it asks for no login
    password: str = field(repr=False)
    bounce_address: str  # what comes back goes there, with a token; empty: to the From address

    @classmethod
    def from_env(cls, env: Env) -> Self:
        security = ("starttls", "tls", "none")
        return cls(
            host=env.text("WRIT_SMTP_HOST", ""),
            port=env.whole("WRIT_SMTP_PORT", 587),
            security=env.choice("WRIT_SMTP_SECURITY", "starttls", among=security),
            user=env.text("WRIT_SMTP_USER", ""),
            password=env.text("WRIT_SMTP_PASSWORD", ""),
            bounce_address=env.text("WRIT_SMTP_BOUNCE_ADDRESS", ""),
        )

    def check(self, *, production: bool) -> None:
        """Raises SettingError."""
        if not self.host:
            raise SettingError("WRIT_SMTP_HOST must name the mail relay")
        if not 0 < self.port < 65536:
            raise SettingError("WRIT_SMTP_PORT must be a port: 587 or 465, mostly")
        if production and self.security == "none" and not _is_loopback(self.host):
            raise SettingError("WRIT_SMTP_SECURITY may be none on the same machine only")
        if bool(self.user) != bool(self.password):
            raise SettingError("WRIT_SMTP_USER and WRIT_SMTP_PASSWORD go together")
        if not (self.user + self.password).isascii():  # smtplib writes no other
            raise SettingError("WRIT_SMTP_USER and WRIT_SMTP_PASSWORD must be ASCII")
        local, _, domain = self.bounce_address.partition("@")
        if self.bounce_address and not (_is_word(local) and _is_word(domain)):
            raise SettingError("WRIT_SMTP_BOUNCE_ADDRESS must be one email address")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_word(text: str) -> bool:
    return bool(text) and text.isascii() and text.isprintable() and not set(text) & set(' <>"@,;:')


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
    pace: bool  # emails keep the pace of mailboxes and domains; off: all leave at once
    domain_per_hour: int  # emails to one receiving domain; 0: no limit
    ses_region: str
    ses_endpoint_url: str  # empty: Amazon's own
    ses_configuration_set: str
    ses_tenant: str  # empty: the account has none, or sends in its own name
    smtp: SmtpSettings | None  # None: emails leave by SES
    vendor: VendorSettings | None  # what prints letters; None: they wait

    @classmethod
    def from_env(cls, env: Env | None = None) -> Self:
        """Raises SettingError."""
        env = env or Env()
        provider = env.choice("WRIT_EMAIL_PROVIDER", "ses", among=("ses", "smtp"))
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
            pace=env.choice("WRIT_PACE", "on", among=("on", "off")) == "on",
            domain_per_hour=env.whole("WRIT_DOMAIN_PER_HOUR", 1200),
            ses_region=env.text("WRIT_SES_REGION", "eu-central-1"),
            ses_endpoint_url=env.text("WRIT_SES_ENDPOINT_URL", ""),
            ses_configuration_set=env.text("WRIT_SES_CONFIGURATION_SET", "writ"),
            ses_tenant=env.text("WRIT_SES_TENANT", ""),
            smtp=SmtpSettings.from_env(env) if provider == "smtp" else None,
            vendor=read_vendor(env),
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
        if self.smtp:
            self._check_smtp(self.smtp)
        if self.vendor:
            self.vendor.check(production=self.common.production)
        if self.common.production and not self.pace:
            raise SettingError("WRIT_PACE must be on in production: mailboxes would be flooded")
        if self.common.production and self.ses_endpoint_url.startswith("http://"):
            raise SettingError("WRIT_SES_ENDPOINT_URL is a sandbox's: production sends through AWS")

    def _check_smtp(self, smtp: SmtpSettings) -> None:
        smtp.check(production=self.common.production)
        # A relay has its whole time once more to answer to the end of an email.
        if self.claim_ttl_s < 2 * (self.connect_timeout_s + 2 * self.read_timeout_s):
            raise SettingError("WRIT_CLAIM_TTL_S must be at least twice a mail relay's timeouts")
