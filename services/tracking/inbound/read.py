"""Reads one email that came in, whatever it is: a stranger's bytes, broken or hostile.

In: a message as it arrived (RFC 5322).  Out: `Mail`, with what matching and telling apart need and
the text that a person reads.  It never fails: what is too deep, too long or broken gives its
headers alone, and says so in `defect`.  No HTML is trusted: of it, only text is left.
"""

import datetime as dt
import hashlib
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.errors import MessageError
from email.header import decode_header
from email.message import Message
from email.parser import BytesHeaderParser
from email.utils import parseaddr, parsedate_to_datetime

from services.tracking.inbound.plain import html_to_text, tidy
from shared.text import storable

MAX_BYTES = 10 * 1024 * 1024
MAX_TEXT = 100_000  # characters kept of what a person reads
_MAX_HTML = 1024 * 1024  # bytes of HTML that are turned into text
_MAX_LINES = 500_000
# The standard library's parser asks every open part about every line.
_MAX_BOUNDARIES = 30
_MAX_PARTS = 200
_MAX_VALUE = 8_000  # characters read of one header
_NESTS = re.compile(rb"boundary[*0-9]*[ \t]*=|:[ \t]*message/", re.IGNORECASE)
_END_OF_HEADERS = re.compile(rb"\r?\n\r?\n")
_ENCODED = re.compile(r"=\?[^?\s]+\?[bqBQ]\?[^?]*\?=")
# From one @ to the limits of a word; begun at a word's first character only.
_ADDRESS = re.compile(r"(?<![^\s<>,;:\"()\[\]])[^\s<>,;:\"()\[\]@]+@[^\s<>,;:\"()\[\]@]+")
_MESSAGE_ID = re.compile(r"<([^<>\s@]{1,250}@[^<>\s@]{1,250})>")
_TO = ("To", "Cc", "Delivered-To", "X-Original-To", "X-Forwarded-To", "Envelope-To")
_MOST_REFERENCES = 50

