"""Amazon SES v2 through boto3: one call, no repeat of its own, for one email or for many.

boto3's default sends up to 3 copies of one call (measured: a stalled answer, a reset and a 500 each
reach the server three times): the client here makes exactly one attempt.  Facts of the API:
docs.aws.amazon.com/ses/latest/APIReference-V2.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from services.dispatch.providers.contract import (
    Account,
    Email,
    ProviderError,
    Refused,
    Taken,
    TryLater,
    Unclear,
)
from services.dispatch.providers.ses_errors import classified, classified_entry, unanswered
from services.dispatch.providers.ses_words import (
    MOST_BYTES,
    MOST_DATA_CHARS,
    MOST_ENTRIES,
    TEMPLATE,
    entry,
    least_bytes,
    message,
    one_sender,
    tags,
    template_data,
    watching,
)

if TYPE_CHECKING:  # the stubs are a development tool
    from mypy_boto3_sesv2 import SESV2Client
    from mypy_boto3_sesv2.type_defs import BulkEmailEntryResultTypeDef

_UNREADABLE = "SES answered, and what nobody can read"


def connect_ses(
    *,
    region: str,
    endpoint_url: str | None,
    connect_timeout_s: float,
    read_timeout_s: float,
    connections: int,
) -> "SESV2Client":
    """One client for a whole process: clients are thread-safe, sessions are not."""
    config = Config(
        retries={"total_max_attempts": 1, "mode": "standard"},
        connect_timeout=connect_timeout_s,
        read_timeout=read_timeout_s,
        max_pool_connections=connections,
    )
    client: SESV2Client = boto3.client(
        "sesv2", region_name=region, endpoint_url=endpoint_url, config=config
    )
    return client


class Ses:
    name = "ses"
    most = MOST_ENTRIES

    def __init__(self, client: "SESV2Client", configuration_set: str, tenant: str = "") -> None:
        """`tenant`: sends in its name, where the account has any (all that is named belongs to it).

        docs.aws.amazon.com/ses/latest/dg/tenants.html
        """
        self._client = client
        self._own: Any = {"ConfigurationSetName": configuration_set}
        if tenant:
            self._own["TenantName"] = tenant

    def send(self, email: Email) -> Taken:
        if least_bytes(email) > MOST_BYTES:
            raise Refused("the email is larger than the 40 MB that SES takes")
        with _told():
            answer = self._client.send_email(
                FromEmailAddress=email.from_,
                Destination={"ToAddresses": [email.to]},
                ReplyToAddresses=[email.reply_to] if email.reply_to else [],
                EmailTags=tags(email),
                Content={"Simple": message(email)},
                ConfigurationOverrides=watching(email),
                **self._own,
            )
        return _taken(answer.get("MessageId"))

    def fits(self, email: Email) -> bool:
        """Files are one for all in a bulk call, and the words of one entry are bounded."""
        return not email.attachments and len(template_data(email)) <= MOST_DATA_CHARS

    def send_many(self, emails: Sequence[Email]) -> list[Taken | ProviderError]:
        if not (0 < len(emails) <= self.most and one_sender(emails)):
            raise ValueError("a bulk call takes 1 to 50 emails of one sender")
        if not all(self.fits(email) for email in emails):
            raise ValueError("an email that must travel alone is in a bulk call")
        first = emails[0]
        try:
            with _told():
                answer = self._client.send_bulk_email(
                    FromEmailAddress=first.from_,
                    ReplyToAddresses=[first.reply_to] if first.reply_to else [],
                    DefaultContent={"Template": TEMPLATE},
                    BulkEmailEntries=[entry(email) for email in emails],
                    ConfigurationOverrides=watching(*emails),
                    **self._own,
                )
        except Refused as error:  # nobody knows which of them is at fault: each alone, next time
            fault = TryLater(f"{error.detail} for all together") if len(emails) > 1 else error
            return [fault] * len(emails)
        except ProviderError as error:  # of the whole call, and so of every email in it
            return [error] * len(emails)
        results = answer.get("BulkEmailEntryResults", [])
        if len(results) != len(emails):  # in their order, else nobody knows whose each one is
            return [Unclear(_UNREADABLE)] * len(emails)
        return [_ended(result) for result in results]

    def account(self) -> Account:
        """SES answers this once a second at most, to everybody who asks for the account."""
        with _told():
            answer = self._client.get_account()
        quota = answer.get("SendQuota", {})
        if not {"Max24HourSend", "MaxSendRate", "SentLast24Hours"} <= quota.keys():
            raise Unclear(_UNREADABLE)
        most = quota["Max24HourSend"]
        return Account(
            max_24h=None if most < 0 else int(most),  # -1 is unlimited
            max_rate_per_s=quota["MaxSendRate"],
            sent_24h=int(quota["SentLast24Hours"]),
            sending_enabled=answer.get("SendingEnabled", True),
            enforcement=answer.get("EnforcementStatus", ""),
        )

    def suppress(self, email: str, *, complaint: bool) -> None:
        """On the account's list, which is one region's, and takes one call a second."""
        with _told():
            self._client.put_suppressed_destination(
                EmailAddress=email, Reason="COMPLAINT" if complaint else "BOUNCE"
            )

    def unsuppress(self, email: str) -> None:
        """As it was sent to: this call tells upper and lower case apart, and sending does not."""
        with _told(), suppress(self._client.exceptions.NotFoundException):
            self._client.delete_suppressed_destination(EmailAddress=email)


@contextmanager
def _told() -> Iterator[None]:
    """Turns what boto3 raises into a ProviderError."""
    try:
        yield
    except ClientError as error:
        raise classified(error) from error
    except BotoCoreError as error:
        raise unanswered(error) from error
    except Exception as error:  # boto3 stumbles over an answer that is not of SES's form
        raise Unclear(f"{_UNREADABLE}: {type(error).__name__}") from error


def _ended(result: "BulkEmailEntryResultTypeDef") -> Taken | ProviderError:
    status = result.get("Status", "")
    if status != "SUCCESS":
        return classified_entry(status, result.get("Error", ""))
    try:
        return _taken(result.get("MessageId"))
    except Unclear as error:
        return error


def _taken(message_id: str | None) -> Taken:
    if not message_id:
        raise Unclear(_UNREADABLE)
    return Taken(provider_id=message_id)
