"""The file we keep, read back by the standard library's parser."""

import datetime as dt
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import parseaddr
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.dispatch.providers.contract import Attachment, Email
from services.dispatch.rendering.mime import address, mime_file
from shared.clock import new_id

NOON = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)
LINE = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=150)
WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=400)


def a_file(**changes: Any) -> bytes:
    fields: dict[str, Any] = {
        "delivery_id": new_id(),
        "from_": address("Ana", "letters@send.example"),
        "to": "office@prosecutor.example",
        "reply_to": "ana@people.example",
        "subject": "About Mikita",
        "text": "Dear Sir\n",
        "html": "<p>Dear Sir</p>",
    }
    return mime_file(Email(**fields | changes), date=NOON, message_id="0190-1")


def read(content: bytes) -> EmailMessage:
    message = message_from_bytes(content, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def body(message: EmailMessage, kind: str) -> str:
    [part] = [one for one in message.walk() if one.get_content_type() == f"text/{kind}"]
    assert isinstance(part, EmailMessage)
    assert not part.defects
    payload = part.get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload.decode("utf-8")


def same_breaks(text: str) -> str:
    return text.replace("\r\n", "\n")


def test_every_header_can_be_read() -> None:
    message = read(a_file())

    assert message["From"] == "Ana <letters@send.example>"
    assert message["To"] == "office@prosecutor.example"
    assert message["Reply-To"] == "ana@people.example"
    assert message["Date"].datetime == NOON
    assert message["Message-ID"] == "<0190-1@writ.invalid>"
    assert message.get_content_type() == "multipart/alternative"
    assert [one.get_content_type() for one in message.iter_parts()] == ["text/plain", "text/html"]
    assert "Reply-To" not in read(a_file(reply_to=None))


@settings(max_examples=50, deadline=None)
@given(text=WORDS, html=WORDS, subject=LINE)
def test_any_text_comes_back_as_it_was(text: str, html: str, subject: str) -> None:
    content = a_file(text=text, html=html, subject=subject)

    message = read(content)
    assert same_breaks(body(message, "plain")) == same_breaks(text)
    assert same_breaks(body(message, "html")) == same_breaks(html)
    assert "".join(message["Subject"].split()) == "".join(subject.split())
    assert not message.defects
    assert content.isascii()
    assert max(map(len, content.split(b"\r\n"))) <= 78
    assert b"\n" not in content.replace(b"\r\n", b"")


@given(LINE)
def test_any_name_can_be_read_beside_its_address(name: str) -> None:
    written = address(name, "ana@people.example")

    assert written.isascii()
    assert parseaddr(written)[1] == "ana@people.example"
    read_back = read(a_file(from_=written))["From"].addresses[0]
    assert "".join(read_back.display_name.split()) == "".join(name.split())


@pytest.mark.parametrize("break_", ["\r\n", "\n", "\r", "\u2028", "\x0b", "\x85"])
@pytest.mark.parametrize("field", ["subject", "name"])
def test_a_line_break_cannot_begin_another_header(field: str, break_: str) -> None:
    injected = f"Ana{break_}Bcc: all@people.example"
    changed = (
        {"subject": injected} if field == "subject" else {"from_": address(injected, "a@b.example")}
    )

    message = read(a_file(**changed))

    assert message["Bcc"] is None
    assert len(message.keys()) == 8


@pytest.mark.parametrize("field", ["from_", "to", "reply_to"])
def test_an_address_with_a_line_break_is_refused(field: str) -> None:
    with pytest.raises(ValueError, match="line break"):
        a_file(**{field: "a@b.example\r\nBcc: all@people.example"})


def test_a_long_subject_is_folded() -> None:
    subject = "Свободу " * 50

    assert read(a_file(subject=subject))["Subject"].strip() == subject.strip()


@given(st.binary(max_size=400))
def test_an_attachment_comes_back_as_it_was_beside_text_and_html(content: bytes) -> None:
    file = Attachment(filename="a-1.pdf", content_type="application/pdf", content=content)

    message = read(a_file(attachments=(file,)))

    assert message.get_content_type() == "multipart/mixed"
    assert body(message, "plain") == "Dear Sir\r\n"
    assert body(message, "html") == "<p>Dear Sir</p>"
    [attached] = message.iter_attachments()
    assert attached.get_filename() == "a-1.pdf"
    assert attached.get_content_type() == "application/pdf"
    assert attached.get_payload(decode=True) == content
    assert not message.defects
    assert not attached.defects


@pytest.mark.parametrize("name", ['a".pdf', "a\r\nBcc: all@people.example", "ä.pdf", ""])
def test_a_file_name_that_would_break_its_header_is_refused(name: str) -> None:
    file = Attachment(filename=name, content_type="application/pdf", content=b"")

    with pytest.raises(ValueError, match="attachment"):
        a_file(attachments=(file,))
