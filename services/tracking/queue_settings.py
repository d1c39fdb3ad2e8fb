"""What the listener on the queue of receipts is told at its start: little, and no password."""

from dataclasses import dataclass, field
from typing import Self

from services.tracking.settings import check_topics
from shared.settings import CommonSettings, Env, SettingError


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueSettings:
    common: CommonSettings
    url: str
    region: str
    endpoint_url: str  # empty: Amazon's own
    access_key_id: str  # empty: the machine has a role of its own
    secret_access_key: str = field(repr=False)
    sns_topic_arns: tuple[str, ...]  # whose messages we believe; all others stay in the queue
    inbound_bucket: str = ""  # where SES puts mail for us; empty: none of it is fetched

    @classmethod
    def from_env(cls, env: Env | None = None) -> Self:
        """Raises SettingError."""
        env = env or Env()
        settings = cls(
            common=CommonSettings.from_env(env),
            url=env.text("WRIT_SQS_QUEUE_URL", ""),
            region=env.text("WRIT_SQS_REGION", "eu-central-1"),
            endpoint_url=env.text("WRIT_SQS_ENDPOINT_URL", ""),
            access_key_id=env.text("WRIT_SQS_ACCESS_KEY_ID", ""),
            secret_access_key=env.text("WRIT_SQS_SECRET_ACCESS_KEY", ""),
            sns_topic_arns=env.words("WRIT_SNS_TOPIC_ARNS"),
            inbound_bucket=env.text("WRIT_INBOUND_BUCKET", ""),
        )
        settings.check()
        return settings

    def check(self) -> None:
        """Raises SettingError where there is no queue, or production would trust a sandbox's."""
        if not self.url:
            raise SettingError(
                "WRIT_SQS_QUEUE_URL is not set: receipts come over HTTPS, and nobody listens here"
            )
        if bool(self.access_key_id) != bool(self.secret_access_key):
            raise SettingError("WRIT_SQS_ACCESS_KEY_ID and WRIT_SQS_SECRET_ACCESS_KEY are one key")
        check_topics(self.sns_topic_arns, production=self.common.production)
        if not self.common.production:
            return
        if not self.url.startswith("https://"):
            raise SettingError("WRIT_SQS_QUEUE_URL must begin with https:// in production")
        if self.endpoint_url.startswith("http://"):
            raise SettingError("WRIT_SQS_ENDPOINT_URL is a sandbox's: production listens to AWS")
