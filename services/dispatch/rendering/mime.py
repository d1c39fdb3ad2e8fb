"""Writes an email as an RFC 5322 file, so that anyone can open what was sent.

By hand, because the standard library's EmailMessage costs 3 to 6 ms each, more than all the rest
of an email (reference/ses.md); a test reads the result back with EmailMessage as the judge.
"""

import binascii
import datetime as dt
import re
from email.header import Header
from email.utils import format_datetime

_LINE = 76
_FOLD = "\r\n "
_BREAK = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def address(name: str, email: str) -> str:
    """`name <email>` in 7 bits: a name outside ASCII is encoded in words of RFC 2047."""
    name = _one_line(name)
    if _is_plain(name):
        quoted = name.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{quoted}" <{email}>'
    return f"{_encoded(name)} <{email}>"


def mime_file(
    *,
    from_: str,
    to: str,
    reply_to: str | None,
    subject: str,
    text: str,
    html: str,
    date: dt.datetime,
    message_id: str,
) -> bytes:
    """The bytes of a multipart/alternative message with CRLF line ends."""
    boundary = f"=_writ_{message_id}"
    subject = _one_line(subject)
    headers = [
        f"From: {from_}",
        f"To: {to}",
        *([f"Reply-To: {reply_to}"] if reply_to else []),
        f"Subject: {subject if _fits(subject) else _encoded(subject, between=_FOLD)}",
        f"Date: {format_datetime(date)}",
        f"Message-ID: <{message_id}@writ.invalid>",
        "MIME-Version: 1.0",
        f'Content-Type: multipart/alternative; boundary="{boundary}"',
    ]
    body = "".join(
        f"\r\n--{boundary}\r\nContent-Type: text/{kind}; charset=utf-8\r\n"
        f"Content-Transfer-Encoding: quoted-printable\r\n\r\n{_quoted(content)}"
        for kind, content in (("plain", text), ("html", html))
    )
    if any(_BREAK.search(header.replace(_FOLD, "")) for header in headers):
        raise ValueError("a header holds a line break")
    return ("\r\n".join(headers) + "\r\n" + body + f"\r\n--{boundary}--\r\n").encode("ascii")


def _quoted(content: str) -> str:
    crlf = content.replace("\r\n", "\n").replace("\n", "\r\n").encode()
    quoted = binascii.b2a_qp(crlf, istext=True).decode("ascii")
    # It breaks long lines as the first line ends: in a text of one line, with a bare "\n".
    return quoted.replace("\r\n", "\n").replace("\n", "\r\n")


def _fits(text: str) -> bool:
    return _is_plain(text) and len(text) < _LINE - len("Subject: ")


def _is_plain(text: str) -> bool:
    return text.isascii() and "=?" not in text  # which would be read as an encoded word


def _one_line(text: str) -> str:
    """A line break in a header begins another header: here it is only a space."""
    return _BREAK.sub(" ", text)


def _encoded(text: str, *, between: str = "") -> str:
    # Words of at most 75 characters.  SES takes header values as one line; in a file they are
    # folded, for a long subject would pass RFC 5322's 998 characters.
    words = Header(text, "utf-8", maxlinelen=_LINE - len("Subject: ")).encode(linesep="\n")
    return words.replace("\n ", between or " ")
