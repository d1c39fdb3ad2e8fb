import datetime as dt
import random
import time
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.dispatch.providers.mail.message import write
from services.tracking.receipts.contract import Receipt, Unreadable
from services.tracking.receipts.registry import BY_NAME
from services.tracking.receipts.smtp import read
from services.tracking.words import EventWord
from tests.dispatch.providers.relay import BOUNCES, an_email
from tests.tracking.builders import NOON
from tests.tracking.receipts.signing import PAYLOADS
from tests.tracking.receipts.test_ses import some_trust

DELIVERY = UUID("0190d3a0-1111-7222-8333-444455556666")
SENT_AS = f"{DELIVERY}@letters.example"
AT = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)
LATER = AT + dt.timedelta(days=30)


def content(name: str) -> bytes:
    return (PAYLOADS / "smtp" / f"{name}.eml").read_bytes()


def told(message: bytes) -> Receipt:
    receipt = read(message, clock=lambda: LATER)
    assert receipt is not None
    return receipt


@pytest.mark.parametrize(
    ("name", "word", "reason", "status"),
    [
        ("postfix_failed", EventWord.BOUNCED, "no_such_mailbox", "5.1.1"),
        ("postfix_policy", EventWord.BOUNCED, "sender_blocked", "5.7.1"),
        ("postfix_gave_up", EventWord.EXPIRED, "gave_up", "4.4.1"),
        ("postfix_delayed", EventWord.DEFERRED, "connection", "4.4.1"),
        ("postfix_relayed", EventWord.DELIVERED, "relayed", "2.0.0"),
        ("postfix_delivered", EventWord.DELIVERED, None, "2.0.0"),
        ("exchange_failed", EventWord.BOUNCED, "hard", "5.1.10"),
        ("gmail_full", EventWord.BOUNCED, "mailbox_full", "5.2.2"),
        ("sendmail_failed", EventWord.BOUNCED, "no_such_mailbox", "5.1.1"),
        ("list_partly", EventWord.BOUNCED, "hard", "5.2.1"),
        ("exim_failed", EventWord.BOUNCED, "undetermined", None),
        ("out_of_office", EventWord.AUTO_REPLIED, "out_of_office", None),
    ],
)
def test_what_servers_report_becomes_our_words(
    name: str, word: EventWord, reason: str | None, status: str | None
) -> None:
    receipt = told(content(name))

    fact = receipt.fact
    assert (receipt.source, receipt.delivery_id) == ("smtp", DELIVERY)
    assert fact is not None
    assert (fact.word, fact.reason, fact.status) == (word, reason, status)
    assert fact.occurred_at == AT
    assert "@" not in (fact.detail or "")


def test_a_report_names_the_message_as_the_provider_gave_it_its_id() -> None:
    fact = told(content("postfix_failed")).fact

    assert fact is not None
    assert fact.provider_id == SENT_AS
    assert fact.detail == (
        "smtp; 550 5.1.1 <[address]>: Recipient address "
        "rejected: User unknown in virtual mailbox table"
    )


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_either_line_end_is_read(end: bytes) -> None:
    receipt = told(content("gmail_full").replace(b"\n", end))

    assert receipt.delivery_id == DELIVERY
    assert receipt.fact is not None
    assert receipt.fact.provider_id == SENT_AS


class TestWhichDelivery:
    """By the token it came to, else the envelope's id, else the returned Message-ID."""

    def test_by_the_token_alone(self) -> None:
        bare = content("postfix_failed").replace(str(DELIVERY).encode(), b"something")

        assert told(bare).delivery_id == DELIVERY

    def test_by_the_envelopes_id_alone(self) -> None:
        assert told(content("sendmail_failed")).delivery_id == DELIVERY

    def test_by_the_returned_headers_alone(self) -> None:
        assert told(content("gmail_full")).delivery_id == DELIVERY

    def test_by_the_returned_message_alone(self) -> None:
        bare = content("exchange_failed").replace(b"+" + DELIVERY.hex.upper().encode(), b"")
        bare = bare.replace(b"In-Reply-To", b"X-Nothing")

        assert told(bare).delivery_id == DELIVERY

    def test_by_what_it_answers(self) -> None:
        bare = content("out_of_office").replace(b"+" + DELIVERY.hex.encode(), b"")

        assert told(bare).delivery_id == DELIVERY

    def test_the_token_it_came_to_is_believed_first(self) -> None:
        other = UUID(int=7)
        mixed = content("postfix_failed").replace(DELIVERY.hex.encode(), other.hex.encode(), 1)

        assert told(mixed).delivery_id == other

    def test_by_nothing_it_is_kept_without_one(self) -> None:
        bare = content("postfix_failed").replace(str(DELIVERY).encode(), b"something")
        bare = bare.replace(b"+" + DELIVERY.hex.encode(), b"")

        receipt = told(bare)

        assert receipt.delivery_id is None
        assert receipt.fact is not None


