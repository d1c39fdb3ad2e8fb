"""Reads Pingen's signed webhooks: a letter went to the post, cannot be sent, came back, arrived.

`Signature` is the hex HMAC-SHA256 of the body, without a time: whoever has captured a webhook can
repeat it for ever, and gets nothing by that, since each is stored once by its id.  In: headers and
body (JSON:API).  Out: a Receipt in our words; the delivery's id is the name of the letter's file.
Sources: Pingen's SDK, github.com/pingencom/pingen2-sdk-python (the signature, and a webhook that
Pingen sent); the codes and states as github.com/AMANDA-Technology/PingenApiNet found them, since
Pingen's documents list none; what they mean: help.pingen.com, "Letter status from transfer to
dispatching".
"""

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

SOURCE = "pingen"
SIGNATURE_HEADER = "Signature"

# What an event's code says.
CODES: Mapping[str, EventWord] = {
    **dict.fromkeys(
        (
            *("created", "auto_submitted", "submitted", "accepted", "processing"),
            *("auto_initiated_sending", "initiated_sending", "content_passed_inspection"),
            *("queued_for_transfer", "transferred_to_pool", "transferred_to_printcenter"),
            # It waits for our money, or for who we are to be proven; it may still leave.
            *("waiting_for_funds", "waiting_for_legitimacy"),
        ),
        EventWord.SENT_PROOF,
    ),
    "transferred_to_distributor": EventWord.POSTED,
    "receival_confirmed_by_distributor": EventWord.POSTED,
    "track_and_trace": EventWord.IN_TRANSIT,
    "delivered": EventWord.DELIVERED,
    "undeliverable": EventWord.RETURNED,
    **dict.fromkeys(
        (
            *("file_not_a4_portrait", "file_not_found", "file_not_readable", "file_removed"),
            *("file_size_over_limit", "file_too_many_pages", "invalid_pdf_binary_content"),
            *("content_failed_inspection", "content_inspection_error"),
            *("meta_data_failed_requirements", "unable_to_find_delivery_product"),
            *("shipping_country_blocked", "shipping_organization_country_blocked"),
            *("rejected_from_printcenter", "retracted_from_printcenter"),
            *("waiting_for_funds_expired", "waiting_for_legitimacy_expired"),
        ),
        EventWord.REJECTED,
    ),
}
# They tell nothing that we count: what we asked for ourselves, and what changes nothing for us.
SILENT = frozenset(
    {
        *("cancellation_requested", "cancellation_completed", "cancellation_rejected"),
        *("address_position_changed", "change_address_position", "address_purged", "rerouted"),
    }
)
# What the letter's state says, where the code is new to us.
STATES: Mapping[str, EventWord] = {
    **dict.fromkeys(
        (
            *("validating", "valid", "fixing", "submitted", "accepted", "awaiting_credits"),
            *("inspection", "transferring", "printing", "processing"),
        ),
        EventWord.SENT_PROOF,
    ),
    "sent": EventWord.POSTED,
    "delivered": EventWord.DELIVERED,
    "undeliverable": EventWord.RETURNED,
    # A person could mend the second in Pingen's app; until then nothing leaves.
    **dict.fromkeys(
        ("invalid", "action_required", "unprintable", "rejected", "expired"), EventWord.REJECTED
    ),
}
# Since July 2026 each event comes under both names.
_EVENTS = ("deliverables_events", "letters_events")
_LETTERS = ("letters",)

_Object = Mapping[str, Any]

log = structlog.get_logger(__name__)


def door(trust: Trust) -> Door:
    secret = trust.print_secrets.get(SOURCE, "")

    def enter(headers: Mapping[str, str], body: bytes) -> Receipt:
        check_signature(headers.get(SIGNATURE_HEADER, ""), body, secret)
        return read(body)

    return enter


def check_signature(signature: str, body: bytes, secret: str) -> None:
    """Raises Untrusted unless Pingen signed this body, whenever that was."""
    if not secret:  # an empty key would believe everybody
        raise Untrusted("no secret is set for Pingen")
    expected = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected.encode(), signature.encode()):
        raise Untrusted("the signature does not match")


def read(body: bytes) -> Receipt:
    """One webhook.  Raises Unreadable when it has no id of its own."""
    try:
        text = body.decode()
        said = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Unreadable("the body is not JSON") from error
    data = _object(said, "data")
    source_id = provider_id(data.get("id"))
    if source_id is None:
        raise Unreadable("the body has no data with an id")
    letter = _included(said, _LETTERS)
    name = _object(letter, "attributes").get("file_original_name")
    return Receipt(
        source=SOURCE,
        source_id=source_id,
        body=text,
        delivery_id=own_id(name.removesuffix(".pdf")) if isinstance(name, str) else None,
        fact=_fact(data, letter, _included(said, _EVENTS), source_id),
    )


def _fact(data: _Object, letter: _Object, event: _Object, source_id: str) -> Fact | None:
    state, told = _object(letter, "attributes"), _object(event, "attributes")
    code = str(told.get("code"))
    if code in SILENT:
        return None
    word = CODES.get(code) or STATES.get(str(state.get("status")))
    occurred_at = moment(told.get("emitted_at"))
    if code not in CODES or occurred_at is None:
        log.warning("receipt_not_understood", source=SOURCE, source_id=source_id)
    if word is None or occurred_at is None:
        return None
    return Fact(
        word=word,
        occurred_at=occurred_at,
        detail=_detail(_object(data, "attributes").get("reason") or told.get("name"), state),
        provider_id=provider_id(letter.get("id")),
    )


def _detail(reason: object, state: _Object) -> str | None:
    """Why, and what it costs: an order is answered before Pingen has counted its pages."""
    currency, value = state.get("price_currency"), state.get("price_value")
    known = isinstance(currency, str) and isinstance(value, int | float)
    price = f"price {currency} {value}" if known else ""
    parts = [reason if isinstance(reason, str) else "", price]
    return without_addresses("; ".join(part for part in parts if part))


def _included(said: _Object, types: tuple[str, ...]) -> _Object:
    """The resource of such a type that came with the webhook; empty where there is none."""
    given = said.get("included")
    resources = given if isinstance(given, list) else []
    return next(
        (one for one in resources if isinstance(one, dict) and one.get("type") in types), {}
    )


def _object(said: object, name: str) -> _Object:
    found = said.get(name) if isinstance(said, dict) else None
    return found if isinstance(found, dict) else {}
