"""What arrives is what was written, read back by the standard library and by aiosmtpd's relay."""

import datetime as dt
import re
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import parseaddr, parsedate_to_datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.dispatch.providers.contract import Attachment, Email, Refused
from services.dispatch.providers.mail.message import Written, is_address, returning, write
from services.dispatch.rendering.mime import address
from shared.clock import new_id
from tests.dispatch.providers.relay import BOUNCES, an_email, an_smtp, misbehaving

NOON = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)
CHARACTERS = st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp", "Cn"])
LINES = st.text(CHARACTERS, max_size=200).map(lambda text: " ".join(text.split()))
WORDS = st.text(st.one_of(CHARACTERS, st.sampled_from("\n.\t=\"'<>")), max_size=2000)


def written(email: Email, bounce_address: str = BOUNCES) -> Written:
    return write(email, bounce_address=bounce_address, now=NOON)


def read(content: bytes) -> EmailMessage:
    message = message_from_bytes(content, policy=policy.default)
    assert isinstance(message, EmailMessage)
    assert not any(part.defects for part in message.walk())
    return message


def part(message: EmailMessage, kind: str) -> str:
    found = message.get_body((kind,))
    assert found is not None
    content: str = found.get_content()
    return content.replace("\r\n", "\n").removesuffix("\n")


def name_of(content: bytes) -> str:
    """The From address's name, read by the older parser: the newer parts encoded words wrongly."""
    name = parseaddr(str(message_from_bytes(content)["From"]).replace("\r\n", ""))[0]
    return str(make_header(decode_header(name)))


def test_an_email_has_every_header_that_a_letter_needs() -> None:
    email = an_email(headers=(("X-Campaign", "w4r"),))

    message = read(written(email).content)

    assert message["Message-ID"] == f"<{email.delivery_id}@letters.example>"
    assert parsedate_to_datetime(message["Date"]) == NOON
    assert str(message["From"]) == "Ana Example <letters@letters.example>"
    assert message["To"] == "minister@office.example"
    assert message["Reply-To"] == "ana@supporter.example"
    assert message["X-Campaign"] == "w4r"
    assert message["MIME-Version"] == "1.0"
    assert message.get_content_type() == "multipart/alternative"
    assert {"Auto-Submitted", "Precedence", "List-Unsubscribe"} & set(message.keys()) == set()


@given(name=LINES, subject=LINES, words=WORDS)
@example(name='Doe, "Jörg" <x@y.example>', subject="=?utf-8?q?x?=", words=".\n..\n.")
@example(name="a" * 200, subject=" ".join(["Ünïcödé"] * 40), words="x" * 1500)
@example(name="王" * 100, subject="a\u00a0b", words="\n")
def test_what_is_written_reads_back_equal(name: str, subject: str, words: str) -> None:
    email = an_email(
        from_=address(name, "letters@letters.example"), subject=subject, text=words, html=words
    )

    content = written(email).content

    assert max(map(len, content.split(b"\r\n"))) <= 998
    assert content.isascii()
    assert not re.search(rb"[^\r]\n|\r[^\n]", content)
    message = read(content)
    assert message["From"].addresses[0].addr_spec == "letters@letters.example"
    assert name_of(content).split() == name.split()
    assert message["Subject"].split() == subject.split()
    wanted = "\n".join(re.split(r"\r\n|\r|\n", words)).removesuffix("\n")
    assert (part(message, "plain"), part(message, "html")) == (wanted, wanted)


@given(words=WORDS)
@example(words=".\n.\r\n..\n.QUIT\n.")
def test_what_goes_over_the_line_loses_no_dot(words: str) -> None:
    one = written(an_email(text=words))

    lines = one.stuffed.split(b"\r\n")
    assert b"." not in lines
    undone = [line[1:] if line.startswith(b".") else line for line in lines]
    assert b"\r\n".join(undone) == one.content


def test_a_relay_receives_the_very_bytes() -> None:
    emails = [
        an_email(text=text) for text in (".", "..\n.\n", "Grüße\n\n.\nMAIL FROM:<x@y.example>")
    ]

    with misbehaving({}) as got, an_smtp(got.port) as smtp:
        for email in emails:
            smtp.send(email)

    for email, stuffed in zip(emails, got.accepted, strict=True):
        message = read(stuffed.replace(b"\r\n..", b"\r\n."))
        assert part(message, "plain") == email.text.removesuffix("\n")
    assert len(got.said("MAIL")) == 3


BREAKS = ["\r\n", "\n", "\r", "\x00", "\x0b", "\x85", "\u2028", "\r\n\r\n"]


@pytest.mark.parametrize("mark", BREAKS)
@pytest.mark.parametrize("where", ["from_", "to", "reply_to"])
def test_no_header_begins_another(where: str, mark: str) -> None:
    value = f"ana@supporter.example{mark}Bcc: all@people.example"

    with pytest.raises(Refused) as refused:
        written(an_email(**{where: value}))

    assert "example" not in str(refused.value)


@pytest.mark.parametrize("mark", BREAKS)
def test_a_subject_of_several_lines_is_one(mark: str) -> None:
    message = read(written(an_email(subject=f"Free her{mark}Bcc: all@people.example")).content)

    assert message["Bcc"] is None
    assert message["Subject"].split() == ["Free", "her", "Bcc:", "all@people.example"]


@pytest.mark.parametrize(
    "header",
    [("X-A", "b\nBcc: all@people.example"), ("X A", "b"), ("X-A: b\r\nBcc", "c"), ("", "b")],
)
def test_no_further_header_begins_another(header: tuple[str, str]) -> None:
    with pytest.raises(Refused):
        written(an_email(headers=(header,)))


def test_files_travel_beside_the_words() -> None:
    pdf = Attachment(
        filename="Ünterschriften.pdf", content_type="application/pdf", content=bytes(range(256)) * 9
    )

    content = written(an_email(attachments=(pdf,))).content

    message = read(content)
    (file,) = message.iter_attachments()
    assert message.get_content_type() == "multipart/mixed"
    assert part(message, "plain").startswith("Dear Minister")
    assert (file.get_filename(), file.get_content_type()) == (pdf.filename, "application/pdf")
    assert file.get_content() == pdf.content
    assert content.isascii()


def test_a_files_name_begins_no_header() -> None:
    evil = Attachment(filename="a\r\nBcc: b@c.example", content_type="text/plain", content=b"")

    with pytest.raises(Refused):
        written(an_email(attachments=(evil,)))


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("minister@office.example", True),
        ("o'hara+x@office.example", True),
        ("m@xn--bro-hoa.example", True),
        ("m@büro.example", False),
        ("müller@office.example", False),
        ('"odd name"@office.example', False),
        ("m@[192.0.2.1]", False),
        ("m@office.example>", False),
        ("m@office.example SIZE=1", False),
        (f"{'m' * 260}@office.example", False),
        ("m.@office.example", False),
        ("@office.example", False),
        ("", False),
    ],
)
def test_only_addresses_that_every_server_takes_are_used(text: str, good: bool) -> None:
    assert is_address(text) is good


def test_what_comes_back_names_its_delivery() -> None:
    id_ = new_id()

    assert returning(BOUNCES, id_) == f"bounces+{id_.hex}@letters.example"
    assert written(an_email(delivery_id=id_)).sender == returning(BOUNCES, id_)
    assert written(an_email(), bounce_address="").sender == "letters@letters.example"
