"""What each error of SES proves: the table, and the sandbox, which knows what it really took."""

from collections.abc import Iterator
from string import Formatter

import botocore.exceptions
import botocore.session
import pytest
from botocore.exceptions import BotoCoreError, ClientError
from hypothesis import given
from hypothesis import strategies as st

from services.dispatch.providers import contract
from services.dispatch.providers.contract import (
    LaneHeld,
    LaneReason,
    ProviderError,
    Refused,
    Taken,
    TryLater,
    Unclear,
)
from services.dispatch.providers.ses import Ses
from services.dispatch.providers.ses_errors import (
    ENTRY_CODES,
    TABLE,
    classified,
    classified_entry,
    unanswered,
)
from services.sandbox.faults import WireFault
from services.sandbox.ses import REFUSALS
from tests.dispatch.providers.amazon import a_client, an_email
from tests.dispatch.providers.line import answering, listening
from tests.sandbox.world import World, a_world

pytestmark = pytest.mark.usefixtures("amazon_credentials")

THROTTLED = "throttled"
QUOTA, PAUSED = LaneReason.DAILY_QUOTA, LaneReason.SENDING_PAUSED
SUSPENDED, NOT_VERIFIED = LaneReason.ACCOUNT_SUSPENDED, LaneReason.NOT_VERIFIED
NO_SET, NO_ACCESS, ASTRAY = (
    *(LaneReason.CONFIGURATION_SET, LaneReason.CREDENTIALS, LaneReason.ACCOUNT),
)
RATE, DAY = "Maximum sending rate exceeded.", "Daily message quota exceeded."
WHO = "Email address is not verified. The following identities failed the check in region X: a@b.c"

Meaning = type[ProviderError] | LaneReason | str

# Status, code and text, as they come; the sources stand beside the rows of the table.
ANSWERS: list[tuple[int, str, str, Meaning]] = [
    (429, "TooManyRequestsException", RATE, THROTTLED),
    (400, "ThrottlingException", RATE, THROTTLED),
    (400, "Throttling", RATE, THROTTLED),
    (429, "SomethingNew", "", THROTTLED),
    (429, "TooManyRequestsException", DAY, QUOTA),
    (400, "ThrottlingException", DAY, QUOTA),
    (400, "Throttling", "Daily sending quota exceeded.", QUOTA),
    (400, "LimitExceededException", "", TryLater),
    (408, "RequestTimeoutException", "", TryLater),
    (400, "RequestAbortedException", "", Unclear),
    (400, "RequestExpired", "", NO_ACCESS),
    (400, "AccountSuspendedException", "", SUSPENDED),
    (400, "SendingPausedException", "", PAUSED),
    (400, "AccountSendingPausedException", "", PAUSED),
    (400, "ConfigurationSetSendingPausedException", "", PAUSED),
    (400, "MessageRejected", "Sending paused for this account. For more information, …", PAUSED),
    (400, "MessageRejected", "Sending is disabled for this account", PAUSED),
    (400, "MailFromDomainNotVerifiedException", "", NOT_VERIFIED),
    (400, "MessageRejected", WHO, NOT_VERIFIED),
    (404, "NotFoundException", "", NO_SET),
    (400, "ConfigurationSetDoesNotExist", "", NO_SET),
    (404, "UnknownOperationException", "", ASTRAY),
    (404, "404", "Not Found", ASTRAY),
    (403, "ExpiredTokenException", "", NO_ACCESS),
    (403, "AccessDeniedException", "", NO_ACCESS),
    (403, "UnrecognizedClientException", "", NO_ACCESS),
    (403, "InvalidSignatureException", "", NO_ACCESS),
    (403, "MissingAuthenticationTokenException", "", NO_ACCESS),
    (400, "OptInRequired", "", NO_ACCESS),
    (401, "SomethingNew", "", NO_ACCESS),
    (400, "MessageRejected", "The message holds a virus", Refused),
    (400, "BadRequestException", "Local address contains control or whitespace", Refused),
    (413, "RequestEntityTooLargeException", "", Refused),
    (413, "413", "", Refused),
    # Provably not taken; nobody knows what it is, so it is not called final.
    (400, "SomethingNew", "", TryLater),
    (500, "InternalFailure", "", Unclear),
    (503, "ServiceUnavailable", "", Unclear),
    (500, "MessageRejected", WHO, Unclear),
    (503, "TooManyRequestsException", RATE, Unclear),
    (302, "302", "", Unclear),  # somebody else answered
    (0, "", "", Unclear),
]


