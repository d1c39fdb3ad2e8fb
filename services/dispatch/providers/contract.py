"""What a provider promises to dispatch, and the ways in which a call can end.

A provider is an object with a `name` and one method that hands over; it returns the provider's
own id, or raises one of:

ProviderError
├── NotSent      provably not taken: the delivery is due again
│   ├── TryLater     throttled, unreachable: in a while
│   └── LaneHeld     the account cannot send at all: everything on this lane waits, and why
├── Refused      provably not taken, and never will be
└── Unclear      nobody can tell: read timeout, reset, 5xx.  Never repeated by guess
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, runtime_checkable
from uuid import UUID

from services.dispatch.providers.capability import Format


class ProviderError(Exception):
    """`detail` says what happened in words for ops; it never holds a person's data."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class NotSent(ProviderError):
    """`after_s`: seconds to wait at least, where the provider said so."""

    def __init__(self, detail: str, *, after_s: float = 0) -> None:
        super().__init__(detail)
        self.after_s = after_s


class TryLater(NotSent):
    """`throttled`: we were faster than the account may; slower would have been taken."""

    def __init__(self, detail: str, *, after_s: float = 0, throttled: bool = False) -> None:
        super().__init__(detail, after_s=after_s)
        self.throttled = throttled


class LaneReason(StrEnum):
    """What about the account has to change before anything on this lane can leave."""

    DAILY_QUOTA = "daily_quota"  # of a rolling 24 hours: ends by itself
    SENDING_PAUSED = "sending_paused"  # by the account's owner, or for its bounces
    ACCOUNT_SUSPENDED = "account_suspended"  # by the provider, for good
    NOT_VERIFIED = "not_verified"  # our own address, domain or MAIL FROM
    CONFIGURATION_SET = "configuration_set"  # it, or its pool of addresses, does not exist
    CREDENTIALS = "credentials"  # none, expired, or not allowed to do this
    ACCOUNT = "account"  # anything else


class LaneHeld(NotSent):
    """`after_s`: seconds after which asking again makes sense."""

    def __init__(
        self, detail: str, *, after_s: float = 0, reason: LaneReason = LaneReason.ACCOUNT
    ) -> None:
        super().__init__(detail, after_s=after_s)
        self.reason = reason


class Refused(ProviderError):
    pass


class Unclear(ProviderError):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """One file that travels with an email."""

    filename: str
    content_type: str  # "application/pdf"
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Email:
    """One email, ready to go.  Header values are 7-bit already."""

    delivery_id: UUID
    from_: str  # on the campaign's own domain, the supporter's name in front
    to: str
    reply_to: str | None
    subject: str
    text: str
    html: str
    attachments: tuple[Attachment, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()  # name and value, beside those above
    campaign: str | None = None  # its slug, by which a provider's own statistics can be read
    follow_reading: bool = False  # whether the provider may watch who opens it and clicks


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One letter or postcard, ready to print; of a postcard the picture's page comes first."""

    delivery_id: UUID
    idempotency_key: str
    pdf: bytes
    pages: int
    lines: tuple[str, ...]  # the address as printed, its last line the country
    country: str  # ISO 3166-1 alpha-2
    format: Format = Format.A4


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """The provider took it.  Prices only where the provider quotes them."""

    provider_id: str
    price_minor: int | None = None  # in minor units of `currency`
    currency: str | None = None  # ISO 4217


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What a provider lets us send, and what we have sent."""

    max_24h: int | None  # emails in any 24 hours; None: as many as we like
    max_rate_per_s: float
    sent_24h: int
    sending_enabled: bool
    enforcement: str  # the provider's own word for our standing


class EmailProvider(Protocol):
    name: str

    def send(self, email: Email) -> Taken:
        """Hands over once, with a hard timeout and no repeat.  Raises ProviderError."""


@runtime_checkable
class BulkEmailProvider(EmailProvider, Protocol):
    most: int  # emails in one call

    def fits(self, email: Email) -> bool:
        """Whether this email may travel together with others."""

    def send_many(self, emails: Sequence[Email]) -> list[Taken | ProviderError]:
        """Hands over once, in one call; how each ended, in the order of `emails`.

        All have the same `from_` and `reply_to`, all `fits`, and there are `most` at most; raises
        ValueError otherwise, before anything leaves.
        """


@runtime_checkable
class MeteredProvider(Protocol):
    name: str

    def account(self) -> Account:
        """What may be sent at present.  Raises ProviderError; nothing was sent by asking."""


@runtime_checkable
class SuppressingProvider(Protocol):
    """One that keeps a list of its own, to which it delivers nothing."""

    name: str

    def suppress(self, email: str, *, complaint: bool) -> None:
        """Puts the mailbox on the list; twice does no harm.  Raises ProviderError."""

    def unsuppress(self, email: str) -> None:
        """Takes it off; one that is not on it stays off.  Raises ProviderError."""


class LetterProvider(Protocol):
    name: str

    def order(self, letter: Letter) -> Taken:
        """Orders once; safe to repeat with the same idempotency key.  Raises ProviderError."""

    def find(self, delivery_id: UUID) -> Taken | None:
        """The order that the vendor has under our reference, or None.  Raises ProviderError."""
