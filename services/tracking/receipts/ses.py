"""Reads SES's event publishing: what Amazon tells about an email, in our words.

In: an SNS envelope with an event.  Out: a Receipt.  The delivery is found by the `delivery_id` tag
that dispatch sent along, never by an address: mail servers change those.
Source of the form: SES developer guide, "event-publishing-retrieving-sns-contents".
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog

from services.tracking.receipts.contract import (
    Door,
    Receipt,
    Trust,
    moment,
    own_id,
    provider_id,
    without_addresses,
)
from services.tracking.receipts.sns import Envelope, EnvelopeType, open_envelope
from services.tracking.words import EventWord, Fact
from shared.text import storable

SOURCE = "ses"
TAG = "delivery_id"

# Known, and no fact of ours: we follow no reader and keep no lists at Amazon.
_NO_FACT = frozenset({"Open", "Click", "Subscription"})

_More = Mapping[str, Any]  # an object of SES's
_Bounce = tuple[EventWord, str]
# By (bounceType, bounceSubType); a subtype that is new falls back on its type's None.
_BOUNCES: Mapping[tuple[str, str | None], _Bounce] = {
    ("Permanent", None): (EventWord.BOUNCED, "hard"),
    ("Permanent", "NoEmail"): (EventWord.BOUNCED, "no_such_mailbox"),
    ("Permanent", "Suppressed"): (EventWord.SUPPRESSED, "global_stop_list"),
    ("Permanent", "OnAccountSuppressionList"): (EventWord.SUPPRESSED, "own_stop_list"),
    ("Transient", None): (EventWord.BOUNCED, "soft"),
    ("Transient", "MailboxFull"): (EventWord.BOUNCED, "mailbox_full"),
    ("Transient", "MessageTooLarge"): (EventWord.BOUNCED, "message_too_large"),
    ("Transient", "ContentRejected"): (EventWord.BOUNCED, "content_rejected"),
    ("Transient", "AttachmentRejected"): (EventWord.BOUNCED, "attachment_rejected"),
    ("Undetermined", None): (EventWord.BOUNCED, "undetermined"),
}
# Transient/General is three things; the enhanced status (RFC 3463) tells them apart by its class.
_TRANSIENT_GENERAL: Mapping[str, _Bounce] = {
    "5": (EventWord.BOUNCED, "hard"),  # a refusal that SES files in the wrong drawer
    "4": (EventWord.EXPIRED, "gave_up"),
    "": (EventWord.AUTO_REPLIED, "out_of_office"),  # an answer, no report: it has no status
}
_DELAYS: Mapping[str, str] = {
    "MailboxFull": "mailbox_full",
    "SpamDetected": "spam_detected",
    "RecipientServerError": "server_error",
    "IPFailure": "sender_blocked",
    "TransientCommunicationFailure": "connection",
    "SendingDeferral": "sending_deferral",
}

log = structlog.get_logger(__name__)


def door(trust: Trust) -> Door:
    def enter(_headers: Mapping[str, str], body: bytes) -> Receipt | None:
        envelope = open_envelope(body, trust.topics, trust.key_at)
        if envelope.type is EnvelopeType.NOTIFICATION:
            return read(envelope, body=body.decode())
        _subscription(envelope, trust)
        return None

    return enter


def read(envelope: Envelope, *, body: str) -> Receipt | None:
    """One event; `body` is the whole envelope as it came.

    None for SES's greeting to a new topic, which tells nothing.  What cannot be understood gives
    a receipt without a fact: kept, so that it can be read again when we have learned the word.
    """
    said = _parse(envelope.message)
    if said is None and envelope.message.startswith("Successfully validated SNS topic"):
        return None
    mail = _object(said or {}, "mail")
    return Receipt(
        source=SOURCE,
        source_id=envelope.message_id,
        body=body,
        delivery_id=_delivery_id(mail),
        fact=_fact(said or {}, mail, envelope.message_id),
    )


def _subscription(envelope: Envelope, trust: Trust) -> None:
    log.warning("sns_subscription", type=envelope.type, topic=envelope.topic)
    if envelope.type is EnvelopeType.SUBSCRIBED and trust.confirm is not None:
        trust.confirm(envelope.topic, envelope.token)


def _fact(said: _More, mail: _More, message_id: str) -> Fact | None:
    # Identity notifications say notificationType; they carry no tags, but tell the same.
    kind = str(said.get("eventType") or said.get("notificationType"))
    if kind in _NO_FACT:
        return None
    found = _found(kind, said)
    occurred_at = found and (moment(found.timestamp) or moment(mail.get("timestamp")))
    if not found or not occurred_at:
        log.warning("receipt_not_understood", source=SOURCE, source_id=message_id)
        return None
    return Fact(
        word=found.word,
        occurred_at=occurred_at,
        reason=found.reason,
        detail=without_addresses(found.detail),
        provider_id=provider_id(mail.get("messageId")),
    )


def _found(kind: str, said: _More) -> "_Found | None":
    if kind == "Bounce":
        return _bounce(_object(said, "bounce"))
    return _event(kind, said) if kind in _EVENTS else None


@dataclass(frozen=True, slots=True)
class _Found:
    word: EventWord
    reason: str | None
    detail: str | None  # still with addresses
    timestamp: object


def _complaint_reason(more: _More) -> str:
    said = storable(str(more.get("complaintFeedbackType") or "unspecified"))
    return said.replace("-", "_")[:64]


# The object that tells more, the word, its finer reason, and where the provider's words stand.
_EVENTS: Mapping[str, tuple[str, EventWord, Callable[[_More], str | None], str]] = {
    "Send": ("send", EventWord.SENT_PROOF, lambda _more: None, ""),
    "Delivery": ("delivery", EventWord.DELIVERED, lambda _more: None, "smtpResponse"),
    "Complaint": ("complaint", EventWord.COMPLAINED, _complaint_reason, ""),
    "Reject": ("reject", EventWord.REJECTED, lambda _more: "bad_content", "reason"),
    "Rendering Failure": (
        "failure",
        EventWord.REJECTED,
        lambda _more: "rendering_failure",
        "errorMessage",
    ),
    "DeliveryDelay": (
        "deliveryDelay",
        EventWord.DEFERRED,
        lambda more: _DELAYS.get(str(more.get("delayType")), "general"),
        "",
    ),
}


def _event(kind: str, said: _More) -> _Found:
    key, word, reason, words = _EVENTS[kind]
    more = _object(said, key)
    detail = _text(more, words) or _diagnostic(more.get("delayedRecipients"))
    return _Found(word, reason(more), detail, more.get("timestamp"))


def _bounce(more: _More) -> _Found:
    kind, finer = str(more.get("bounceType")), str(more.get("bounceSubType"))
    recipients = more.get("bouncedRecipients")
    if (kind, finer) == ("Transient", "General"):
        word, reason = _TRANSIENT_GENERAL[_status_class(recipients)]
    else:
        fallback = _BOUNCES.get((kind, None), (EventWord.BOUNCED, "undetermined"))
        word, reason = _BOUNCES.get((kind, finer), fallback)
    return _Found(word, reason, _diagnostic(recipients), more.get("timestamp"))


def _status_class(recipients: object) -> str:
    """5 where every recipient's status begins so, else 4 where any does, else nothing."""
    statuses = [str(one.get("status") or "") for one in _objects(recipients)]
    if statuses and all(status.startswith("5.") for status in statuses):
        return "5"
    return "4" if any(status.startswith("4.") for status in statuses) else ""


def _diagnostic(recipients: object) -> str | None:
    texts = (_text(one, "diagnosticCode") for one in _objects(recipients))
    return next((text for text in texts if text), None)


def _delivery_id(mail: _More) -> UUID | None:
    values = _object(mail, "tags").get(TAG)
    return own_id(values[0] if isinstance(values, list) and values else None)


def _parse(message: str) -> Mapping[str, Any] | None:
    try:
        said = json.loads(message)
    except (ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) else None


def _object(of: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = of.get(name)
    return found if isinstance(found, dict) else {}


def _objects(found: object) -> list[Mapping[str, Any]]:
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _text(of: Mapping[str, Any], name: str) -> str | None:
    found = of.get(name)
    return found if isinstance(found, str) else None
