"""What an error of SES proves about an email: one table, one source a row.

In: what boto3 raised, or what one entry of a bulk call says.  Out: an error of contract.py.

Where the sources are: "SendEmail", "SendBulkEmail", "BulkEmailEntryResult" and "Common errors" are
pages of docs.aws.amazon.com/ses/latest/APIReference-V2; "v1" is APIReference beside it; "quota
errors" is docs.aws.amazon.com/ses/latest/dg/manage-sending-quotas-errors.html.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from ssl import SSLCertVerificationError

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    NoAuthTokenError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
    ProxyConnectionError,
    SSLError,
    SSOError,
    TokenRetrievalError,
)

from services.dispatch.providers.contract import (
    LaneHeld,
    LaneReason,
    ProviderError,
    Refused,
    TryLater,
    Unclear,
)

LANE_PAUSE_S = 15 * 60  # SES asks for up to ten minutes of patience; people mend accounts slower
SUSPENDED_PAUSE_S = 60 * 60  # that is a matter of days

OPERATIONS = frozenset(  # those that we call
    {
        *("SendEmail", "SendBulkEmail", "GetAccount"),
        *("PutSuppressedDestination", "DeleteSuppressedDestination"),
    }
)
_CODE = re.compile(r"[A-Za-z0-9_.-]{1,80}")

_SLOWER = partial(TryLater, throttled=True)
_QUOTA = partial(LaneHeld, after_s=LANE_PAUSE_S, reason=LaneReason.DAILY_QUOTA)
_PAUSED = partial(LaneHeld, after_s=LANE_PAUSE_S, reason=LaneReason.SENDING_PAUSED)
_SUSPENDED = partial(LaneHeld, after_s=SUSPENDED_PAUSE_S, reason=LaneReason.ACCOUNT_SUSPENDED)
_NOT_VERIFIED = partial(LaneHeld, after_s=LANE_PAUSE_S, reason=LaneReason.NOT_VERIFIED)
_NO_SET = partial(LaneHeld, after_s=LANE_PAUSE_S, reason=LaneReason.CONFIGURATION_SET)
_NO_ACCESS = partial(LaneHeld, after_s=LANE_PAUSE_S, reason=LaneReason.CREDENTIALS)
_ASTRAY = partial(LaneHeld, after_s=LANE_PAUSE_S, reason=LaneReason.ACCOUNT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One class of error answers.  It fits by code or by status, and where it has `texts` by one
    of them, too: the same code stands for a bad message and for a bad account."""

    means: Callable[[str], ProviderError]
    codes: frozenset[str] = frozenset()
    statuses: frozenset[int] = frozenset()
    texts: tuple[str, ...] = ()  # in lower case
    source: str

    def fits(self, status: int, code: str, text: str) -> bool:
        if code not in self.codes and status not in self.statuses:
            return False
        return not self.texts or any(part in text for part in self.texts)


_THROTTLES = frozenset({"TooManyRequestsException", "ThrottlingException", "Throttling"})
_REJECTIONS = frozenset({"MessageRejected", "BadRequestException"})

