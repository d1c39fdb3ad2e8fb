"""What Lob's errors prove: whether there may be a letter now, and whose fault it is.

In: a status and a body.  Out: one of the errors of contract.py.  Source: `error.code` in Lob's
document, github.com/lob/lob-openapi 1.22.0, components/schemas/error.  Lob's message is never
quoted: it may quote the address.
"""

import datetime as dt
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

import urllib3

from services.dispatch.providers.contract import (
    LaneHeld,
    LaneReason,
    ProviderError,
    Refused,
    TryLater,
    Unclear,
)

LANE_PAUSE_S = 15 * 60
LONGEST_WAIT_S = 60.0  # a window of Lob's rate limit has five seconds
CONFLICT, NOT_FOUND, NOT_DELETABLE = "conflict", "not_found", "not_deletable"
# The time in Unix seconds at which we may go on: as the document's headers say, and as its prose.
_RESETS = ("ratelimit-reset", "x-rate-limit-reset")
_WORD = re.compile(r"[a-z_]{1,60}")


@dataclass(frozen=True, slots=True)
class _Lane:
    """The account, not this letter."""

    reason: LaneReason
    says: str


_LANE: Mapping[str, _Lane] = {
    "unauthorized": _Lane(LaneReason.CREDENTIALS, "the request is not authorised"),
    "unauthorized_token": _Lane(LaneReason.CREDENTIALS, "the token is not authorised"),
    "invalid_api_key": _Lane(LaneReason.CREDENTIALS, "the key is not known"),
    "publishable_key_not_allowed": _Lane(LaneReason.CREDENTIALS, "it must be a secret key"),
    "email_required": _Lane(LaneReason.ACCOUNT, "the account has no verified email address"),
    "payment_method_unverified": _Lane(LaneReason.ACCOUNT, "no verified way to pay"),
    "billing_address_required": _Lane(LaneReason.ACCOUNT, "the account has no billing address"),
    "feature_limit_reached": _Lane(LaneReason.ACCOUNT, "the account's edition allows no more"),
    "foreign_return_address": _Lane(LaneReason.ACCOUNT, "the sender must be in the USA"),
    "mail_use_type_can_not_be_null": _Lane(LaneReason.ACCOUNT, "the use type is missing"),
    "unsupported_lob_version": _Lane(LaneReason.ACCOUNT, "its version is not known any more"),
    "unrecognized_endpoint": _Lane(LaneReason.ACCOUNT, "there is nothing at its address"),
}
# Of this letter: the same again would end the same.
_REFUSED: Mapping[str, str] = {
    # Also what help.lob.com calls a suspended destination: "you will receive a 422 error".
    "invalid_country_covid": "the post takes nothing for this country at present",
    "invalid_international_feature": "this cannot be sent abroad",
    "failed_deliverability_strictness": "the address is not deliverable enough for the account",
    "address_length_exceeds_limit": "the lines of the address are too long",
    "file_pages_below_min": "too few pages",
    "file_pages_exceed_max": "too many pages",
    "file_size_exceeds_limit": "the file is too large",
    "inconsistent_page_dimensions": "its pages differ in size",
    "invalid_file": "the file is not valid",
    "invalid_file_dimensions": "its pages have the wrong size",
    "invalid_image_dpi": "an image has fewer than 300 dots an inch",
    "pdf_encrypted": "the PDF is encrypted",
    "unembedded_fonts": "the PDF does not hold its fonts",
    "bad_request": "it is not as Lob wants it",
    "invalid": "it is not as Lob wants it",
}
_OF_STATUS: Mapping[int, type[ProviderError]] = {
    **dict.fromkeys((401, 402, 403, 404, 405), LaneHeld),
    429: TryLater,
    # Whose patience ended is not said: the whole request may have been read.
    **dict.fromkeys((408, 409), Unclear),
}


def code_of(answer: urllib3.BaseHTTPResponse) -> str:
    """Lob's word for programs; empty where there is none."""
    try:
        code = json.loads(answer.data)["error"]["code"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    return code if isinstance(code, str) and _WORD.fullmatch(code) else ""


def fault_of(answer: urllib3.BaseHTTPResponse, now: dt.datetime) -> ProviderError:
    """What a call that may have ordered has come to."""
    status, code = answer.status, code_of(answer)
    told = f"Lob answered {status} {code}".rstrip()
    if not 400 <= status < 500 or code == CONFLICT:
        return Unclear(told)
    if lane := _LANE.get(code):
        return LaneHeld(f"{told}: {lane.says}", after_s=LANE_PAUSE_S, reason=lane.reason)
    if code in _REFUSED:
        return Refused(f"{told}: {_REFUSED[code]}")
    kind = _OF_STATUS.get(status, Refused)
    if kind is TryLater:
        return TryLater(told, after_s=_wait_s(answer, now), throttled=True)
    return LaneHeld(told, after_s=LANE_PAUSE_S) if kind is LaneHeld else kind(told)


def nothing_ordered(fault: ProviderError) -> ProviderError:
    """The same of a call that orders nothing, whatever became of it."""
    return TryLater(fault.detail) if isinstance(fault, Unclear) else fault


def _wait_s(answer: urllib3.BaseHTTPResponse, now: dt.datetime) -> float:
    stamps = [answer.headers.get(name, "") for name in _RESETS]
    at = next((int(stamp) for stamp in stamps if re.fullmatch(r"[0-9]{1,12}", stamp)), 0)
    return min(max(at - now.timestamp(), 0.0), LONGEST_WAIT_S)
