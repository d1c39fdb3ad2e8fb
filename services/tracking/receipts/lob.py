"""Reads Lob's signed webhooks: a letter or postcard was taken, scanned on its way, came back.

`Lob-Signature` is the hex HMAC-SHA256 of `{timestamp}.{body}`, `Lob-Signature-Timestamp` Unix time
in ms.  In: headers and body.  Out: a Receipt in our words; the delivery's id comes from the piece's
metadata.  Sources: Lob's document, github.com/lob/lob-openapi 1.22.0 (events and tracking events);
help.lob.com/print-and-mail/getting-data-and-results/using-webhooks (the signature).
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

SOURCE = "lob"
SIGNATURE_HEADER = "Lob-Signature"
TIMESTAMP_HEADER = "Lob-Signature-Timestamp"
TOLERANCE_S = 300  # a captured message is worthless after five minutes

# What follows `letter.` and `postcard.`: our word, and a finer one.
WORDS: Mapping[str, tuple[EventWord, str | None]] = {
    "created": (EventWord.SENT_PROOF, None),
    "rejected": (EventWord.REJECTED, None),
    "failed": (EventWord.REJECTED, None),  # at rendering, mostly
    "mailed": (EventWord.POSTED, None),  # only where the account's edition has it
    "in_transit": (EventWord.IN_TRANSIT, None),
    "in_local_area": (EventWord.IN_TRANSIT, "near_destination"),
    "processed_for_delivery": (EventWord.IN_TRANSIT, "out_for_delivery"),
    "re-routed": (EventWord.IN_TRANSIT, "rerouted"),
    "international_exit": (EventWord.LEFT_COUNTRY, None),
    "delivered": (EventWord.DELIVERED, None),
    "returned_to_sender": (EventWord.RETURNED, None),
}
# They tell nothing that we count.  `deleted` names no delivery: its body is an id.
SILENT = frozenset({"rendered_pdf", "rendered_thumbnails", "deleted", "viewed"})
_PIECES = frozenset({"letter", "postcard"})

log = structlog.get_logger(__name__)


def door(trust: Trust) -> Door:
    secret = trust.print_secrets.get(SOURCE, "")

    def enter(headers: Mapping[str, str], body: bytes) -> Receipt:
        check_signature(headers, body, secret, trust.clock())
        return read(body)

    return enter


def check_signature(headers: Mapping[str, str], body: bytes, secret: str, now: dt.datetime) -> None:
    """Raises Untrusted unless Lob signed this body in the last five minutes."""
    if not secret:  # an empty key would believe everybody
        raise Untrusted("no secret is set for Lob")
    stamp = headers.get(TIMESTAMP_HEADER, "")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 15):
        raise Untrusted("the signature carries no time")
    if abs(now.timestamp() - int(stamp) / 1000) > TOLERANCE_S:
        raise Untrusted("the signature is too old, or of the future")
    expected = hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected.encode(), headers.get(SIGNATURE_HEADER, "").encode()):
        raise Untrusted("the signature does not match")


def read(body: bytes) -> Receipt:
    """One event.  Raises Unreadable when it has no id of its own."""
    try:
        text = body.decode()
        said = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Unreadable("the body is not JSON") from error
    source_id = provider_id(said.get("id")) if isinstance(said, dict) else None
    if source_id is None:
        raise Unreadable("the body is not an object with an id")
    piece = _object(said, "body")
    return Receipt(
        source=SOURCE,
        source_id=source_id,
        body=text,
        delivery_id=own_id(_object(piece, "metadata").get("delivery_id")),
        fact=_fact(said, piece, source_id),
    )


def _fact(said: Mapping[str, Any], piece: Mapping[str, Any], source_id: str) -> Fact | None:
    kind, _, what = str(_object(said, "event_type").get("id")).partition(".")
    known = kind in _PIECES
    if known and what in SILENT:
        return None
    word, reason = WORDS.get(what, (None, None)) if known else (None, None)
    occurred_at = _scanned_at(piece, what) or moment(said.get("date_created"))
    if word is None or occurred_at is None:
        log.warning("receipt_not_understood", source=SOURCE, source_id=source_id)
        return None
    return Fact(
        word=word,
        occurred_at=occurred_at,
        reason=reason,
        detail=_why(piece) if word is EventWord.REJECTED else None,
        provider_id=provider_id(said.get("reference_id")),
    )


def _scanned_at(piece: Mapping[str, Any], what: str) -> dt.datetime | None:
    """When the post scanned it last as this event says: Lob hears of that later."""
    scans = piece.get("tracking_events")
    times = [
        moment(scan.get("time"))
        for scan in (scans if isinstance(scans, list) else ())
        if isinstance(scan, dict) and str(scan.get("name")).lower().replace(" ", "_") == what
    ]
    return max((time for time in times if time is not None), default=None)


def _why(piece: Mapping[str, Any]) -> str | None:
    reason = _object(piece, "failure_reason").get("failure_reason")
    return without_addresses(reason) if isinstance(reason, str) else None


def _object(said: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = said.get(name)
    return found if isinstance(found, dict) else {}