#: Of answers with a status of 4xx alone; the first row that fits decides.
TABLE: tuple[Row, ...] = (
    Row(
        means=_QUOTA,
        codes=_THROTTLES | {"LimitExceededException"},
        statuses=frozenset({429}),
        texts=("daily message quota", "daily sending quota"),
        source="quota errors: 'Daily message quota exceeded'; re:Post: 'Daily sending quota'",
    ),
    Row(
        means=_QUOTA,
        codes=frozenset({"DailyQuotaExceeded"}),
        source="BulkEmailEntryResult, ACCOUNT_DAILY_QUOTA_EXCEEDED",
    ),
    Row(
        means=_SLOWER,
        codes=_THROTTLES,
        statuses=frozenset({429}),
        source="SendEmail; quota errors: 'Maximum sending rate exceeded'; on the wire 429"
        " TooManyRequestsException (pm-pmaas/etailors_amazon_ses#117), in v1 400 Throttling",
    ),
    Row(
        means=TryLater,
        codes=frozenset({"LimitExceededException"}),
        source="SendEmail: too many instances of the resource",
    ),
    Row(
        means=TryLater,
        codes=frozenset({"RequestTimeoutException", "RequestTimeout"}),
        statuses=frozenset({408}),
        source="Common errors: reading the request timed out; RFC 9110, 15.5.9",
    ),
    Row(
        means=Unclear,
        codes=frozenset({"RequestAbortedException"}),
        source="Common errors: aborted before a reply was sent, which says nothing of the email",
    ),
    Row(
        means=_PAUSED,
        codes=_REJECTIONS,
        texts=("sending paused", "sending is paused", "sending is disabled"),
        source="GoodDollar/GoodServer#419, hcengineering/platform#8899: MessageRejected 'Sending"
        " paused for this account'; v1, AccountSendingPausedException",
    ),
    Row(
        means=_NOT_VERIFIED,
        codes=_REJECTIONS,
        texts=("not verified",),
        source="freeCodeCamp/mail-for-good#113, 3box/3box#469: MessageRejected 'Email address is"
        " not verified. The following identities failed the check in region …'",
    ),
    Row(
        means=_PAUSED,
        codes=frozenset(
            {
                "SendingPausedException",
                "AccountSendingPausedException",
                "ConfigurationSetSendingPausedException",
            }
        ),
        source="SendEmail; v1 SendEmail; BulkEmailEntryResult, …_SENDING_PAUSED",
    ),
    Row(
        means=_SUSPENDED,
        codes=frozenset({"AccountSuspendedException"}),
        source="SendEmail: permanently restricted",
    ),
    Row(
        means=_NOT_VERIFIED,
        codes=frozenset({"MailFromDomainNotVerifiedException"}),
        source="SendEmail; v1: the MX record of the MAIL FROM domain could not be read",
    ),
    Row(
        means=_NO_SET,
        codes=frozenset(
            {
                "NotFoundException",
                "ConfigurationSetDoesNotExist",
                "ConfigurationSetDoesNotExistException",
                "InvalidSendingPoolName",
            }
        ),
        source="SendEmail: we name no other resource; v1; BulkEmailEntryResult",
    ),
    Row(
        means=_NO_ACCESS,
        codes=frozenset(
            {
                "AccessDeniedException",
                "ExpiredTokenException",
                "IncompleteSignature",
                "InvalidClientTokenId",
                "InvalidSignatureException",
                "MissingAuthenticationTokenException",
                "NotAuthorized",
                "OptInRequired",
                "RequestExpired",  # our clock, with which every request is signed
                "SignatureDoesNotMatch",
                "UnrecognizedClientException",
            }
        ),
        statuses=frozenset({401, 403}),
        source="Common errors; IAM guide, 'Troubleshoot Signature Version 4'",
    ),
    Row(
        means=_ASTRAY,
        codes=frozenset({"UnknownOperationException", "TemplateDoesNotExist"}),
        statuses=frozenset({404, 405}),
        source="Common errors: whoever answers does not know what we ask",
    ),
    Row(
        means=Refused,
        codes=frozenset({"RequestEntityTooLargeException"}),
        statuses=frozenset({413}),
        source="Common errors; quotas page: 40 MB after encoding",
    ),
    Row(
        means=Refused,
        codes=_REJECTIONS | {"ValidationError", "ValidationException"},
        source="SendEmail: invalid content, invalid input; Common errors",
    ),
)

