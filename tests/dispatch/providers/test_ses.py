"""One call, one email, and what it carries.  Judged by moto, which somebody else wrote."""

import json
import socket
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from moto import mock_aws
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.ses.models import ses_backends

from services.dispatch.providers.contract import (
    Account,
    Attachment,
    LaneHeld,
    ProviderError,
    Refused,
    TryLater,
    Unclear,
)
from services.dispatch.providers.ses import Ses
from services.dispatch.rendering.mime import address
from tests.dispatch.providers.amazon import REGION, a_client, an_email
from tests.dispatch.providers.certificates import a_certificate
from tests.dispatch.providers.line import (
    Answer,
    answering,
    babbling,
    breaking_tls,
    cutting,
    free_port,
    hanging_up,
    listening,
    resetting,
    stalling,
)
from tests.sandbox.world import World, a_world

if TYPE_CHECKING:
    from mypy_boto3_sesv2 import SESV2Client

pytestmark = pytest.mark.usefixtures("amazon_credentials")


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[World]:
    with a_world(tmp_path, "http://127.0.0.1:9") as world:
        yield world


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
            client = a_client(None, read_timeout_s=20)
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


def sent_to(line_of_requests: list[bytes]) -> dict[str, Any]:
    """The one request that reached a server, read."""
    (request,) = line_of_requests
    read: dict[str, Any] = json.loads(request.partition(b"\r\n\r\n")[2])
    return read


def test_an_email_is_watched_only_where_its_campaign_asks_for_that() -> None:
    watched = {}
    for follow in (False, True):
        with listening(answering(200, '{"MessageId": "m-1"}')) as line:
            Ses(a_client(line.url), "writ").send(an_email(follow_reading=follow))
        watched[follow] = sent_to(line.requests)["ConfigurationOverrides"]["Tracking"]

    off, on = watched[False], watched[True]
    assert off == {"OpenTrackingEnabled": "DISABLED", "ClickTrackingEnabled": "DISABLED"}
    assert on == {"OpenTrackingEnabled": "ENABLED", "ClickTrackingEnabled": "ENABLED"}


def test_a_call_names_the_campaign_and_the_tenant_where_there_are_any() -> None:
    with listening(answering(200, '{"MessageId": "m-1"}')) as line:
        Ses(a_client(line.url), "writ", "norway").send(an_email(campaign="w4r-2026"))
    with listening(answering(200, '{"MessageId": "m-1"}')) as plain_line:
        Ses(a_client(plain_line.url), "writ").send(an_email())

    named, plain = sent_to(line.requests), sent_to(plain_line.requests)
    assert named["TenantName"] == "norway"
    assert {"Name": "campaign", "Value": "w4r-2026"} in named["EmailTags"]
    assert "TenantName" not in plain
    assert [tag["Name"] for tag in plain["EmailTags"]] == ["delivery_id"]


def test_files_and_headers_travel_with_an_email(sandbox: World) -> None:
    pdf = Attachment(filename="words.pdf", content_type="application/pdf", content=b"%PDF-\x00\xff")
    email = an_email(attachments=(pdf,), headers=(("Auto-Submitted", "no"),))

    Ses(a_client(sandbox.url), "writ").send(email)

    (taken,) = sandbox.call("GET", "/sandbox/emails")["emails"]
    assert taken["attachments"] == [
        {
            "filename": "words.pdf",
            "content_type": "application/pdf",
            "size": 7,
            "sha256": sha256(pdf.content).hexdigest(),
        }
    ]
    assert ["Auto-Submitted", "no"] in taken["headers"]
    assert taken["text_sha256"] == sha256(email.text.encode()).hexdigest()


def test_an_email_larger_than_ses_takes_is_refused_before_it_leaves() -> None:
    size = 31 * 1024 * 1024  # 41 MB as base64
    large = Attachment(filename="a.pdf", content_type="application/pdf", content=bytes(size))

    with listening(stalling) as line, pytest.raises(Refused, match="40 MB"):
        Ses(a_client(line.url), "writ").send(an_email(attachments=(large,)))

    assert line.requests == []


def test_the_account_says_what_may_be_sent(sandbox: World) -> None:
    ses = Ses(a_client(sandbox.url), "writ")
    sandbox.faults(account={"max_24h": 50_000, "max_rate_per_s": 14, "enforcement": "PROBATION"})
    ses.send(an_email())

    account = ses.account()

    assert account == Account(
        max_24h=50_000,
        max_rate_per_s=14.0,
        sent_24h=1,
        sending_enabled=True,
        enforcement="PROBATION",
    )


def test_an_account_without_a_quota_says_so(sandbox: World) -> None:
    sandbox.faults(account={"max_24h": -1, "sending_enabled": False})

    account = Ses(a_client(sandbox.url), "writ").account()

    assert account.max_24h is None
    assert not account.sending_enabled


@pytest.mark.parametrize("body", ["{}", '{"SendQuota": {"Max24HourSend": 200}}', '"?"'])
def test_an_account_that_nobody_can_read_is_not_guessed(body: str) -> None:
    with listening(answering(200, body)) as line, pytest.raises(Unclear):
        Ses(a_client(line.url), "writ").account()


def test_an_account_that_may_not_be_asked_says_why(sandbox: World) -> None:
    sandbox.faults(ses_account=[{"kind": "access_denied", "next": 1}])

    with pytest.raises(LaneHeld, match="AccessDenied"):
        Ses(a_client(sandbox.url), "writ").account()


STALLS = [
    *(stalling, resetting, hanging_up, cutting, babbling),
    *(answering(500), answering(503), answering(200), answering(200, '"?"'), answering(200, "{")),
]


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


def test_a_name_that_nobody_knows_took_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    ses = Ses(a_client("http://ses.example:80"), "writ")
    monkeypatch.setattr(socket, "getaddrinfo", unknown)

    with pytest.raises(TryLater, match="EndpointConnectionError"):
        ses.send(an_email())


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


@pytest.mark.parametrize(
    "name", ["Jörg", "Zoë\r\nBcc: all@people.example", 'A "B" C\\', "王 " * 50, "=?utf-8?q?x?="]
)
def test_no_name_breaks_a_header(name: str) -> None:
    from_ = address(name, "letters@send.example")

    assert from_.isascii()
    assert not set(from_) & set("\r\n")
    assert from_.endswith(" <letters@send.example>")
    assert len(from_) < 998
