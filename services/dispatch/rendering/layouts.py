"""Where everything of a letter stands: paper and envelope as data, one frozen `Layout` each.

All lengths are millimetres, from the left and from the top edge of the paper. Another paper,
envelope or vendor is another value here; the template and the inspection read nothing else.
"""

from dataclasses import dataclass, replace
from typing import Final, NamedTuple


class Box(NamedTuple):
    """A rectangle."""

    left: float
    top: float
    right: float
    bottom: float

    def holds(self, other: "Box") -> bool:
        return (
            other.left >= self.left
            and other.top >= self.top
            and other.right <= self.right
            and other.bottom <= self.bottom
        )

    def meets(self, other: "Box") -> bool:
        return (
            other.left < self.right
            and other.right > self.left
            and other.top < self.bottom
            and other.bottom > self.top
        )


class Spot(NamedTuple):
    """Where a line begins and how wide it may be, or a square with its left upper corner."""

    x: float
    y: float
    width: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What an envelope's window shows, and what the letter puts there."""

    zone: Box
    address: Box  # its top is that of the first line's capitals
    sender: Spot  # the top of one small line: in the zone, or wherever the envelope hides it

    def lines(self, sender: str, address: tuple[str, ...]) -> tuple[str, ...]:
        """Those that show in the zone."""
        inside = self.zone.top <= self.sender.y < self.zone.bottom
        return (sender, *address) if sender and inside else address


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Paper, margins, and what of the first page belongs to the post and to the vendor."""

    name: str
    width: float  # of the paper
    height: float
    margins: Box  # what lies within them is the letter's own
    printable: Box  # nothing of ours is printed beyond
    body_y: float  # where the letter itself begins on its first page, below the address
    window: Window | None  # none: the vendor prints sender and address, in a box of `blank`
    blank: tuple[Box, ...] = ()  # of the first page; nothing of ours is printed within
    fold_marks: tuple[float, ...] = ()  # where the norm has them, the middle's among them
    matrix: Spot  # where a DataMatrix goes for a vendor who wants one, its quiet zone included


A4_PRINTABLE: Final = Box(5, 5, 205, 292)  # no office printer reaches the last millimetres
A4_SENDER: Final = Spot(25, 20, 95)  # above what any window shows

DIN_5008_B: Final = Layout(
    name="din_5008_b",
    width=210,
    height=297,
    margins=Box(25, 25, 190, 275),
    printable=A4_PRINTABLE,
    body_y=98.5,
    window=Window(
        zone=Box(20, 45, 105, 90),
        # 2 mm less than the zone leaves on the right: folding and inserting are not exact. 27.3 mm
        # of the norm are high, less the part below the last line's capitals.
        address=Box(25, 62.7, 103, 89.2),
        sender=Spot(25, 57.4, 78),
    ),
    fold_marks=(105, 148.5, 210),
    matrix=Spot(7, 165, 12),  # beside the text, in the band that German letter shops read
)
"""DIN 5008 form B: the C6/5 envelope of German-speaking countries; also fits most of Europe's."""

DIN_5008_A: Final = replace(
    DIN_5008_B,
    name="din_5008_a",
    body_y=80.5,
    window=Window(
        zone=Box(20, 27, 105, 72),
        address=Box(25, 44.7, 103, 71.2),
        sender=Spot(25, 39.4, 78),
    ),
    fold_marks=(87, 148.5, 192),
)
"""DIN 5008 form A: the window 18 mm higher, the letterhead low and the page longer."""

UK_C5: Final = replace(
    DIN_5008_B,
    name="uk_c5",
    printable=Box(15, 5, 195, 292),
    body_y=95,
    window=Window(
        zone=Box(24.6, 39.5, 120, 66.3),
        address=Box(25, 40.9, 117, 65.1),
        sender=A4_SENDER,
    ),
    fold_marks=(),
    matrix=Spot(181, 12, 12),
)
"""C5 and DL of the United Kingdom, in the geometry of its government's letters.

Source: alphagov/notifications-template-preview, the boxes of the address, the body and the edges.
"""

PINGEN_LEFT: Final = replace(
    DIN_5008_B,
    name="pingen_left",
    window=Window(
        zone=Box(22, 60, 107.5, 85.5),
        address=Box(25, 61.5, 105.5, 84.5),
        sender=A4_SENDER,  # Pingen reads the address from the zone, and would take it for a line
    ),
    blank=(Box(20, 40, 109.5, 60),),  # for the postage
    fold_marks=(),
)
"""Pingen with `address_position: left`.  Source: help.pingen.com, "Letter standards"."""

PINGEN_RIGHT: Final = replace(
    PINGEN_LEFT,
    name="pingen_right",
    window=Window(
        zone=Box(117.5, 60, 203, 85.5),
        # Narrower than the zone: should the window stand further left, these lines still show.
        address=Box(120, 61.5, 188, 84.5),
        sender=A4_SENDER,
    ),
    blank=(Box(115.5, 40, 205, 60),),
)
"""Pingen with `address_position: right`, the window of Swiss letters.

Pingen gives the numbers of the left window alone: this is that one, moved until the area for the
postage meets the margin. Have Pingen check a letter before the first one leaves.
"""

US_10: Final = Layout(
    name="us_10",
    width=215.9,
    height=279.4,
    margins=Box(25.4, 25.4, 190.5, 257.4),
    printable=Box(5, 5, 210.9, 274.4),
    body_y=84,
    window=Window(
        zone=Box(15.875, 44.45, 117.475, 69.85),
        address=Box(25.4, 45.7, 114.3, 67.7),
        sender=Spot(25.4, 22, 70),  # in the upper window
    ),
    matrix=Spot(7, 165, 12),
)
"""US Letter in a #10 envelope with two windows, the upper one for the sender.

Source: Lob's template of 8.5 x 11 in letters: windows of 3.25 x 0.875 in at 0.625, 0.5 in, and of
4 x 1 in at 0.625, 1.75 in.  USPS asks for 1/8 in of clearance beside the address.
"""

LOB: Final = replace(
    US_10,
    name="lob",
    window=None,
    blank=(Box(15.2, 12.7, 117.5, 72.2),),  # both windows, and the white box around them
)
"""The same paper for Lob, who prints both addresses (`address_placement: top_first_page`)."""

LAYOUTS: Final = {
    layout.name: layout
    for layout in (DIN_5008_A, DIN_5008_B, UK_C5, PINGEN_LEFT, PINGEN_RIGHT, US_10, LOB)
}
