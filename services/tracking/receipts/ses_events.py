"""What each event of SES means in our words.

In: one event, as SES publishes it.  Out: a Fact, or None for what tells nothing of ours.
Sources: SES developer guide, "event-publishing-retrieving-sns-contents" and, for the older
`notificationType`, "notification-contents".  SES may add types, kinds and fields at any time.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from services.tracking.receipts.contract import (
    moment,
    provider_id,
    status_code,
    without_addresses,
)
from services.tracking.words import EventWord, Fact
from shared.text import storable

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
# What a refusal means for its address, bad_addresses.py tells from reason and status together.
# Transient/General is three things; the enhanced status (RFC 3463) tells them apart by its class.
_TRANSIENT_GENERAL: Mapping[str, _Bounce] = {
    "5": (EventWord.BOUNCED, "hard"),  # a refusal that SES files in the wrong drawer
    "4": (EventWord.EXPIRED, "gave_up"),
    "": (EventWord.AUTO_REPLIED, "out_of_office"),  # an answer, no report: it has no status
}
_WITHHELD = "OnAccountSuppressionList"
_DELAYS: Mapping[str, str] = {
    "MailboxFull": "mailbox_full",
    "SpamDetected": "spam_detected",
    "RecipientServerError": "server_error",
    "IPFailure": "sender_blocked",
    "TransientCommunicationFailure": "connection",
    "SendingDeferral": "sending_deferral",
}


def kind_of(said: _More) -> str:
    """The event's type; what identity notifications call notificationType means the same."""
    return str(said.get("eventType") or said.get("notificationType"))


def tells_nothing(said: _More) -> bool:
    """Known, and no fact of ours: we keep no lists at Amazon."""
    return kind_of(said) == "Subscription"


def own_mark(said: _More) -> str:
    """What SES itself tells two events by that are alike in all else."""
    more = object_of(said, _PARTS.get(kind_of(said), ""))
    return str(more.get("feedbackId") or more.get("link") or "")


def fact(said: _More) -> Fact | None:
    """None where the type is not known or nobody says when it happened."""
    mail, found = object_of(said, "mail"), _found(said)
    occurred_at = found and (moment(found.timestamp) or moment(mail.get("timestamp")))
    if not found or not occurred_at:
        return None
    return Fact(
        word=found.word,
        occurred_at=occurred_at,
        reason=found.reason,
        status=found.status,
        detail=without_addresses(found.detail),
        provider_id=provider_id(mail.get("messageId")),
    )


def object_of(of: _More, name: str) -> _More:
    found = of.get(name)
    return found if isinstance(found, dict) else {}


def recipients(said: _More) -> list[str]:
    """The addresses that the event is about, where it says so; else those of the email."""
    key = _PARTS.get(kind_of(said), "")
    more = object_of(said, key)
    for name in ("bouncedRecipients", "complainedRecipients", "delayedRecipients", "recipients"):
        if found := more.get(name):
            return _addresses(found)
    return _addresses(object_of(said, "mail").get("destination"))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    word: EventWord
    reason: str | None = None
    status: str | None = None
    detail: str | None = None  # still with addresses
    timestamp: object


def _found(said: _More) -> _Found | None:
    kind = kind_of(said)
    if kind == "Bounce":
        return _bounce(object_of(said, "bounce"))
    found = _event(kind, said) if kind in _EVENTS else None
    if object_of(said, "complaint").get("complaintSubType") == _WITHHELD:
        # Taken and never sent, so nobody complained of this one: an earlier one holds the address.
        found = found and replace(found, word=EventWord.SUPPRESSED, reason="own_stop_list")
    return found


def _complaint_reason(more: _More) -> str:
    said = storable(str(more.get("complaintFeedbackType") or "unspecified"))
    return said.replace("-", "_")[:64]


# By type: the object that tells more.
_PARTS: Mapping[str, str] = {
    "Send": "send",
    "Delivery": "delivery",
    "DeliveryDelay": "deliveryDelay",
    "Bounce": "bounce",
    "Complaint": "complaint",
    "Reject": "reject",
    "Rendering Failure": "failure",
    "Open": "open",
    "Click": "click",
    "Subscription": "subscription",
}
# By type: the word, its finer reason, and where in its object the provider's words stand.
_EVENTS: Mapping[str, tuple[EventWord, Callable[[_More], str | None], str]] = {
    "Send": (EventWord.SENT_PROOF, lambda _more: None, ""),
    "Delivery": (EventWord.DELIVERED, lambda _more: None, "smtpResponse"),
    "DeliveryDelay": (
        EventWord.DEFERRED,
        lambda more: _DELAYS.get(str(more.get("delayType")), "general"),
        "",
    ),
    "Complaint": (EventWord.COMPLAINED, _complaint_reason, ""),
    "Reject": (EventWord.REJECTED, lambda _more: "bad_content", "reason"),
    "Rendering Failure": (EventWord.REJECTED, lambda _more: "rendering_failure", "errorMessage"),
    # The reader's address and program are in the receipt alone, sealed.
    "Open": (EventWord.OPENED, lambda _more: None, ""),
    "Click": (EventWord.CLICKED, lambda _more: None, ""),
}


def _event(kind: str, said: _More) -> _Found:
    word, reason, words = _EVENTS[kind]
    more = object_of(said, _PARTS[kind])
    delayed = _objects(more.get("delayedRecipients"))
    text = _text(more, words)
    return _Found(
        word=word,
        reason=reason(more),
        status=next(iter(_statuses(delayed)), None) or status_code(text),
        detail=text or _diagnostic(delayed),
        timestamp=more.get("timestamp"),
    )


def _bounce(more: _More) -> _Found:
    bounced = _objects(more.get("bouncedRecipients"))
    statuses = _statuses(bounced)
    word, reason = _drawer(str(more.get("bounceType")), str(more.get("bounceSubType")), statuses)
    return _Found(
        word=word,
        reason=reason,
        status=next(iter(statuses), None),
        detail=_diagnostic(bounced),
        timestamp=more.get("timestamp"),
    )


def _drawer(kind: str, finer: str, statuses: list[str]) -> _Bounce:
    if (kind, finer) == ("Transient", "General"):
        return _TRANSIENT_GENERAL[_class_of(statuses)]
    fallback = _BOUNCES.get((kind, None), _BOUNCES["Undetermined", None])
    return _BOUNCES.get((kind, finer), fallback)


def _statuses(bounced: list[_More]) -> list[str]:
    """Of every recipient that has one; the diagnostic text counts only where `status` is blank."""
    found = (
        status_code(one.get("status")) or status_code(one.get("diagnosticCode")) for one in bounced
    )
    return [one for one in found if one]


def _class_of(statuses: list[str]) -> str:
    """5 where every status begins so, else 4 where any does, else nothing."""
    if statuses and all(status.startswith("5.") for status in statuses):
        return "5"
    return "4" if any(status.startswith("4.") for status in statuses) else ""


def _diagnostic(about: list[_More]) -> str | None:
    texts = (_text(one, "diagnosticCode") for one in about)
    return next((text for text in texts if text), None)


def _addresses(found: object) -> list[str]:
    named = [str(one.get("emailAddress")) for one in _objects(found)]
    return named or ([str(one) for one in found] if isinstance(found, list) else [])


def _objects(found: object) -> list[_More]:
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _text(of: _More, name: str) -> str | None:
    found = of.get(name)
    return found if isinstance(found, str) else None
