"""What a provider promises to dispatch, and the ways in which a call can end.

A provider is an object with a `name` and one method that hands over; it returns the provider's
own id, or raises one of:

ProviderError
├── NotSent      provably not taken: the delivery is due again
│   ├── TryLater     throttled, unreachable: in a while
│   └── LaneHeld     the account cannot send at all: everything on this lane waits
├── Refused      provably not taken, and never will be
└── Unclear      nobody can tell: read timeout, reset, 5xx.  Never repeated by guess
"""

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID


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
    pass


class LaneHeld(NotSent):
    pass


class Refused(ProviderError):
    pass


class Unclear(ProviderError):
    pass


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One letter, ready to print."""

    delivery_id: UUID
    idempotency_key: str
    pdf: bytes
    pages: int
    lines: tuple[str, ...]  # the address as printed, its last line the country
    country: str  # ISO 3166-1 alpha-2


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """The provider took it.  Prices only where the provider quotes them."""

    provider_id: str
    price_minor: int | None = None  # in minor units of `currency`
    currency: str | None = None  # ISO 4217


class EmailProvider(Protocol):
    name: str

    def send(self, email: Email) -> Taken:
        """Hands over once, with a hard timeout and no repeat.  Raises ProviderError."""


class LetterProvider(Protocol):
    name: str

    def order(self, letter: Letter) -> Taken:
        """Orders once; safe to repeat with the same idempotency key.  Raises ProviderError."""

    def find(self, delivery_id: UUID) -> Taken | None:
        """The order that the vendor has under our reference, or None.  Raises ProviderError."""
