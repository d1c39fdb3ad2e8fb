"""How many letters fit one parcel: by its weight, and by its pages.

In: how many pages each letter has, and what a parcel may weigh and hold.  Out: which letters go
into which parcel, in their order.  A parcel also holds its cover letter and its contents.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from services.dispatch.rendering.faults import TooLong
from services.dispatch.rendering.letter import MOST_PAGES


@dataclass(frozen=True, slots=True, kw_only=True)
class ParcelLimits:
    """What one parcel may weigh and hold, and how it is printed."""

    grams: float = 2000  # a small packet's, everywhere (UPU)
    pages: int = 2000  # what the vendor binds, or a box holds
    grams_a_sheet: float = 5.0  # A4 of 80 g/m²
    grams_of_wrapping: float = 60
    duplex: bool = False  # both sides; each letter still begins a sheet of its own

    def padded(self, pages: int) -> int:
        """With the empty back of its last sheet."""
        return pages + pages % 2 if self.duplex else pages

    def sheets(self, pages: int) -> int:
        return -(-pages // 2) if self.duplex else pages

    def weight(self, pages: int) -> float:
        return self.grams_of_wrapping + self.sheets(pages) * self.grams_a_sheet

    def holds(self, pages: int) -> bool:
        return pages <= self.pages and self.weight(pages) <= self.grams


def pack(
    pages: Sequence[int], limits: ParcelLimits, *, contents: Callable[[int], int]
) -> list[range]:
    """Which letters each parcel holds; `contents(n)` is how many pages a list of n letters has.

    Raises TooLong where not even one letter fits.
    """
    parcels: list[range] = []
    first = held = 0
    for number, one in enumerate(pages):
        held += limits.padded(one)
        if limits.holds(_with_front(held, number + 1 - first, limits, contents)):
            continue
        if number > first:
            parcels.append(range(first, number))
        first, held = number, limits.padded(one)
        if not limits.holds(_with_front(held, 1, limits, contents)):
            raise TooLong("a parcel within these limits does not hold one letter and its cover")
    return [*parcels, range(first, len(pages))] if pages else []


def _with_front(
    held: int, letters: int, limits: ParcelLimits, contents: Callable[[int], int]
) -> int:
    # The cover's own length is not known yet: it is given as much as it may have.
    return limits.padded(MOST_PAGES) + limits.padded(contents(letters)) + held
