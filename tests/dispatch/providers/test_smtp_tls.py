"""Over a line that nobody reads along: a relay of another's making (aiosmtpd), and our own."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from services.dispatch.providers.contract import (
    LaneHeld,
    LaneReason,
    ProviderError,
    Taken,
    TryLater,
)
from services.dispatch.providers.mail.line import Security
from tests.dispatch.providers.certificates import a_certificate
from tests.dispatch.providers.line import free_port
from tests.dispatch.providers.relay import an_email, an_smtp, misbehaving, outcome

USER, PASSWORD = "writ", "a secret"
LOGIN: dict[str, Any] = {"user": USER, "password": PASSWORD}
# It counts TLS from the first byte as none.
OF_AIOSMTPD = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")


@dataclass
class Handler:
    """What aiosmtpd took."""

    envelopes: list[Envelope] = field(default_factory=list)
    logins: list[Any] = field(default_factory=list)
    ciphered: list[bool] = field(default_factory=list)

    async def handle_DATA(  # noqa: N802  aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        self.ciphered.append(session.ssl is not None)
        self.envelopes.append(envelope)
        return "250 2.0.0 taken"

    def login(self, server: SMTP, session: Session, envelope: Envelope, how: str, data: Any) -> Any:
        self.logins.append(data)
        right = data == LoginPassword(USER.encode(), PASSWORD.encode())
        return AuthResult(success=right, handled=False)


@dataclass
class Keys:
    server: ssl.SSLContext
    trusting: ssl.SSLContext


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    server, _ = a_certificate(tmp_path)
    return Keys(server, ssl.create_default_context(cafile=tmp_path / "certificate.pem"))


@contextmanager
def aiosmtpd(**how: Any) -> Iterator[tuple[Handler, int]]:
    handler, port = Handler(), free_port()
    fields: dict[str, Any] = {"authenticator": handler.login, "auth_required": True}
    controller = Controller(handler, hostname="127.0.0.1", port=port, **fields | how)
    controller.start()
    try:
        yield handler, port
    finally:
        controller.stop()


def test_with_starttls_it_logs_in_and_is_taken(keys: Keys) -> None:
    with (
        aiosmtpd(tls_context=keys.server, require_starttls=True) as (relay, port),
        an_smtp(port, security=Security.STARTTLS, context=keys.trusting, **LOGIN) as smtp,
    ):
        ended = [outcome(smtp, an_email()) for _ in range(3)]

    assert [type(one) for one in ended] == [Taken] * 3
    assert relay.ciphered == [True] * 3
    assert len(relay.logins) == 1
    assert [one.rcpt_tos for one in relay.envelopes] == [["minister@office.example"]] * 3


@OF_AIOSMTPD
def test_with_tls_from_the_first_byte_it_logs_in_and_is_taken(keys: Keys) -> None:
    with (
        aiosmtpd(ssl_context=keys.server, auth_require_tls=False) as (relay, port),
        an_smtp(port, security=Security.TLS, context=keys.trusting, **LOGIN) as smtp,
    ):
        ended = outcome(smtp, an_email())

    assert isinstance(ended, Taken)
    assert len(relay.envelopes) == 1


@OF_AIOSMTPD
@pytest.mark.parametrize("security", [Security.STARTTLS, Security.TLS])
def test_a_relay_whose_certificate_nobody_trusts_gets_no_password(
    security: Security, keys: Keys
) -> None:
    how: dict[str, Any] = (
        {"tls_context": keys.server}
        if security is Security.STARTTLS
        else {"ssl_context": keys.server, "auth_require_tls": False}
    )

    with (
        aiosmtpd(**how) as (relay, port),
        an_smtp(port, security=security, **LOGIN) as smtp,
    ):
        ended = outcome(smtp, an_email())

    assert type(ended) is LaneHeld
    assert str(ended) == "the relay's certificate is not trusted"
    assert (relay.logins, relay.envelopes) == ([], [])


def test_a_certificate_of_another_name_is_not_trusted(keys: Keys) -> None:
    with (
        aiosmtpd(tls_context=keys.server) as (relay, port),
        an_smtp(
            port, host="localhost", security=Security.STARTTLS, context=keys.trusting, **LOGIN
        ) as smtp,
    ):
        ended = outcome(smtp, an_email())

    assert type(ended) is LaneHeld
    assert relay.logins == []


def test_a_wrong_password_holds_the_lane(keys: Keys) -> None:
    wrong = LOGIN | {"password": "another"}

    with (
        aiosmtpd(tls_context=keys.server, require_starttls=True) as (relay, port),
        an_smtp(port, security=Security.STARTTLS, context=keys.trusting, **wrong) as smtp,
    ):
        ended = outcome(smtp, an_email())

    assert isinstance(ended, LaneHeld)
    assert ended.reason is LaneReason.CREDENTIALS
    assert str(ended) == "the relay answered 535 5.7.8 to AUTH"
    assert relay.envelopes == []


def test_without_a_login_where_one_is_wanted_the_lane_is_held(keys: Keys) -> None:
    with (
        aiosmtpd(tls_context=keys.server, require_starttls=True) as (relay, port),
        an_smtp(port, security=Security.STARTTLS, context=keys.trusting) as smtp,
    ):
        ended = outcome(smtp, an_email())

    assert isinstance(ended, LaneHeld)
    assert ended.reason is LaneReason.CREDENTIALS


class TestNeverInTheOpen:
    """A relay, or somebody in between, that does not do TLS hears neither login nor email."""

    def test_a_relay_that_does_not_offer_starttls_gets_nothing(self) -> None:
        with misbehaving({}) as got, an_smtp(got.port, security=Security.STARTTLS, **LOGIN) as smtp:
            ended = outcome(smtp, an_email())

        assert type(ended) is LaneHeld
        assert {one.split(" ")[0] for one in got.commands} <= {"ehlo", "QUIT"}

    @pytest.mark.parametrize(
        ("reply", "meaning"),
        [
            (b"454 4.7.0 TLS not available", TryLater),
            (b"502 5.5.1 no", LaneHeld),
            (b"220 ready, but no TLS comes", TryLater),
        ],
    )
    def test_a_relay_that_will_not_start_it_gets_nothing(
        self, reply: bytes, meaning: type[ProviderError]
    ) -> None:
        script = {
            "EHLO": [b"250-relay.example\r\n250 STARTTLS\r\n"],
            "STARTTLS": [reply + b"\r\n"],
        }

        with (
            misbehaving(script) as got,
            an_smtp(got.port, security=Security.STARTTLS, read_timeout_s=0.2, **LOGIN) as smtp,
        ):
            ended = outcome(smtp, an_email())

        assert type(ended) is meaning
        assert got.said("AUTH") + got.said("MAIL") == []

    def test_what_was_offered_in_the_open_is_forgotten(self, keys: Keys) -> None:
        script = {
            "EHLO": [
                b"250-relay.example\r\n250-AUTH PLAIN\r\n250 STARTTLS\r\n",
                b"250 relay.example\r\n",
            ],
            # What somebody in between adds in the open would else be the answer to the next EHLO.
            "STARTTLS": [b"220 go ahead\r\n250-relay.example\r\n250 AUTH PLAIN\r\n"],
        }

        with (
            misbehaving(script, context=keys.server) as got,
            an_smtp(got.port, security=Security.STARTTLS, context=keys.trusting, **LOGIN) as smtp,
        ):
            ended = outcome(smtp, an_email())

        assert type(ended) is LaneHeld
        assert str(ended) == "the relay does not offer AUTH"
