"""What every provider's receipts are at our door, and the ways in which they are turned away.

A provider's module offers `door(trust)`; what it returns takes the headers and the body of one
call and gives a Receipt, or None for a call that needed no record.

ReceiptFault
├── Unreadable        not of the form that this provider sends: answered 400
├── Untrusted         not from this provider, or not for us: answered 403
├── CertificateAway   the means to tell are away for now: answered 503, the provider sends again
└── NotConfirmed      a topic asked, and our yes did not reach it: answered 503, it asks again
Nothing is stored on any of them.
"""

import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from services.tracking.words import Fact
from shared.clock import Clock
from shared.text import storable

# Diagnostic texts quote the mailbox they speak of: "550 5.1.1 <name@office.example>: unknown".
# A name is looked for at its first character only: a long text takes no more than its length.
_NAME = r"[^\s<>\"'(),;:\[\]@]"
_HOST = r"(\[[^\]\s]*\]?|[^\s<>\"'(),;:\[\]]+)"
_ADDRESS = re.compile(rf"(?<!{_NAME}){_NAME}+@{_HOST}|\"[^\"]*\"@\S+")
# No part of a longer row of numbers, such as an IP address.
_STATUS = re.compile(r"(?<![\w.])([245]\.\d{1,3}\.\d{1,3})(?!\w|\.\d)", re.ASCII)
_BEFORE_OFFSET = re.compile(r"\s+(?=[+-]\d\d:?\d\d$|Z$)")
_LONGEST_DETAIL = 500
_LONGEST_PROVIDER_ID = 160


class ReceiptFault(Exception):
    """A receipt that is not taken."""


class Unreadable(ReceiptFault):
    """Not of the form that this provider sends."""


class Untrusted(ReceiptFault):
    """Not from this provider, or not meant for us."""


class CertificateAway(ReceiptFault):
    """The certificate that the signature must be checked with cannot be had now."""


class NotConfirmed(ReceiptFault):
    """Our yes to a topic did not reach it."""


# From the address of a certificate to its key.  Raises Untrusted or CertificateAway.
KeyAt = Callable[[str], RSAPublicKey]
# Confirms a subscription through the SNS API, never by following the address sent: topic, token.
# Raises NotConfirmed.
Confirm = Callable[[str, str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Whom we believe; chosen in the root."""

    topics: frozenset[str]  # ARNs of our own SNS topics
    key_at: KeyAt
    confirm: Confirm | None  # None: subscriptions are not confirmed (sandbox)
    print_secret: str
    clock: Clock
    # What other print vendors sign with, by the provider's name.
    print_secrets: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """One message of a provider: as it was said, and what it means to us."""

    source: str  # the provider's name
    source_id: str  # the provider's id for this message; the same again on a repeat
    body: str  # as it came
    delivery_id: UUID | None  # None: about nothing of ours; kept, but no fact
    fact: Fact | None  # None: it tells nothing that we count, or nothing that we understand


# One message of a provider's queue; None where nothing is to be recorded.  Raises ReceiptFault.
Reader = Callable[[bytes], Receipt | None]
# The headers and the body of a call; None where nothing is to be recorded.  Raises ReceiptFault.
Door = Callable[[Mapping[str, str], bytes], Receipt | None]


def without_addresses(text: str | None) -> str | None:
    """A provider's words fit to be stored in the open: no email address, at most 500 characters."""
    if not text:
        return None
    line = storable(" ".join(text.split()))
    return _ADDRESS.sub("[address]", line)[:_LONGEST_DETAIL] or None


def own_id(value: object) -> UUID | None:
    """The delivery's id as we gave it to the provider; None where it is none of ours."""
    try:
        return UUID(value) if isinstance(value, str) and len(value) in (32, 36) else None
    except ValueError:
        return None


def provider_id(value: object) -> str | None:
    return storable(value)[:_LONGEST_PROVIDER_ID] or None if isinstance(value, str) else None


def status_code(text: object) -> str | None:
    """The first enhanced status code in a provider's words, such as `5.1.1` (RFC 3463, section 2).

    Servers write it as `550 5.1.1 …`, `550-5.1.1 …`, `550 #5.1.1 …`, `(#5.1.1)`.
    """
    found = _STATUS.search(text) if isinstance(text, str) else None
    return found[1] if found else None


def moment(value: object) -> dt.datetime | None:
    """A provider's time in UTC; None where it cannot be read.

    SES writes `2026-01-05T10:00:00.000Z`, now and then `2018-10-08T14:05:45 +0000`.
    """
    if not isinstance(value, str):
        return None
    try:
        read = dt.datetime.fromisoformat(_BEFORE_OFFSET.sub("", value.strip()))
        return read.astimezone(dt.UTC) if read.tzinfo else read.replace(tzinfo=dt.UTC)
    except (ValueError, OverflowError):  # no time, or one before the first day there is in UTC
        return None
