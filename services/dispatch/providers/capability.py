"""What a print vendor can do, as data: routing, preflight and the console read it, and ask nobody.

Each print provider exports one `CAPABILITY`.  Lengths of time are seconds, sizes megabytes of 10^6.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Format(StrEnum):
    """Paper, and what it is made into."""

    A4 = "a4"
    US_LETTER = "us_letter"
    POSTCARD_A6 = "postcard_a6"
    POSTCARD_4X6 = "postcard_4x6"


class AddressMode(StrEnum):
    """Where the vendor takes the address from."""

    FIELDS = "fields"  # what we tell beside the PDF
    WINDOW = "window"  # what it reads in the PDF's window


class Repeat(StrEnum):
    """How a repeated order is known to be the same."""

    KEY = "key"  # an idempotency key, for `key_life_s`
    REFERENCE = "reference"  # our reference: asked for, or a file's name


class Price(StrEnum):
    """Where an order's price comes from."""

    QUOTED = "quoted"  # the vendor's answer
    RATE_CARD = "rate_card"  # ours alone


class Grain(StrEnum):
    """Of what the vendor tells what became of it."""

    PIECE = "piece"
    BATCH = "batch"


@dataclass(frozen=True, slots=True, kw_only=True)
class Capability:
    """One vendor's.  `source` is the page that says so."""

    most_pages: Mapping[Format, int]  # of one piece; a format that is missing is not printed
    most_mb: float  # of one PDF
    address: AddressMode
    most_lines: int  # of an address, the country included
    most_columns: int  # characters in a line of it
    not_served: frozenset[str] = frozenset()  # ISO 3166-1 alpha-2; everywhere else is
    cancel_s: float | None  # after the order; None: it cannot be cancelled
    repeat: Repeat
    key_life_s: float | None = None
    price: Price
    grain: Grain
    source: str

    def prints(self, format_: Format, pages: int) -> bool:
        return pages <= self.most_pages.get(format_, 0)

    def serves(self, country: str) -> bool:
        return country not in self.not_served
