"""What the relay really has, counted against what we say that it has."""

import socket
import time

import pytest

from services.dispatch.providers.contract import (
    LaneHeld,
    LaneReason,
    NotSent,
    ProviderError,
    Refused,
    Taken,
    TryLater,
    Unclear,
)
from services.dispatch.providers.mail.replies import LANE_BREATH_S, LANE_PAUSE_S
from services.dispatch.providers.smtp import IDLE_S, MOST_EMAILS
from tests.dispatch.providers.line import free_port
from tests.dispatch.providers.relay import (
    BOUNCES,
    DRIP,
    DROP,
    FLOOD,
    HALF,
    RESET,
    SLOW,
    STALL,
    Act,
    Got,
    an_email,
    an_smtp,
    misbehaving,
    outcome,
    send,
)

BEFORE_THE_END = ["GREETING", "EHLO", "MAIL", "RCPT", "DATA"]


def check_truth(ended: Taken | ProviderError, got: Got, *, sent_before: int = 0) -> None:
    """The one promise: nothing is called "not sent" that was taken, and nothing goes twice."""
    accepted = len(got.accepted) - sent_before
    if isinstance(ended, Taken):
        assert accepted == 1
    elif isinstance(ended, NotSent | Refused):
        assert accepted == 0
    assert len(got.whole) - sent_before <= 1


def test_an_email_goes_out_once_with_its_token_and_its_requests_for_reports() -> None:
    email = an_email()

    ended, got = send({}, email)

    assert ended == Taken(provider_id=f"{email.delivery_id}@letters.example")
    assert got.said("MAIL") == [
        f"MAIL FROM:<bounces+{email.delivery_id.hex}@letters.example> "
        f"SIZE={len(got.whole[0].replace(b'..I', b'.I'))} RET=HDRS ENVID={email.delivery_id}"
    ]
    assert got.said("RCPT") == ["RCPT TO:<minister@office.example> NOTIFY=SUCCESS,FAILURE,DELAY"]
    assert got.said("EHLO") == ["ehlo letters.example"]
    assert b"\r\n..I have not forgotten her.\r\n" in got.whole[0]
    check_truth(ended, got)


def test_a_relay_without_extensions_gets_none() -> None:
    _, got = send({"EHLO": [b"250 relay.example\r\n"]}, bounce_address="")

    assert got.said("MAIL") == ["MAIL FROM:<letters@letters.example>"]
    assert got.said("RCPT") == ["RCPT TO:<minister@office.example>"]


@pytest.mark.parametrize("act", [DROP, RESET, STALL, DRIP, b"garbage\r\n", b"250-" + b"x" * 9000])
@pytest.mark.parametrize("stage", BEFORE_THE_END)
def test_what_breaks_before_the_last_dot_is_not_sent(stage: str, act: Act) -> None:
    began = time.monotonic()

    ended, got = send({stage: [act] * 5}, read_timeout_s=0.3)

    assert isinstance(ended, NotSent)
    assert got.whole == []
    assert time.monotonic() - began < 4
    check_truth(ended, got)


@pytest.mark.parametrize(
    "act", [DROP, RESET, STALL, DRIP, b"garbage\r\n", b"354 more?\r\n", b"250" + b"x" * 9000]
)
def test_what_breaks_after_the_last_dot_nobody_can_tell(act: Act) -> None:
    ended, got = send({"END": [act]}, read_timeout_s=0.3)

    assert type(ended) is Unclear
    assert (len(got.whole), got.connections) == (1, 1)


@pytest.mark.parametrize(("stage", "meaning"), [("MAIL", TryLater), ("END", Unclear)])
def test_a_reply_without_an_end_is_not_read_for_ever(
    stage: str, meaning: type[ProviderError]
) -> None:
    began = time.monotonic()

    ended, got = send({stage: [FLOOD]}, read_timeout_s=20)

    assert type(ended) is meaning
    assert time.monotonic() - began < 10
    check_truth(ended, got)


def test_a_line_that_breaks_amid_the_data_is_not_sent() -> None:
    long = an_email(text="I have not forgotten her.\n" * 200_000)

    ended, got = send({"END": [HALF]}, long)

    assert type(ended) is TryLater
    assert str(ended).startswith("the line to the relay broke at DATA: ")
    check_truth(ended, got)


def test_a_late_answer_after_the_last_dot_is_waited_for() -> None:
    """The wait for it begins anew: what came before may have used up its own time."""
    ended, got = send({"MAIL": [SLOW], "END": [SLOW]}, read_timeout_s=1)

    assert isinstance(ended, Taken)
    check_truth(ended, got)


def test_all_before_the_last_dot_has_one_time_together() -> None:
    ended, got = send({"EHLO": [SLOW], "MAIL": [SLOW], "RCPT": [SLOW]}, read_timeout_s=1)

    assert type(ended) is TryLater
    check_truth(ended, got)


