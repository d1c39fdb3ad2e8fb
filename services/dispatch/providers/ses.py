"""Amazon SES v2 through boto3: one call, one email, no repeat of its own.

boto3's default sends up to 3 copies of one call (reference/ses.md, "Retry/duplicates"): the client
here makes exactly one attempt.  Facts of the API: docs.aws.amazon.com/ses/latest/APIReference-V2.
"""

from ssl import SSLCertVerificationError
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
    ProxyConnectionError,
    SSLError,
)

from services.dispatch.providers.contract import (
    Email,
    LaneHeld,
    ProviderError,
    Refused,
    Taken,
    TryLater,
    Unclear,
)

if TYPE_CHECKING:  # the stubs are a development tool
    from mypy_boto3_sesv2 import SESV2Client
    from mypy_boto3_sesv2.type_defs import ContentTypeDef

LANE_PAUSE_S = 15 * 60  # SES asks for up to ten minutes of patience; people mend accounts slower

# Codes that SES answers before it takes anything (API reference, "SendEmail", Errors; "Common
# errors").  A code that is not here: 401, 403 and 404 are about the account, other 4xx about the
# email; anything else is Unclear.
_LATER = frozenset(
    {
        "TooManyRequestsException",
        "ThrottlingException",
        "Throttling",
        "LimitExceededException",
        "RequestTimeoutException",
        "RequestTimeout",
        "RequestExpired",
    }
)
_LANE = frozenset(
    {
        "AccountSuspendedException",
        "SendingPausedException",
        "MailFromDomainNotVerifiedException",
        "NotFoundException",  # the configuration set
        "ExpiredTokenException",
        "AccessDeniedException",
        "UnrecognizedClientException",
        "InvalidClientTokenId",
        "SignatureDoesNotMatch",
        "IncompleteSignature",
        "OptInRequired",
    }
)
# The same code stands for a bad message and for a bad account: the text tells them apart.
_LANE_STATUS = frozenset({401, 403, 404})
_LANE_TEXTS = ("daily message quota", "daily sending quota", "not verified", "sending is disabled")
_NOT_REACHED = (EndpointConnectionError, ConnectTimeoutError, ProxyConnectionError)
_NO_CREDENTIALS = (NoCredentialsError, PartialCredentialsError, CredentialRetrievalError)


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

    def __init__(self, client: "SESV2Client", configuration_set: str) -> None:
        self._client = client
        self._configuration_set = configuration_set

    def send(self, email: Email) -> Taken:
        try:
            answer = self._client.send_email(
                FromEmailAddress=email.from_,
                Destination={"ToAddresses": [email.to]},
                ReplyToAddresses=[email.reply_to] if email.reply_to else [],
                ConfigurationSetName=self._configuration_set,
                EmailTags=[{"Name": "delivery_id", "Value": str(email.delivery_id)}],
                Content={
                    "Simple": {
                        "Subject": _utf8(email.subject),
                        "Body": {"Text": _utf8(email.text), "Html": _utf8(email.html)},
                    }
                },
            )
        except ClientError as error:
            raise classified(error) from error
        except BotoCoreError as error:
            raise _unanswered(error) from error
        if not (message_id := answer.get("MessageId")):
            raise Unclear("SES answered, and what nobody can read")
        return Taken(provider_id=message_id)


def classified(error: ClientError) -> ProviderError:
    """What an error answer of SES means for the delivery."""
    code = error.response.get("Error", {}).get("Code", "")
    text = error.response.get("Error", {}).get("Message", "").lower()
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    detail = f"SES answered {status} {code}"
    if not 400 <= status < 500:
        return Unclear(detail)
    if code in _LANE or status in _LANE_STATUS or any(part in text for part in _LANE_TEXTS):
        return LaneHeld(detail, after_s=LANE_PAUSE_S)
    if code in _LATER or status == 429:
        return TryLater(detail)
    return Refused(detail)


def _unanswered(error: BotoCoreError) -> ProviderError:
    """No answer: only what failed before a byte of the request left is surely not sent."""
    name = type(error).__name__
    if isinstance(error, _NOT_REACHED) or _is_distrust(error):
        return TryLater(f"SES was not reached: {name}")
    if isinstance(error, _NO_CREDENTIALS):
        return LaneHeld(f"there are no AWS credentials: {name}", after_s=LANE_PAUSE_S)
    if isinstance(error, ParamValidationError):
        return Refused("SES would not take such a call: ParamValidationError")
    return Unclear(f"SES did not answer: {name}")


def _is_distrust(error: BotoCoreError) -> bool:
    """Whether TLS ended at the certificate.  Its other faults may come after the request, too."""
    if not isinstance(error, SSLError):
        return False
    cause: object = error.kwargs.get("error")
    while isinstance(cause, Exception) and not isinstance(cause, SSLCertVerificationError):
        cause = cause.args[0] if cause.args else None
    return isinstance(cause, SSLCertVerificationError)


def _utf8(text: str) -> "ContentTypeDef":
    return {"Data": text, "Charset": "UTF-8"}