def meaning(fault: ProviderError) -> Meaning:
    if isinstance(fault, TryLater) and fault.throttled:
        return THROTTLED
    return fault.reason if isinstance(fault, LaneHeld) else type(fault)


def answer(status: int, code: str, text: str, operation: str = "SendEmail") -> ClientError:
    said = {
        "Error": {"Code": code, "Message": text},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(said, operation)  # type: ignore[arg-type]


@pytest.mark.parametrize(("status", "code", "text", "means"), ANSWERS)
def test_every_error_answer_says_what_it_proves(
    status: int, code: str, text: str, means: Meaning
) -> None:
    fault = classified(answer(status, code, text))

    assert meaning(fault) == means
    assert str(fault) == f"SES answered {status} {code}"


def test_every_row_of_the_table_is_tried_above_or_by_an_entry() -> None:
    tried = [(status, code, text.lower()) for status, code, text, _ in ANSWERS]
    tried += [(0, code, "") for code in ENTRY_CODES.values()]

    first = {next((row for row in TABLE if row.fits(*one)), None) for one in tried}

    assert first >= set(TABLE)
    assert all(row.source for row in TABLE)


def test_an_error_answer_with_nothing_in_it_proves_nothing() -> None:
    assert type(classified(ClientError({}, "SendEmail"))) is Unclear


def test_whoever_gives_no_credentials_took_no_email() -> None:
    fault = classified(answer(500, "InternalFailure", "", operation="AssumeRole"))

    assert meaning(fault) == NO_ACCESS


CODES = st.one_of(
    st.sampled_from(sorted({code for row in TABLE for code in row.codes})), st.text(max_size=20)
)
TEXTS = st.one_of(st.sampled_from([RATE, DAY, WHO, "Sending paused"]), st.text(max_size=40))


@given(st.integers(0, 999), CODES, TEXTS)
def test_every_answer_ends_in_one_class_and_tells_nothing_of_its_text(
    status: int, code: str, text: str
) -> None:
    fault = classified(answer(status, code, text))

    assert type(fault) in {TryLater, LaneHeld, Refused, Unclear}
    if not 400 <= status < 500:
        assert type(fault) is Unclear
    if isinstance(fault, LaneHeld):
        assert fault.after_s > 0
    if len(text) > 3:
        assert text not in fault.detail.replace(code, "")


STATUSES = st.one_of(st.sampled_from(sorted(ENTRY_CODES)), st.text(max_size=20))


@given(STATUSES, TEXTS)
def test_every_entry_ends_in_one_class(status: str, text: str) -> None:
    fault = classified_entry(status, text)

    assert type(fault) in {TryLater, LaneHeld, Refused, Unclear}
    assert (status in ENTRY_CODES) or type(fault) is Unclear


def test_every_status_that_botocore_knows_of_an_entry_is_in_the_table() -> None:
    model = botocore.session.get_session().get_service_model("sesv2")
    known = set(model.shape_for("BulkEmailStatus").metadata["enum"])

    assert known - set(ENTRY_CODES) == {"SUCCESS", "FAILED"}
    for code in ENTRY_CODES.values():
        assert any(row.fits(0, code, "") for row in TABLE), code


def exceptions_of_botocore() -> Iterator[BotoCoreError]:
    for kind in vars(botocore.exceptions).values():
        if isinstance(kind, type) and issubclass(kind, BotoCoreError):
            words = [name for _, name, _, _ in Formatter().parse(kind.fmt) if name]
            error = kind.__new__(kind)
            BotoCoreError.__init__(error, **{name: "x" for name in words})
            yield error


#: What boto3 raises before it opens a line, or where none opens.  All else may have been sent.
BEFORE = {
    *("EndpointConnectionError", "ConnectTimeoutError", "ProxyConnectionError"),
    *("NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError"),
    *("NoAuthTokenError", "TokenRetrievalError", "ParamValidationError"),
    *("SSOError", "PendingAuthorizationExpiredError", "SSOTokenLoadError"),
    *("UnauthorizedSSOTokenError", "LoginError", "LoginRefreshRequired"),
    *("LoginInsufficientPermissions", "LoginTokenLoadError", "LoginAuthorizationCodeError"),
}


def test_of_all_that_boto3_can_raise_only_what_comes_before_the_call_is_not_sent() -> None:
    faults = {type(error).__name__: unanswered(error) for error in exceptions_of_botocore()}

    proven = {name for name, fault in faults.items() if not isinstance(fault, Unclear)}
    assert proven <= BEFORE
    assert {"EndpointConnectionError", "NoCredentialsError"} <= proven
    assert type(faults["ReadTimeoutError"]) is Unclear
    assert type(faults["ConnectionClosedError"]) is Unclear


@pytest.mark.parametrize(
    ("status", "means"), [(429, THROTTLED), (400, TryLater), (403, NO_ACCESS), (500, Unclear)]
)
def test_an_error_that_came_over_the_line_is_classified_alike(status: int, means: Meaning) -> None:
    told = answering(status, '{"message": "no"}', X_Amzn_ErrorType="SomethingNew")
    with listening(told) as line, pytest.raises(ProviderError) as raised:
        Ses(a_client(line.url), "writ").send(an_email())

    assert meaning(raised.value) == means
    assert len(line.requests) == 1


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with a_world(tmp_path_factory.mktemp("sandbox"), "http://127.0.0.1:9") as world:
        yield world


#: Every refusal of the sandbox, by its name there.
REFUSED: dict[str, Meaning] = {
    "throttle": THROTTLED,
    "throttle_v1": THROTTLED,
    "quota": QUOTA,
    "limit": TryLater,
    "paused": PAUSED,
    "paused_v1": PAUSED,
    "suspended": SUSPENDED,
    "message_rejected": Refused,
    "not_verified": NOT_VERIFIED,
    "mail_from": NOT_VERIFIED,
    "not_found": NO_SET,
    "bad_request": Refused,
    "expired_token": NO_ACCESS,
    "access_denied": NO_ACCESS,
    "too_large": Refused,
    "timeout": TryLater,
    "500": Unclear,
    "503": Unclear,
}


@pytest.mark.parametrize("kind", [*REFUSALS, *WireFault])
def test_what_is_called_not_sent_was_not_taken(sandbox: World, kind: str) -> None:
    sandbox.faults(ses=[{"kind": kind, "next": 1, "seconds": 30}])
    before = sandbox.counts()["emails"]

    ended = handed_over(sandbox)

    taken = sandbox.counts()["emails"] - before
    assert isinstance(ended, ProviderError)
    assert meaning(ended) == REFUSED.get(kind, Unclear)
    assert taken == (1 if kind.endswith("_after") else 0)
    if taken:
        assert type(ended) is Unclear


def test_an_address_can_ask_for_a_refusal(sandbox: World) -> None:
    before = sandbox.counts()["emails"]

    ended = handed_over(sandbox, to="refuse-quota@office.example")

    assert isinstance(ended, ProviderError)
    assert meaning(ended) == QUOTA
    assert sandbox.counts()["emails"] == before


def test_after_any_fault_the_next_email_is_taken(sandbox: World) -> None:
    assert isinstance(handed_over(sandbox), Taken)


def test_no_fault_names_a_person() -> None:
    fault = classified(answer(400, "MessageRejected", WHO))

    assert "a@b.c" not in f"{fault!r} {fault.detail}"
    assert isinstance(fault, contract.NotSent)


def handed_over(sandbox: World, **changes: object) -> Taken | ProviderError:
    try:
        return Ses(a_client(sandbox.url), "writ").send(an_email(**changes))
    except ProviderError as fault:
        return fault
