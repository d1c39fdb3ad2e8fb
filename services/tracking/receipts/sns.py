"""Opens Amazon SNS's envelopes: only from the topics we know, only with Amazon's own signature.

A valid signature alone proves nothing: anybody may own a topic, and Amazon signs for it.  So the
topic is checked first, the certificate's address by its exact host and path, then the signature
(version 1: SHA-1, version 2: SHA-256; RSA PKCS#1 v1.5).
Source: SNS developer guide, "sns-verify-signature-of-message-verify-message-signature".
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from services.tracking.receipts.contract import KeyAt, Unreadable, Untrusted, provider_id


class EnvelopeType(StrEnum):
    """What an envelope is for."""

    NOTIFICATION = "Notification"  # carries a message
    SUBSCRIBED = "SubscriptionConfirmation"  # asks whether we want the topic
    UNSUBSCRIBED = "UnsubscribeConfirmation"  # tells that the topic is lost


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """A message of one of our topics."""

    type: EnvelopeType
    message_id: str
    topic: str
    message: str
    token: str  # only where a subscription is asked for


_HASHES: Mapping[str, hashes.HashAlgorithm] = {
    "1": hashes.SHA1(),  # noqa: S303  what SNS signs with unless the topic is told otherwise
    "2": hashes.SHA256(),
}
_SIGNED: Mapping[EnvelopeType, tuple[str, ...]] = {
    EnvelopeType.NOTIFICATION: (
        "Message",
        "MessageId",
        "Subject",
        "Timestamp",
        "TopicArn",
        "Type",
    ),
    **dict.fromkeys(
        (EnvelopeType.SUBSCRIBED, EnvelopeType.UNSUBSCRIBED),
        ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    ),
}


def open_envelope(body: bytes, topics: frozenset[str], key_at: KeyAt) -> Envelope:
    """The message inside.  Raises Unreadable, Untrusted, and what `key_at` raises."""
    said = fields(body)
    envelope = take_out(said, topics)
    _check_signature(_texts(said), _SIGNED[envelope.type], key_at)
    return envelope


def take_out(said: Mapping[str, Any], topics: frozenset[str]) -> Envelope:
    """The message inside, its signature unread: for a way that AWS itself guards, as SQS is.

    Raises Unreadable, Untrusted.
    """
    texts = _texts(said)
    topic = texts.get("TopicArn", "")
    if topic not in topics:
        raise Untrusted("the topic is none of ours")
    kind, message_id = _kind(texts), provider_id(texts.get("MessageId"))
    if message_id is None:
        raise Unreadable("the message has no id")
    return Envelope(
        type=kind,
        message_id=message_id,
        topic=topic,
        message=texts["Message"],
        token=texts.get("Token", ""),
    )


def fields(body: bytes) -> dict[str, Any]:
    """The JSON object that a body is.  Raises Unreadable."""
    try:
        said: Any = json.loads(body.decode())  # or it would guess at other codings
    except (ValueError, RecursionError) as error:
        raise Unreadable("the body is not JSON") from error
    if not isinstance(said, dict):
        raise Unreadable("the body is not an SNS envelope")
    return said


def canonical(said: Mapping[str, str], names: tuple[str, ...]) -> bytes:
    """The text that SNS signs: each name and value on a line of its own, absent ones left out."""
    return "".join(f"{name}\n{said[name]}\n" for name in names if name in said).encode()


def _check_signature(said: Mapping[str, str], names: tuple[str, ...], key_at: KeyAt) -> None:
    algorithm = _HASHES.get(said.get("SignatureVersion", ""))
    if algorithm is None:
        raise Untrusted("the signature is of an unknown version")
    # AWS Lambda spells the name in its own way; both mean the same.
    key = key_at(said.get("SigningCertURL") or said.get("SigningCertUrl") or "")
    try:
        signature = base64.b64decode(said.get("Signature", ""), validate=True)
        key.verify(signature, canonical(said, names), padding.PKCS1v15(), algorithm)
    except (ValueError, InvalidSignature) as error:  # no base64, half a character, another's key
        raise Untrusted("the signature does not match") from error


def _texts(said: Mapping[str, Any]) -> dict[str, str]:
    return {name: value for name, value in said.items() if isinstance(value, str)}


def _kind(said: Mapping[str, str]) -> EnvelopeType:
    missing = [name for name in ("Type", "MessageId", "Message", "Timestamp") if name not in said]
    if missing or said["Type"] not in list(EnvelopeType):
        raise Unreadable("the body is not an SNS envelope")
    return EnvelopeType(said["Type"])