#: What the parser and codecs of the standard library raise on malformed input.
_BROKEN = (ValueError, LookupError, TypeError, AttributeError, RecursionError, MessageError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One message, read.  Everything in it is what its sender claims."""

    digest: str  # the same for copies that took different ways
    sender: str = field(repr=False)  # the From header
    subject: str = field(repr=False)
    text: str = field(repr=False)  # what a person reads
    recipients: tuple[str, ...] = field(repr=False)  # addresses it was sent to
    references: tuple[str, ...]  # ids of messages that it answers, the nearest first
    headers: "Headers" = field(repr=False)
    parts: tuple[str, ...]  # content types, in order: "multipart/report; delivery-status"
    received_at: dt.datetime | None  # as the first server of ours stamped it
    defect: str | None = None  # why not all of it could be read


class Headers:
    """Values by name in any case; decoded, and on one line."""

    def __init__(self, message: Message) -> None:
        self._message = message

    def get(self, name: str) -> str:
        """The first value, or nothing."""
        return next(iter(self.all(name)), "")

    def all(self, name: str) -> list[str]:
        try:
            values = self._message.get_all(name, [])
        except _BROKEN:
            return []
        return [_decoded(str(value)) for value in values[:_MOST_REFERENCES]]

    def has(self, name: str) -> bool:
        return name in self._message


def read(content: bytes) -> Mail:
    """What can be read of `content`; beyond MAX_BYTES it is cut off."""
    defect = _too_much(content)
    content = content[:MAX_BYTES]
    message = BytesHeaderParser(policy=policy.compat32).parsebytes(content)
    parts: tuple[str, ...] = ()
    text = ""
    if defect is None or len(content) == MAX_BYTES:
        try:
            message = message_from_bytes(content, policy=policy.compat32)
            found = list(_parts(message))
            parts, text = tuple(_kind(one) for one in found), _text(found)
        except _BROKEN as error:
            defect = f"its parts cannot be read ({type(error).__name__})"
    return _mail(content, message, parts, text, defect)


def _too_much(content: bytes) -> str | None:
    if content.count(b"\n") > _MAX_LINES:
        return f"it has more than {_MAX_LINES} lines"
    if sum(1 for _ in _NESTS.finditer(content)) > _MAX_BOUNDARIES:
        return f"more than {_MAX_BOUNDARIES} parts lie in one another"
    return f"it is larger than {MAX_BYTES} bytes" if len(content) > MAX_BYTES else None


def _mail(
    content: bytes, message: Message, parts: tuple[str, ...], text: str, defect: str | None
) -> Mail:
    headers = Headers(message)
    return Mail(
        digest=_digest(content, headers),
        sender=headers.get("From"),
        subject=headers.get("Subject"),
        text=text,
        recipients=_recipients(headers),
        references=_references(headers),
        headers=headers,
        parts=parts,
        received_at=_received_at(headers),
        defect=defect,
    )


def _digest(content: bytes, headers: Headers) -> str:
    """Over what its sender wrote, without the trace that each way adds (RFC 5321, 4.4)."""
    end = _END_OF_HEADERS.search(content)
    body = content[end.end() :].replace(b"\r\n", b"\n") if end else b""
    written = (headers.get(name) for name in ("Message-ID", "Date", "From", "To", "Subject"))
    named = "\n".join(written).encode(errors="replace")
    return hashlib.sha256(named + b"\0" + body.rstrip(b"\n")).hexdigest()


def _decoded(value: str) -> str:
    """Encoded words (RFC 2047) opened, whatever is wrong with them; one line."""
    line = " ".join(value[:_MAX_VALUE].split())
    if _ENCODED.search(line):
        with suppress(*_BROKEN):
            line = "".join(
                _as_text(part, charset) if isinstance(part, bytes) else part
                for part, charset in decode_header(line)
            )
    return storable(" ".join(line.encode(errors="replace").decode().split()))


def _as_text(content: bytes, charset: str | None) -> str:
    """Never fails: an unknown charset is read as UTF-8, or else as Windows' own."""
    for name in (charset or "utf-8", "utf-8"):
        try:
            return content.decode(name)
        except (LookupError, ValueError):
            continue
    return content.decode("cp1252", errors="replace")


def _recipients(headers: Headers) -> tuple[str, ...]:
    values = [value for name in _TO for value in headers.all(name)]
    found = (one.group() for value in values for one in _ADDRESS.finditer(value))
    return tuple(dict.fromkeys(found))


def _references(headers: Headers) -> tuple[str, ...]:
    near = _MESSAGE_ID.findall(headers.get("In-Reply-To"))
    far = _MESSAGE_ID.findall(" ".join(headers.all("References")))
    return tuple(dict.fromkeys([*near, *reversed(far)]))[:_MOST_REFERENCES]


def _received_at(headers: Headers) -> dt.datetime | None:
    """The stamp of the last server on the way, which is ours; no sender can forge it."""
    stamp = headers.get("Received").rpartition(";")[2].strip()
    try:
        read = parsedate_to_datetime(stamp)
        return read.astimezone(dt.UTC) if read.tzinfo else read.replace(tzinfo=dt.UTC)
    except (ValueError, TypeError, IndexError, OverflowError):  # also: beyond the last year
        return None


def _parts(message: Message) -> Iterator[Message]:
    """Every part, the outermost first, without those of messages that travel inside."""
    waiting, seen = [message], 0
    while waiting and seen < _MAX_PARTS:
        part = waiting.pop(0)
        seen += 1
        yield part
        inside = part.get_payload()
        if isinstance(inside, list) and not part.get_content_type().startswith("message/"):
            waiting[:0] = [one for one in inside if isinstance(one, Message)]


def _kind(part: Message) -> str:
    report = part.get_param("report-type")
    kind = part.get_content_type()
    return f"{kind}; {report.lower()}" if isinstance(report, str) else kind


def _text(parts: list[Message]) -> str:
    """The first plain text that is not a file; or else what is left of the HTML."""
    for kind in ("text/plain", "text/html"):
        found = (one for one in parts if one.get_content_type() == kind and not _is_file(one))
        for part in found:
            if text := _content(part, kind):
                return text
    return ""


def _is_file(part: Message) -> bool:
    return str(part.get("Content-Disposition", "")).strip().lower().startswith("attachment")


def _content(part: Message, kind: str) -> str:
    content = part.get_payload(decode=True)
    if not isinstance(content, bytes):
        return ""
    charset = part.get_content_charset()
    if kind == "text/html":
        return html_to_text(_as_text(content[:_MAX_HTML], charset))[:MAX_TEXT]
    return tidy(_as_text(content[: 4 * MAX_TEXT], charset))[:MAX_TEXT]


def address_of(value: str) -> str:
    """The address in a From header, in small letters; nothing where there is none."""
    return parseaddr(value)[1].lower()