def test_what_dispatch_writes_is_what_is_found_again() -> None:
    email = an_email()
    sent = write(email, bounce_address=BOUNCES, now=NOON)
    report = content("postfix_failed").replace(str(DELIVERY).encode(), b"nothing")

    to_the_token = report.replace(
        f"bounces+{DELIVERY.hex}@letters.example".encode(), sent.sender.encode()
    )
    headers = sent.content.partition(b"\r\n\r\n")[0]
    returned = content("gmail_full").replace(
        content("gmail_full").partition(b"rfc822-headers\n\n")[2], headers + b"\r\n\r\n--=_report--"
    )

    assert told(to_the_token).delivery_id == email.delivery_id
    receipt = told(returned)
    assert receipt.delivery_id == email.delivery_id
    assert receipt.fact is not None
    assert receipt.fact.provider_id == sent.message_id


def test_a_report_that_is_not_understood_is_kept_without_a_fact() -> None:
    receipt = told(content("qmail_failed"))

    assert (receipt.delivery_id, receipt.fact) == (DELIVERY, None)
    assert told(content("postfix_failed").replace(b"Action: failed", b"Action: lost")).fact is None


def test_what_a_person_wrote_is_no_receipt() -> None:
    assert read(content("answer")) is None
    assert read(b"") is None


@pytest.mark.parametrize(
    ("status", "word", "reason"),
    [
        ("5.1.2", EventWord.BOUNCED, "hard"),
        ("5.1.3", EventWord.BOUNCED, "hard"),
        ("5.1.6", EventWord.BOUNCED, "no_such_mailbox"),
        ("5.1.8", EventWord.BOUNCED, "sender_blocked"),
        ("5.2.1", EventWord.BOUNCED, "hard"),
        ("5.2.3", EventWord.BOUNCED, "message_too_large"),
        ("5.3.4", EventWord.BOUNCED, "message_too_large"),
        ("5.3.5", EventWord.BOUNCED, "soft"),
        ("5.4.6", EventWord.BOUNCED, "soft"),
        ("5.4.4", EventWord.BOUNCED, "hard"),
        ("5.4.7", EventWord.EXPIRED, "gave_up"),
        ("5.6.1", EventWord.BOUNCED, "content_rejected"),
        ("5.7.26", EventWord.BOUNCED, "sender_blocked"),
        ("4.2.2", EventWord.BOUNCED, "mailbox_full"),
        ("4.7.1", EventWord.EXPIRED, "gave_up"),
        ("5.9.9", EventWord.BOUNCED, "undetermined"),
        ("nonsense", EventWord.BOUNCED, "undetermined"),
    ],
)
def test_the_status_says_why(status: str, word: EventWord, reason: str) -> None:
    report = content("postfix_failed").replace(b"550 5.1.1 ", b"")

    fact = told(report.replace(b"Status: 5.1.1", f"Status: {status}".encode())).fact

    assert fact is not None
    assert (fact.word, fact.reason) == (word, reason)


def test_the_same_message_read_twice_is_one_receipt() -> None:
    first, again = told(content("postfix_failed")), told(content("postfix_failed"))

    assert first == again
    assert first.source_id != told(content("postfix_delayed")).source_id


@pytest.mark.parametrize(
    "date", ["", "yesterday", "Mon, 99 Foo 2026 99:99:99 +0000", "Fri, 1 Jan 2100 00:00:00 +0000"]
)
def test_a_clock_that_is_wrong_makes_no_future(date: str) -> None:
    message = content("exim_failed").replace(b"Mon, 01 Jun 2026 12:00:00 +0000", date.encode())

    fact = told(message).fact

    assert fact is not None
    assert fact.occurred_at == LATER


@given(st.binary(max_size=400))
def test_no_bytes_break_it(noise: bytes) -> None:
    read(noise)
    read(content("postfix_failed")[:700] + noise)


@given(st.integers(0, 2**32), st.sampled_from(["postfix_failed", "gmail_full", "list_partly"]))
def test_no_damage_breaks_it(seed: int, name: str) -> None:
    chance, message = random.Random(seed), bytearray(content(name))
    for _ in range(20):
        message[chance.randrange(len(message))] = chance.randrange(256)

    receipt = read(bytes(message))

    assert receipt is None or "@office" not in str((receipt.fact, receipt.source_id))


@pytest.mark.parametrize(
    "hostile",
    [
        b"".join(
            f"Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n".encode()
            for n in range(3000)
        ),
        # Each line is asked for by every part around it.
        b"".join(
            f"Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n".encode() for n in range(90)
        )
        + b"Return-Path: <>\n\n"
        + b"--no\n" * 400_000,
        b"Content-Type: message/rfc822\n\n" * 5000,
        b"Content-Type: message/delivery-status\n\n" + b"\n" * 600_000,
        b"To: " + b"+" * 1_000_000 + b"\nReturn-Path: <>\n\n",
        b"In-Reply-To: " + b"<" * 500_000 + b"\nReturn-Path: <>\n\n",
    ],
)
def test_what_is_made_to_stop_it_does_not(hostile: bytes) -> None:
    began = time.process_time()

    read(hostile)

    assert time.process_time() - began < 3


def test_nothing_of_it_comes_over_http() -> None:
    with pytest.raises(Unreadable):
        BY_NAME["smtp"](some_trust())({}, content("postfix_failed"))
