"""Reads what comes back of an email that left by a mail relay: the reports of mail servers.

In: one message, as the mailbox of the bounce address has it.  Out: a Receipt in our words, or None
for what no machine wrote.  The delivery is known by the token in the address that it came to, by
the envelope's id, or by the Message-ID of what came back; never by an address, which servers
change.  All of it is a stranger's word: whoever had the email could write such a report.
Sources: RFC 3464 (delivery status notifications), RFC 3461 (ENVID), RFC 3463 and IANA's registry
(status codes), RFC 3834 (Auto-Submitted).
"""

import datetime as dt
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.errors import MessageError
from email.message import Message
from email.utils import parsedate_to_datetime
from uuid import UUID

import structlog

from services.tracking.receipts.contract import (
    Door,
    Receipt,
    Trust,
    Unreadable,
    own_id,
    provider_id,
    status_code,
    without_addresses,
)
from services.tracking.words import EventWord, Fact
from shared.clock import Clock
from shared.clock import now as this_moment

SOURCE = "smtp"

_MOST_LINES = 500_000
_MOST_NESTED = 30  # the parser asks every open part about every line
_NESTS = re.compile(rb"boundary[*0-9]*[ \t]*=|:[ \t]*message/", re.IGNORECASE)
_BROKEN = (ValueError, LookupError, TypeError, AttributeError, RecursionError, MessageError)
_CAME_TO = ("Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "To")
_TOKEN = re.compile(r"\+([0-9a-f]{32})@", re.IGNORECASE)
_MESSAGE_ID = re.compile(r"<(([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})@[^<>\s]+)>")

# By what a report says of a recipient (RFC 3464, 2.3.3), the one that tells most first.
_ACTIONS: Mapping[str, tuple[EventWord, str | None]] = {
    "failed": (EventWord.BOUNCED, None),  # the status tells why
    "delivered": (EventWord.DELIVERED, None),
    "relayed": (EventWord.DELIVERED, "relayed"),  # taken in by a server that reports nothing
    "expanded": (EventWord.DELIVERED, "expanded"),  # to a list of more recipients
    "delayed": (EventWord.DEFERRED, None),
}
# Why it failed, by the start of the status (RFC 3463 and IANA); the longest that fits counts.  What
# each means for the address, bad_addresses.py tells.
_FAILED: Mapping[str, str] = {
    "5": "undetermined",
    "5.1": "hard",
    "5.1.1": "no_such_mailbox",
    "5.1.6": "no_such_mailbox",  # moved, and nobody says where
    "5.1.7": "sender_blocked",  # 5.1.7 and 5.1.8 are about our own address
    "5.1.8": "sender_blocked",
    "5.2": "soft",
    "5.2.1": "hard",  # the mailbox is closed
    "5.2.2": "mailbox_full",
    "5.2.3": "message_too_large",
    "5.3": "soft",
    "5.3.4": "message_too_large",
    "5.4": "soft",
    "5.4.1": "hard",  # Exchange: no such recipient
    "5.4.4": "hard",  # no server takes mail for the domain
    "5.5": "hard",
    "5.6": "content_rejected",
    "5.7": "sender_blocked",
    "4": "gave_up",
    "4.2.2": "mailbox_full",
    "5.4.7": "gave_up",
}
_DELAYED: Mapping[str, str] = {
    "4": "general",
    "4.2.2": "mailbox_full",
    "4.3": "server_error",
    "4.4": "connection",
    "4.7": "sender_blocked",
}

log = structlog.get_logger(__name__)


def door(_trust: Trust) -> Door:
    """Nothing of a mail relay's comes over HTTP."""
    return _refuse


def read(message: bytes, *, clock: Clock = this_moment) -> Receipt | None:
    """One message, not larger than a mailbox's reader lets through.

    None where it is no server's report and no automatic answer.  A report that is not understood,
    or is about nothing of ours, gives a receipt without a fact or a delivery: kept for a person.
    """
    if message.count(b"\n") > _MOST_LINES or len(_NESTS.findall(message)) > _MOST_NESTED:
        return None
    try:
        parsed = message_from_bytes(message, policy=policy.compat32)
        return _read(parsed, message, clock)
    except _BROKEN as error:  # what the standard library raises on malformed input
        log.warning("receipt_not_understood", source=SOURCE, error=type(error).__name__)
        return None


def _refuse(_headers: Mapping[str, str], _body: bytes) -> Receipt | None:
    raise Unreadable("a mail relay's reports come by email")


def _read(message: Message, content: bytes, clock: Clock) -> Receipt | None:
    parts = list(message.walk())
    report = next(
        (one for one in parts if one.get_content_type() == "message/delivery-status"), None
    )
    if report is not None:
        found = _reported(report, message)
    elif "X-Failed-Recipients" in message:  # Exim's, without a report for machines
        found = _Found(EventWord.BOUNCED, "undetermined")
    elif _value(message, "Auto-Submitted").lower().startswith("auto-replied"):
        found = _Found(EventWord.AUTO_REPLIED, "out_of_office")
    elif _is_from_nobody(message):
        found = None
    else:
        return None
    source_id = hashlib.sha256(content).hexdigest()
    returned = _returned_id(parts)
    if found is None:
        log.warning("receipt_not_understood", source=SOURCE, source_id=source_id)
    return Receipt(
        source=SOURCE,
        source_id=source_id,
        body=content.decode("utf-8", "replace"),
        delivery_id=_delivery_id(message, report, returned),
        fact=_fact(found, message, returned, clock) if found else None,
    )


@dataclass(frozen=True, slots=True)
class _Found:
    word: EventWord
    reason: str | None
    status: str | None = None
    detail: str | None = None  # still with addresses
    at: dt.datetime | None = None


def _fact(found: _Found, message: Message, returned: str | None, clock: Clock) -> Fact:
    now = clock()
    said = found.at or _moment(_value(message, "Date")) or now
    return Fact(
        word=found.word,
        occurred_at=min(said, now),  # a server's clock may be wrong; the future is
        reason=found.reason,
        status=found.status,
        detail=without_addresses(found.detail),
        provider_id=provider_id(returned),
    )


def _reported(report: Message, message: Message) -> _Found | None:
    """What the report says of the recipient; of several, as behind a list, what tells most."""
    told = {_value(one, "Action").lower(): one for one in reversed(_blocks(report))}
    action = next((one for one in _ACTIONS if one in told), None)
    if action is None:
        return None
    about, (word, reason) = told[action], _ACTIONS[action]
    diagnostic = _value(about, "Diagnostic-Code")
    status = status_code(_value(about, "Status")) or status_code(diagnostic)
    finer = status_code(diagnostic)
    # "5.0.0" and its like say nothing; the server's own words may.
    if status and status.endswith(".0.0") and finer and finer[0] == status[0]:
        status = finer
    if action == "failed":
        reason = _longest(_FAILED, status) or "undetermined"
        word = EventWord.EXPIRED if reason == "gave_up" else EventWord.BOUNCED
    elif action == "delayed":
        reason = _longest(_DELAYED, status) or "general"
    at = _moment(_value(about, "Last-Attempt-Date")) or _moment(_value(message, "Date"))
    return _Found(word, reason, status, diagnostic or None, at)


def _longest(table: Mapping[str, str], status: str | None) -> str | None:
    parts = (status or "").split(".")
    starts = (".".join(parts[:length]) for length in (3, 2, 1))
    return next((table[one] for one in starts if one in table), None)


def _delivery_id(message: Message, report: Message | None, returned: str | None) -> UUID | None:
    """The token that it came to is the surest: only who had the envelope knows it."""
    for name in _CAME_TO:
        for value in message.get_all(name, []):
            if token := _TOKEN.search(str(value)):
                return own_id(token[1].lower())
    for block in _blocks(report) if report is not None else ():
        if found := own_id(_value(block, "Original-Envelope-Id").lower()):
            return found
    answered = _value(message, "In-Reply-To") or _value(message, "References")
    told = returned or next((found[1] for found in _MESSAGE_ID.finditer(answered)), None)
    return own_id(told.partition("@")[0]) if told else None


def _returned_id(parts: list[Message]) -> str | None:
    """The Message-ID of ours in what a report brings back, whole or its headers alone."""
    for part in parts[1:]:
        if part.get_content_type() == "text/rfc822-headers":
            content = part.get_payload(decode=True)
            text = content.decode("ascii", "replace") if isinstance(content, bytes) else ""
        else:
            text = f"Message-ID: {_value(part, 'Message-ID')}"
        for line in re.findall(
            r"^Message-ID:(?:.|\r?\n[ \t])*", text, re.IGNORECASE | re.MULTILINE
        ):
            if found := _MESSAGE_ID.search(line):
                return found[1]
    return None


def _is_from_nobody(message: Message) -> bool:
    """The empty sender that reports have, and nothing that a person writes (RFC 5321, 4.5.5)."""
    return _value(message, "Return-Path") == "<>"


def _blocks(report: Message) -> list[Message]:
    """The fields of the whole report, then those of each recipient."""
    found = report.get_payload()
    return [one for one in found if isinstance(one, Message)] if isinstance(found, list) else []


def _value(message: Message, name: str) -> str:
    value = message.get(name)
    return " ".join(str(value).split()) if value is not None else ""


def _moment(text: str) -> dt.datetime | None:
    try:
        read = parsedate_to_datetime(text)
        return read.astimezone(dt.UTC) if read.tzinfo else read.replace(tzinfo=dt.UTC)
    except (ValueError, OverflowError, TypeError):
        return None