#: The status of one entry of a bulk call, as the code that a call of its own would have answered.
#: "Check each response object and retry any messages with a failure status": none was sent.  The
#: page and botocore's model spell some in two ways.
ENTRY_CODES: Mapping[str, str] = {
    "MESSAGE_REJECTED": "MessageRejected",
    "MAIL_FROM_DOMAIN_NOT_VERIFIED": "MailFromDomainNotVerifiedException",
    "CONFIGURATION_SET_NOT_FOUND": "ConfigurationSetDoesNotExist",
    "CONFIGURATION_SET_DOES_NOT_EXIST": "ConfigurationSetDoesNotExist",
    "TEMPLATE_NOT_FOUND": "TemplateDoesNotExist",
    "TEMPLATE_DOES_NOT_EXIST": "TemplateDoesNotExist",
    "ACCOUNT_SUSPENDED": "AccountSuspendedException",
    "ACCOUNT_THROTTLED": "TooManyRequestsException",
    "ACCOUNT_DAILY_QUOTA_EXCEEDED": "DailyQuotaExceeded",
    "INVALID_SENDING_POOL_NAME": "InvalidSendingPoolName",
    "ACCOUNT_SENDING_PAUSED": "SendingPausedException",
    "CONFIGURATION_SET_SENDING_PAUSED": "ConfigurationSetSendingPausedException",
    "INVALID_PARAMETER": "BadRequestException",
    "INVALID_PARAMETER_VALUE": "BadRequestException",
    # A 503 may come from whoever stands before SES; this one SES itself says of this one email.
    "TRANSIENT_FAILURE": "RequestTimeout",
    # FAILED is not here: "unable to process", and no word why.  A Send event will tell.
}

#: No answer at all: only what failed before a byte of the request left is surely not sent.
_NOT_REACHED = (EndpointConnectionError, ConnectTimeoutError, ProxyConnectionError)
_NO_CREDENTIALS = (
    *(NoCredentialsError, PartialCredentialsError, CredentialRetrievalError),
    *(NoAuthTokenError, SSOError, TokenRetrievalError),
)


def classified(error: ClientError) -> ProviderError:
    """What an error answer of SES means for the delivery."""
    said = error.response.get("Error", {})
    code, text = said.get("Code", ""), said.get("Message", "")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if error.operation_name not in OPERATIONS:  # a call of boto3's own, before ours
        return _NO_ACCESS(f"AWS gave no credentials: {status} {_word(code)}")
    detail = f"SES answered {status} {_word(code)}"
    if not 400 <= status < 500:
        return Unclear(detail)
    return _means(status, code, text)(detail)


def classified_entry(status: str, text: str) -> ProviderError:
    """What an entry of a bulk call means that is no SUCCESS."""
    detail = f"SES answered {_word(status)}"
    code = ENTRY_CODES.get(status)
    return _means(0, code, text)(detail) if code else Unclear(detail)


def unanswered(error: BotoCoreError) -> ProviderError:
    """What it means that boto3 has no answer."""
    name = type(error).__name__
    if isinstance(error, _NOT_REACHED) or _is_distrust(error):
        return TryLater(f"SES was not reached: {name}")
    if isinstance(error, _NO_CREDENTIALS):
        return _NO_ACCESS(f"there are no AWS credentials: {name}")
    if isinstance(error, ParamValidationError):
        return Refused("SES would not take such a call: ParamValidationError")
    return Unclear(f"SES did not answer: {name}")


def _means(status: int, code: str, text: str) -> Callable[[str], ProviderError]:
    """An answer that no row knows was an answer, too: not taken, and a person looks in the end."""
    words = text.lower()
    fitting = (row.means for row in TABLE if row.fits(status, code, words))
    return next(fitting, TryLater)


def _is_distrust(error: BotoCoreError) -> bool:
    """Whether TLS ended at the certificate.  Its other faults may come after the request, too."""
    if not isinstance(error, SSLError):
        return False
    cause: object = error.kwargs.get("error")
    while isinstance(cause, Exception) and not isinstance(cause, SSLCertVerificationError):
        cause = cause.args[0] if cause.args else None
    return isinstance(cause, SSLCertVerificationError)


def _word(code: str) -> str:
    """The code, unless it is none: whatever else answered may have quoted the email."""
    return code if _CODE.fullmatch(code) else ""
