"""Writes an email as an RFC 5322 file, so that anyone can open what was sent.

By hand, because the standard library's EmailMessage costs 3 to 6 ms each (measured with 4 kB in two
parts), more than all the rest of an email; a test reads the result back with it as the judge.
"""

import base64
import binascii
import datetime as dt
import re
from collections.abc import Sequence
from email.header import Header
from email.utils import format_datetime
from typing import Protocol

_LINE = 76
_FOLD = "\r\n "
_SAFE = re.compile(r"[A-Za-z0-9._-]{1,60}")  # nothing to quote, and one line
_TYPE = re.compile(r"[a-z]+/[a-z0-9.+-]+")
_BREAK = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class Attached(Protocol):
    """A file that travels with an email."""

    @property
    def filename(self) -> str: ...
    @property
    def content_type(self) -> str: ...
    @property
    def content(self) -> bytes: ...


class Message(Protocol):
    """An email; header values are 7-bit already."""

    @property
    def from_(self) -> str: ...
    @property
    def to(self) -> str: ...
    @property
    def reply_to(self) -> str | None: ...
    @property
    def subject(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def html(self) -> str: ...
    @property
    def headers(self) -> Sequence[tuple[str, str]]: ...
    @property
    def attachments(self) -> Sequence[Attached]: ...


def address(name: str, email: str) -> str:
    """`name <email>` in 7 bits: a name outside ASCII is encoded in words of RFC 2047."""
    name = one_line(name)
    if _is_plain(name):
        quoted = name.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{quoted}" <{email}>'
    return f"{_encoded(name)} <{email}>"


def mime_file(message: Message, *, date: dt.datetime, message_id: str) -> bytes:
    """The bytes with CRLF line ends: text or HTML, as the reader likes, and the files.

    Raises ValueError where a header would hold a line break.
    """
    boundary = f"=_writ_{message_id}"
    subject = one_line(message.subject)
    headers = [
        f"From: {message.from_}",
        f"To: {message.to}",
        *([f"Reply-To: {message.reply_to}"] if message.reply_to else []),
        f"Subject: {subject if _fits(subject) else _encoded(subject, between=_FOLD)}",
        f"Date: {format_datetime(date)}",
        f"Message-ID: <{message_id}@writ.invalid>",
        *(f"{name}: {value}" for name, value in message.headers),
        "MIME-Version: 1.0",
        *(
            [f'Content-Type: multipart/mixed; boundary="{boundary}_all"']
            if message.attachments
            else []
        ),
    ]
    written = f'Content-Type: multipart/alternative; boundary="{boundary}"'
    body = "".join(
        f"\r\n--{boundary}\r\nContent-Type: text/{kind}; charset=utf-8\r\n"
        f"Content-Transfer-Encoding: quoted-printable\r\n\r\n{_quoted(content)}"
        for kind, content in (("plain", message.text), ("html", message.html))
    )
    if any(_BREAK.search(header.replace(_FOLD, "")) for header in headers):
        raise ValueError("a header holds a line break")
    whole = f"{written}\r\n{body}\r\n--{boundary}--\r\n"
    if message.attachments:
        parts = (whole, *map(_file, message.attachments))
        whole = "".join(f"\r\n--{boundary}_all\r\n{part}" for part in parts)
        whole += f"\r\n--{boundary}_all--\r\n"
    return ("\r\n".join(headers) + "\r\n" + whole).encode("ascii")


def _file(attached: Attached) -> str:
    if not _SAFE.fullmatch(attached.filename) or not _TYPE.fullmatch(attached.content_type):
        raise ValueError("an attachment's name or type would break its header")
    content = base64.encodebytes(attached.content).decode("ascii").replace("\n", "\r\n")
    return (
        f'Content-Type: {attached.content_type}; name="{attached.filename}"\r\n'
        f'Content-Disposition: attachment; filename="{attached.filename}"\r\n'
        f"Content-Transfer-Encoding: base64\r\n\r\n{content}"
    )


def _quoted(content: str) -> str:
    crlf = content.replace("\r\n", "\n").replace("\n", "\r\n").encode()
    quoted = binascii.b2a_qp(crlf, istext=True).decode("ascii")
    # It breaks long lines as the first line ends: in a text of one line, with a bare "\n".
    return quoted.replace("\r\n", "\n").replace("\n", "\r\n")


def _fits(text: str) -> bool:
    return _is_plain(text) and len(text) < _LINE - len("Subject: ")


def _is_plain(text: str) -> bool:
    return text.isascii() and "=?" not in text  # which would be read as an encoded word


def one_line(text: str) -> str:
    """A line break in a header begins another header: here it is only a space."""
    return _BREAK.sub(" ", text)


def _encoded(text: str, *, between: str = "") -> str:
    # Words of at most 75 characters.  SES takes header values as one line; in a file they are
    # folded, for a long subject would pass RFC 5322's 998 characters.
    words = Header(text, "utf-8", maxlinelen=_LINE - len("Subject: ")).encode(linesep="\n")
    return words.replace("\n ", between or " ")
