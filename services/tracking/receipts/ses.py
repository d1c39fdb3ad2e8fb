"""Takes in what Amazon SES tells about an email, by either way: over HTTPS, or from an SQS queue.

In: an SNS envelope with an event.  Out: a Receipt.  The delivery is found by the `delivery_id` tag
that dispatch sent along, never by an address: mail servers change those.
Over HTTPS anybody may knock, so the envelope's signature is checked.  Into the queue its policy
lets our topic alone write (deploy/README.md, `aws:SourceArn`) and AWS has checked who sends: there
the topic is looked at, the signature is not.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import structlog

from services.tracking.receipts import ses_events
from services.tracking.receipts.contract import (
    Confirm,
    Door,
    Reader,
    Receipt,
    Trust,
    own_id,
)
from services.tracking.receipts.ses_events import object_of
from services.tracking.receipts.sns import (
    Envelope,
    EnvelopeType,
    fields,
    open_envelope,
    take_out,
)
from services.tracking.words import Fact

SOURCE = "ses"
TAG = "delivery_id"
_GREETING = "Successfully validated SNS topic"

log = structlog.get_logger(__name__)


def door(trust: Trust) -> Door:
    """For HTTPS."""

    def enter(_headers: Mapping[str, str], body: bytes) -> Receipt | None:
        envelope = open_envelope(body, trust.topics, trust.key_at)
        return _enveloped(envelope, trust.confirm, body)

    return enter


def reader(topics: frozenset[str], confirm: Confirm | None) -> Reader:
    """For the messages of a queue: SNS's envelopes, or bare events where delivery is "raw"."""

    def read_message(body: bytes) -> Receipt | None:
        if _is_event(said := fields(body)):
            return _raw(said, body)
        return _enveloped(take_out(said, topics), confirm, body)

    return read_message


def read(envelope: Envelope, *, body: str) -> Receipt | None:
    """One event; `body` is the whole envelope as it came.

    None for SES's greeting to a new topic, which tells nothing.  What cannot be understood gives
    a receipt without a fact: kept, so that it can be read again when we have learned the word.
    """
    said = _parse(envelope.message)
    if said is None and envelope.message.startswith(_GREETING):
        return None
    return _receipt(said or {}, source_id=envelope.message_id, body=body)


def _enveloped(envelope: Envelope, confirm: Confirm | None, body: bytes) -> Receipt | None:
    if envelope.type is EnvelopeType.NOTIFICATION:
        return read(envelope, body=body.decode())
    log.warning("sns_subscription", type=envelope.type, topic=envelope.topic)
    if envelope.type is EnvelopeType.SUBSCRIBED and confirm is not None:
        confirm(envelope.topic, envelope.token)
    return None


def _raw(said: Mapping[str, Any], body: bytes) -> Receipt:
    """An event without its envelope has no id of its own: it gets one that a repeat gets, too."""
    mail, kind = object_of(said, "mail"), ses_events.kind_of(said)
    fact = ses_events.fact(said)
    parts = (
        mail.get("messageId"),
        kind,
        sorted(ses_events.recipients(said)),
        fact.occurred_at.isoformat() if fact else body.decode(),
        ses_events.own_mark(said),
    )
    digest = hashlib.sha256(json.dumps([SOURCE, *parts]).encode()).hexdigest()
    return _receipt(said, source_id=f"raw-{digest}", body=body.decode())


def _receipt(said: Mapping[str, Any], *, source_id: str, body: str) -> Receipt:
    fact = _fact(said, source_id)
    return Receipt(
        source=SOURCE,
        source_id=source_id,
        body=body,
        delivery_id=_delivery_id(object_of(said, "mail")),
        fact=fact,
    )


def _fact(said: Mapping[str, Any], source_id: str) -> Fact | None:
    fact = ses_events.fact(said)
    if fact is None and not ses_events.tells_nothing(said):
        log.warning("receipt_not_understood", source=SOURCE, source_id=source_id)
    return fact


def _delivery_id(mail: Mapping[str, Any]) -> UUID | None:
    values = object_of(mail, "tags").get(TAG)
    return own_id(values[0] if isinstance(values, list) and values else None)


def _is_event(said: Mapping[str, Any]) -> bool:
    return "Type" not in said and bool(said.get("eventType") or said.get("notificationType"))


def _parse(message: str) -> Mapping[str, Any] | None:
    try:
        said = json.loads(message)
    except (ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) else None