# A reply at each stage, and what it means.  The lane's reason where it is one.
REPLIES: list[tuple[str, bytes, type[ProviderError], LaneReason | None]] = [
    ("GREETING", b"421 4.3.2 no", LaneHeld, LaneReason.ACCOUNT),
    ("GREETING", b"450 4.3.2 no", TryLater, None),
    ("GREETING", b"554 5.7.1 not you", LaneHeld, LaneReason.ACCOUNT),
    ("EHLO", b"421 4.4.2 no", LaneHeld, LaneReason.ACCOUNT),
    ("EHLO", b"451 4.3.0 no", TryLater, None),
    ("EHLO", b"502 5.5.1 what", LaneHeld, LaneReason.ACCOUNT),
    ("MAIL", b"421 4.7.0 too fast", LaneHeld, LaneReason.ACCOUNT),
    ("MAIL", b"450 4.7.1 Error: too much mail from 192.0.2.1", LaneHeld, LaneReason.ACCOUNT),
    ("MAIL", b"452 4.3.1 no room", TryLater, None),
    ("MAIL", b"452 no room", TryLater, None),
    ("MAIL", b"530 5.7.0 Must issue a STARTTLS command first", LaneHeld, LaneReason.CREDENTIALS),
    ("MAIL", b"530 5.7.1 Authentication required", LaneHeld, LaneReason.CREDENTIALS),
    ("MAIL", b"550 5.7.1 not allowed to send as", LaneHeld, LaneReason.NOT_VERIFIED),
    ("MAIL", b"553 5.1.8 unknown domain", LaneHeld, LaneReason.NOT_VERIFIED),
    ("MAIL", b"552 5.3.4 too large", Refused, None),
    ("MAIL", b"555 5.5.4 what is ENVID", LaneHeld, LaneReason.ACCOUNT),
    ("MAIL", b"501 5.1.7 bad sender", LaneHeld, LaneReason.NOT_VERIFIED),
    ("RCPT", b"421 4.4.2 no", LaneHeld, LaneReason.ACCOUNT),
    ("RCPT", b"450 4.2.0 Greylisted", TryLater, None),
    ("RCPT", b"451 4.7.1 Greylisted, come back", TryLater, None),
    ("RCPT", b"450-4.2.1 He gets mail too quickly\r\n450 4.2.1 wait", TryLater, None),
    ("RCPT", b"421-4.7.28 flood\r\n421 4.7.28 wait", LaneHeld, LaneReason.ACCOUNT),
    ("RCPT", b"450 4.7.28 flood", LaneHeld, LaneReason.ACCOUNT),
    ("RCPT", b"550 5.1.1 <minister@office.example>: unknown", Refused, None),
    ("RCPT", b"550 5.1.2 no such domain", Refused, None),
    ("RCPT", b"501 5.1.3 Bad recipient address syntax", Refused, None),
    ("RCPT", b"550 5.1.10 null MX", Refused, None),
    ("RCPT", b"550 no such user", Refused, None),
    ("RCPT", b"550 5.7.1 not wanted here", Refused, None),
    ("RCPT", b"552 5.2.2 mailbox full", TryLater, None),
    ("RCPT", b"554 5.7.1 <minister@office.example>: Relay access denied", LaneHeld, None),
    ("RCPT", b"554 5.7.1 <x[192.0.2.1]>: Client host rejected: Access denied", LaneHeld, None),
    ("RCPT", b"553 5.7.1 <a@b.example>: Sender address rejected: not owned", LaneHeld, None),
    ("RCPT", b"503 5.5.1 Error: need MAIL command", LaneHeld, LaneReason.ACCOUNT),
    ("DATA", b"451 4.3.0 no", TryLater, None),
    ("DATA", b"554 5.5.0 no valid recipients", Refused, None),
    ("DATA", b"250 what?", TryLater, None),
    ("END", b"421 4.3.2 closing", LaneHeld, LaneReason.ACCOUNT),
    ("END", b"450 4.7.1 again later", TryLater, None),
    ("END", b"451 4.3.0 no", TryLater, None),
    ("END", b"552 5.3.4 too large", Refused, None),
    ("END", b"554 5.7.1 spam", Refused, None),
    ("END", b"550 5.6.0 bad message", Refused, None),
    ("END", b"500 too long", Refused, None),
    ("RCPT", b"550 5.7.1 Authentication required", LaneHeld, LaneReason.CREDENTIALS),
    ("END", b"550 5.7.1 sender not authenticated for this group", Refused, None),
    ("END", b"535 5.7.8 who are you", LaneHeld, LaneReason.CREDENTIALS),
]


@pytest.mark.parametrize(("stage", "reply", "meaning", "reason"), REPLIES)
def test_every_reply_says_what_it_proves(
    stage: str, reply: bytes, meaning: type[ProviderError], reason: LaneReason | None
) -> None:
    ended, got = send({stage: [reply + b"\r\n"]})

    assert type(ended) is meaning
    assert "@" not in str(ended)
    assert str(int(reply[:3])) in str(ended)
    if isinstance(ended, LaneHeld) and reason is not None:
        assert ended.reason is reason
    check_truth(ended, got)


