"""Writes an Email as the bytes and the envelope that a mail relay gets.

In: an Email, the address for what comes back.  Out: `Written`.  Everything is 7-bit: no relay on
the way has to be able to do more.  The standard library writes the parts; header lines are passed
on as they come, in 7 bits already, for its own way with names breaks some (cpython#121284).

There is no Auto-Submitted: a supporter's letter is a person's (RFC 3834, section 5), and the
office's own acknowledgement is welcome.
"""

import datetime as dt
import re
from dataclasses import dataclass, field
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from uuid import UUID

from services.dispatch.providers.contract import Email, Refused

_POLICY = SMTP.clone(cte_type="7bit")
# No quoted local parts and no SMTPUTF8: nobody who takes an address in accepts either.
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_ADDRESS = re.compile(rf"{_ATOM}(\.{_ATOM})*@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
_LONGEST_ADDRESS = 254  # RFC 5321, 4.5.3.1.3
_HEADER_NAME = re.compile(r"[!-9;-~]+")
_BREAK = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_LEADING_DOT = re.compile(rb"^\.", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """One email as it goes over the line."""

    delivery_id: UUID
    sender: str = field(repr=False)  # of the envelope: what comes back goes there
    recipient: str = field(repr=False)
    message_id: str  # without its brackets
    content: bytes = field(repr=False)  # CRLF line ends, 7-bit; dots not doubled yet

    @property
    def stuffed(self) -> bytes:
        """As it is sent after DATA, without the last dot (RFC 5321, 4.5.2)."""
        return _LEADING_DOT.sub(b"..", self.content)


def write(email: Email, *, bounce_address: str, now: dt.datetime) -> Written:
    """Raises Refused where it cannot be written so that it arrives as it is meant.

    The Message-ID names the delivery, not the attempt: a mailbox that gets it twice shows it once.
    """
    from_ = _bare(email.from_, "From")
    message_id = f"{email.delivery_id}@{from_.rpartition('@')[2]}"
    headers = [
        ("From", email.from_),
        ("To", email.to),
        *([("Reply-To", email.reply_to)] if email.reply_to else []),
        ("Subject", _BREAK.sub(" ", email.subject)),
        ("Date", format_datetime(now)),
        ("Message-ID", f"<{message_id}>"),
        *email.headers,
    ]
    try:
        content = b"".join(_line(name, value) for name, value in headers) + _body(email)
    except (ValueError, LookupError) as error:
        raise Refused(f"it cannot be written as an email: {type(error).__name__}") from error
    return Written(
        delivery_id=email.delivery_id,
        sender=returning(bounce_address, email.delivery_id) if bounce_address else from_,
        recipient=_bare(email.to, "To"),
        message_id=message_id,
        content=content,
    )


def returning(bounce_address: str, delivery_id: UUID) -> str:
    """The bounce address with the delivery's token: `bounces+0190…@letters.example`."""
    local, _, domain = bounce_address.rpartition("@")
    return f"{local}+{delivery_id.hex}@{domain}"


def is_address(text: str) -> bool:
    """Whether it is one that every relay takes: ASCII, its domain in punycode."""
    return len(text) <= _LONGEST_ADDRESS and _ADDRESS.fullmatch(text) is not None


def _bare(value: str, header: str) -> str:
    address = parseaddr(value)[1]
    if not is_address(address):
        raise Refused(f"the address in {header} is none that every mail server takes")
    return address


def _line(name: str, value: str) -> bytes:
    """One header, folded.  Raises ValueError rather than begin another one."""
    if not _HEADER_NAME.fullmatch(name) or _BREAK.search(value):
        raise ValueError("a header holds what would end it")
    # In words of RFC 2047 where it is not ASCII, or would be read as such words by mistake.
    coded = not value.isascii() or (name == "Subject" and "=?" in value)
    folded = Header(value, "utf-8" if coded else "us-ascii", header_name=name).encode()
    return f"{name}: {folded}".replace("\n", "\r\n").encode("ascii") + b"\r\n"


def _body(email: Email) -> bytes:
    """MIME-Version, Content-Type and the parts."""
    message = EmailMessage(_POLICY)
    message.set_content(email.text, cte="quoted-printable")
    message.add_alternative(email.html, subtype="html", cte="quoted-printable")
    for file in email.attachments:
        main, _, sub = file.content_type.partition("/")
        message.add_attachment(file.content, main, sub, filename=file.filename)
    return message.as_bytes()
