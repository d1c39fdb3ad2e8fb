"""Reads the print vendor's signed webhooks: an order was printed, posted, returned, rejected.

The signature is `Writ-Print-Signature: t=<unix>,v1=<hex HMAC-SHA256 of "{t}.{body}">`.  In: headers
and body.  Out: a Receipt in our words.  The vendor's `reference` is the delivery's id.
"""

import datetime as dt
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

import structlog

from services.tracking.receipts.contract import (
    Door,
    Receipt,
    Trust,
    Unreadable,
    Untrusted,
    moment,
    own_id,
    provider_id,
    without_addresses,
)
from services.tracking.words import EventWord, Fact

SOURCE = "print_vendor"
SIGNATURE_HEADER = "Writ-Print-Signature"
TOLERANCE_S = 300  # a captured message is worthless after five minutes

WORDS: Mapping[str, EventWord] = {
    "order.accepted": EventWord.SENT_PROOF,
    "order.printed": EventWord.PRINTED,
    "order.posted": EventWord.POSTED,
    "order.delivered": EventWord.DELIVERED,
    "order.returned": EventWord.RETURNED,
    "order.rejected": EventWord.REJECTED,
}

log = structlog.get_logger(__name__)


def door(trust: Trust) -> Door:
    def enter(headers: Mapping[str, str], body: bytes) -> Receipt:
        signature = headers.get(SIGNATURE_HEADER, "")
        check_signature(signature, body, trust.print_secret, trust.clock())
        return read(body)

    return enter


def check_signature(header: str, body: bytes, secret: str, now: dt.datetime) -> None:
    """Raises Untrusted unless the vendor signed this body in the last five minutes."""
    if not secret:  # an empty key would believe everybody
        raise Untrusted("no secret is set for the print vendor")
    parts = [part.partition("=") for part in header.split(",")]
    stamp = next((value for name, _, value in parts if name.strip() == "t"), "")
    signatures = [value for name, _, value in parts if name.strip() == "v1"]
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):
        raise Untrusted("the signature carries no time")
    if abs(now.timestamp() - int(stamp)) > TOLERANCE_S:
        raise Untrusted("the signature is too old, or of the future")
    expected = hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    # Several v1 parts: a vendor that changes its secret signs with both for a while.
    if not any(hmac.compare_digest(expected.encode(), one.encode()) for one in signatures):
        raise Untrusted("the signature does not match")


def read(body: bytes) -> Receipt:
    """One webhook.  Raises Unreadable when it has no id of its own."""
    try:
        text = body.decode()
        said = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Unreadable("the body is not JSON") from error
    source_id = provider_id(said.get("id")) if isinstance(said, dict) else None
    if source_id is None:
        raise Unreadable("the body is not an object with an id")
    return Receipt(
        source=SOURCE,
        source_id=source_id,
        body=text,
        delivery_id=own_id(said.get("reference")),
        fact=_fact(said, source_id),
    )


def _fact(said: Mapping[str, Any], source_id: str) -> Fact | None:
    word = WORDS.get(str(said.get("type")))
    occurred_at = moment(said.get("occurred_at"))
    if word is None or occurred_at is None:
        log.warning("receipt_not_understood", source=SOURCE, source_id=source_id)
        return None
    reason = said.get("reason")
    return Fact(
        word=word,
        occurred_at=occurred_at,
        detail=without_addresses(reason) if isinstance(reason, str) else None,
        provider_id=provider_id(said.get("order_id")),
    )