def test_a_lane_waits_a_moment_or_until_somebody_mends_it() -> None:
    moment, _ = send({"MAIL": [b"421 4.7.0 wait\r\n"]})
    mended, _ = send({"MAIL": [b"530 5.7.0 who are you\r\n"]})

    assert isinstance(moment, LaneHeld)
    assert isinstance(mended, LaneHeld)
    assert (moment.after_s, mended.after_s) == (LANE_BREATH_S, LANE_PAUSE_S)


def test_an_email_larger_than_the_relay_takes_does_not_begin() -> None:
    ended, got = send({"EHLO": [b"250-relay.example\r\n250 SIZE 500\r\n"]})

    assert type(ended) is Refused
    assert got.said("MAIL") == []


def test_a_relay_that_nobody_reaches_took_nothing() -> None:
    with an_smtp(free_port()) as smtp:
        ended = outcome(smtp, an_email())

    assert type(ended) is TryLater
    assert str(ended) == "the relay was not reached: ConnectionRefusedError"


def test_a_relay_whose_name_nobody_knows_took_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)

    with an_smtp(25, host="no-such-host.invalid") as smtp:
        ended = outcome(smtp, an_email())

    assert type(ended) is TryLater
    assert str(ended) == "the relay was not reached: gaierror"


@pytest.mark.parametrize("to", ["minister", "a b@c.example", "minister@büro.example", "", "a@b\nc"])
def test_what_no_mail_server_takes_is_not_tried(to: str) -> None:
    ended, got = send({}, an_email(to=to))

    assert type(ended) is Refused
    assert got.connections == 0
    assert to not in str(ended) or not to


class TestKept:
    """One connection carries many emails, and one that died meanwhile costs none."""

    def test_one_connection_carries_many(self) -> None:
        with misbehaving({}) as got, an_smtp(got.port) as smtp:
            for _ in range(5):
                smtp.send(an_email())

        assert (got.connections, len(got.accepted)) == (1, 5)
        assert len(got.said("RSET")) == 4

    def test_a_refusal_ends_no_connection(self) -> None:
        with misbehaving({"RCPT": [b"550 5.1.1 who?\r\n"]}) as got, an_smtp(got.port) as smtp:
            ended = [type(outcome(smtp, an_email())) for _ in range(2)]

        assert ended == [Refused, Taken]
        assert (got.connections, len(got.accepted)) == (1, 1)

    @pytest.mark.parametrize("stage", ["RSET", "MAIL"])
    @pytest.mark.parametrize("act", [DROP, RESET, b"421 4.4.2 you were silent\r\n"])
    def test_one_that_died_is_replaced_and_the_email_goes_once(self, stage: str, act: Act) -> None:
        acts: list[Act] = [b"250 ok\r\n", act] if stage == "MAIL" else [act]
        with misbehaving({stage: acts}) as got, an_smtp(got.port) as smtp:
            smtp.send(an_email())
            second = an_email()
            ended = outcome(smtp, second)

        assert isinstance(ended, Taken)
        assert (got.connections, len(got.accepted)) == (2, 2)
        check_truth(ended, got, sent_before=1)

    @pytest.mark.parametrize("stage", ["RCPT", "DATA"])
    @pytest.mark.parametrize("act", [DROP, RESET])
    def test_after_its_sender_was_accepted_nothing_is_begun_again(
        self, stage: str, act: Act
    ) -> None:
        good = b"354 go\r\n" if stage == "DATA" else b"250 ok\r\n"
        with misbehaving({stage: [good, act]}) as got, an_smtp(got.port) as smtp:
            smtp.send(an_email())
            ended = outcome(smtp, an_email())

        assert type(ended) is TryLater
        assert got.connections == 1
        check_truth(ended, got, sent_before=1)

    @pytest.mark.parametrize(("stage", "good"), [("MAIL", b"250 ok\r\n"), ("DATA", b"354 go\r\n")])
    def test_an_answer_that_nobody_asked_for_is_not_taken_for_the_next(
        self, stage: str, good: bytes
    ) -> None:
        """Else a second "250" would be read as the relay's yes to the whole email."""
        ended, got = send({stage: [good + b"250 ok\r\n"], "END": [b"554 5.7.1 spam\r\n"]})

        assert type(ended) is TryLater
        assert got.whole == []
        check_truth(ended, got)

    def test_an_unclear_end_ends_the_connection(self) -> None:
        with misbehaving({"END": [b"what?\r\n"]}) as got, an_smtp(got.port) as smtp:
            ended = [type(outcome(smtp, an_email())) for _ in range(2)]

        assert ended == [Unclear, Taken]
        assert got.connections == 2

    def test_it_is_given_up_after_a_while_and_after_many(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with misbehaving({}) as got, an_smtp(got.port) as smtp:
            smtp.send(an_email())
            real = time.monotonic
            monkeypatch.setattr(time, "monotonic", lambda: real() + IDLE_S + 1)
            for _ in range(MOST_EMAILS + 1):
                smtp.send(an_email())

        assert got.connections == 3
        assert len(got.accepted) == MOST_EMAILS + 2


def test_the_bounce_address_may_be_the_from_address() -> None:
    _, got = send({}, bounce_address="")

    assert BOUNCES not in str(got.commands)
