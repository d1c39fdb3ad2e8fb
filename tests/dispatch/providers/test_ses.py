"""One call, one email; what SES's answers prove.  Judged by moto, which somebody else wrote."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.ses.models import ses_backends

from services.dispatch.providers.contract import (
    Email,
    LaneHeld,
    ProviderError,
    Refused,
    TryLater,
    Unclear,
)
from services.dispatch.providers.ses import Ses, classified, connect_ses
from services.dispatch.rendering.mime import address
from shared.clock import new_id
from tests.dispatch.providers.certificates import a_certificate
from tests.dispatch.providers.line import (
    Answer,
    answering,
    breaking_tls,
    cutting,
    free_port,
    hanging_up,
    listening,
    resetting,
    stalling,
)

if TYPE_CHECKING:
    from mypy_boto3_sesv2 import SESV2Client

REGION = "eu-central-1"


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def a_client(url: str) -> "SESV2Client":
    return connect_ses(
        region=REGION,
        endpoint_url=url,
        connect_timeout_s=1,
        read_timeout_s=1,
        connections=2,
    )


def an_email(**changes: object) -> Email:
    fields: dict[str, object] = {
        "delivery_id": new_id(),
        "from_": address("Ana Beispiel via Letters", "letters@send.example"),
        "to": "office@prosecutor.example",
        "reply_to": "ana@people.example",
        "subject": "Über Mikita",
        "text": "Свободу!\n",
        "html": "<p>Свободу!</p>",
    }
    return Email(**fields | changes)  # type: ignore[arg-type]


def send(answer: Answer) -> tuple[ProviderError | None, int]:
    """The fault, and how many requests reached the server."""
    with listening(answer) as line:
        try:
            Ses(a_client(line.url), "writ").send(an_email())
        except ProviderError as fault:
            return fault, len(line.requests)
    return None, len(line.requests)


class TestMoto:
    @pytest.fixture
    def client(self) -> "Iterator[SESV2Client]":
        with mock_aws():
            client = connect_ses(
                region=REGION,
                endpoint_url=None,
                connect_timeout_s=5,
                read_timeout_s=20,
                connections=2,
            )
            client.create_email_identity(EmailIdentity="letters@send.example")
            yield client

    def test_an_email_arrives_as_it_was_written(self, client: "SESV2Client") -> None:
        email = an_email()

        taken = Ses(client, "writ").send(email)

        sent = ses_backends[DEFAULT_ACCOUNT_ID][REGION].sent_messages[-1]
        assert sent.id == taken.provider_id
        assert sent.source == '"Ana Beispiel via Letters" <letters@send.example>'
        assert sent.destinations["ToAddresses"] == ["office@prosecutor.example"]
        assert sent.subject == "Über Mikita"
        assert sent.body in {email.text, email.html}

    def test_an_address_of_ours_that_is_not_verified_holds_the_lane(
        self, client: "SESV2Client"
    ) -> None:
        email = an_email(from_="stranger@elsewhere.example")

        with pytest.raises(LaneHeld) as fault:
            Ses(client, "writ").send(email)

        assert "elsewhere" not in str(fault.value)


def test_a_call_carries_our_id_our_set_and_both_texts() -> None:
    email = an_email()

    with listening(answering(200, '{"MessageId": "m-1"}')) as line:
        taken = Ses(a_client(line.url), "writ").send(email)

    request = line.requests[0].decode("unicode_escape")
    assert taken.provider_id == "m-1"
    assert line.requests[0].startswith(b"POST /v2/email/outbound-emails HTTP/1.1")
    assert f'"Name": "delivery_id", "Value": "{email.delivery_id}"' in request
    assert '"ConfigurationSetName": "writ"' in request
    assert '"ReplyToAddresses": ["ana@people.example"]' in request


STALLS = [stalling, resetting, hanging_up, cutting, answering(500), answering(503)]


@pytest.mark.parametrize("answer", STALLS)
def test_a_call_without_a_clear_answer_is_made_once(answer: Answer) -> None:
    fault, requests = send(answer)

    assert type(fault) is Unclear
    assert requests == 1


def test_boto3_left_alone_would_have_sent_more() -> None:
    config = Config(connect_timeout=1, read_timeout=1)

    with listening(answering(500)) as line:
        client = boto3.client("sesv2", REGION, endpoint_url=line.url, config=config)
        with pytest.raises(Unclear):
            Ses(client, "writ").send(an_email())

    assert len(line.requests) > 1


def test_a_server_that_nobody_reaches_took_nothing() -> None:
    with pytest.raises(TryLater, match="SES was not reached"):
        Ses(a_client(f"http://127.0.0.1:{free_port()}"), "writ").send(an_email())


def test_without_credentials_the_lane_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")

    with listening(stalling) as line:
        ses = Ses(boto3.session.Session().client("sesv2", REGION, endpoint_url=line.url), "writ")
        with pytest.raises(LaneHeld, match="no AWS credentials"):
            ses.send(an_email())

    assert line.requests == []


def test_a_certificate_that_is_not_trusted_gets_no_email(tmp_path: Path) -> None:
    context, _ = a_certificate(tmp_path)

    with listening(stalling, context=context) as line, pytest.raises(TryLater):
        Ses(a_client(line.url.replace("http:", "https:")), "writ").send(an_email())

    assert line.requests == []


def test_a_line_that_breaks_after_the_call_proves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, _ = a_certificate(tmp_path)
    monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / "certificate.pem"))

    with listening(breaking_tls, context=context) as line, pytest.raises(Unclear):
        Ses(a_client(line.url.replace("http:", "https:")), "writ").send(an_email())

    assert len(line.requests) == 1


# API reference, "SendEmail", Errors; "Common errors"; dev guide, "Errors" (reference/ses.md).
CODES: list[tuple[int, str, str, type[ProviderError]]] = [
    (429, "TooManyRequestsException", "Maximum sending rate exceeded.", TryLater),  # on the wire
    (400, "ThrottlingException", "Maximum sending rate exceeded.", TryLater),  # dev guide
    (400, "Throttling", "Maximum sending rate exceeded.", TryLater),  # v1
    (400, "LimitExceededException", "", TryLater),  # SendEmail
    (408, "RequestTimeoutException", "", TryLater),  # common: the request did not come whole
    (400, "RequestExpired", "", TryLater),  # common: our clock
    (429, "SomethingNew", "", TryLater),
    (400, "ThrottlingException", "Daily message quota exceeded.", LaneHeld),  # dev guide
    (400, "AccountSuspendedException", "", LaneHeld),  # SendEmail
    (400, "SendingPausedException", "", LaneHeld),  # SendEmail
    (400, "MailFromDomainNotVerifiedException", "", LaneHeld),  # SendEmail
    (404, "NotFoundException", "", LaneHeld),  # SendEmail: the configuration set
    (403, "ExpiredTokenException", "", LaneHeld),  # common
    (403, "AccessDeniedException", "", LaneHeld),  # common
    (403, "UnrecognizedClientException", "", LaneHeld),  # common
    (403, "InvalidSignatureException", "", LaneHeld),  # SigV4 troubleshooting
    (403, "MissingAuthenticationTokenException", "", LaneHeld),  # common
    (401, "SomethingNew", "", LaneHeld),
    (400, "MessageRejected", "Email address is not verified. ana@x.example", LaneHeld),  # v1 guide
    (400, "MessageRejected", "Sending is disabled for this account", LaneHeld),
    (400, "MessageRejected", "The message holds a virus", Refused),  # SendEmail
    (400, "BadRequestException", "Local address contains control or whitespace", Refused),
    (413, "RequestEntityTooLargeException", "", Refused),  # common
    (400, "SomethingNew", "", Refused),
    (500, "InternalFailure", "", Unclear),  # common
    (503, "ServiceUnavailable", "", Unclear),  # common
    (500, "SomethingNew", "Email address is not verified", Unclear),
    (302, "302", "", Unclear),  # somebody else answered
    (0, "", "", Unclear),
]


@pytest.mark.parametrize(("status", "code", "message", "meaning"), CODES)
def test_every_error_code_says_what_it_proves(
    status: int, code: str, message: str, meaning: type[ProviderError]
) -> None:
    answer = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }

    fault = classified(ClientError(answer, "SendEmail"))  # type: ignore[arg-type]

    assert type(fault) is meaning
    assert str(fault) == f"SES answered {status} {code}"


def test_an_error_answer_with_nothing_in_it_proves_nothing() -> None:
    assert type(classified(ClientError({}, "SendEmail"))) is Unclear


@pytest.mark.parametrize(("status", "meaning"), [(429, TryLater), (400, Refused), (403, LaneHeld)])
def test_an_error_that_came_over_the_line_is_classified_alike(
    status: int, meaning: type[ProviderError]
) -> None:
    fault, requests = send(answering(status, '{"message": "no"}', X_Amzn_ErrorType="SomethingNew"))

    assert type(fault) is meaning
    assert requests == 1


@pytest.mark.parametrize(
    "name", ["Jörg", "Zoë\r\nBcc: all@people.example", 'A "B" C\\', "王 " * 50, "=?utf-8?q?x?="]
)
def test_no_name_breaks_a_header(name: str) -> None:
    from_ = address(name, "letters@send.example")

    assert from_.isascii()
    assert not set(from_) & set("\r\n")
    assert from_.endswith(" <letters@send.example>")
    assert len(from_) < 998
