"""What a postcard measures: its paper, its bleed, its address's area; one frozen `Card` each.

All lengths are millimetres, from the left and from the top edge of the card as it is cut. The
message stands left of the area, the picture fills the other side up to its bleed.
"""

from dataclasses import dataclass
from typing import Final

from services.dispatch.rendering.layouts import Box

INCH: Final = 25.4


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One format, and what its message's side keeps free for the post."""

    name: str
    width: float
    height: float
    bleed: float  # of the picture, beyond each edge
    quiet: float  # from each edge: nothing that is read stands there, for cutting is not exact
    zone: Box  # the area of the address: ours if we print it, else without any ink
    address: Box  # its top is that of the first line's capitals
    message_right: float  # where the message's column ends


A6: Final = Card(
    name="a6",
    width=148,
    height=105,
    bleed=3,
    quiet=5,
    zone=Box(74, 0, 148, 105),
    address=Box(79, 52, 143, 82),  # the 15 mm below are the sorting machine's, 40 above the stamp's
    message_right=69,
)
"""Europe's: the right half belongs to the post (UPU; Stannp's clear zone is as wide)."""

FOUR_BY_SIX: Final = Card(
    name="4x6",
    width=6 * INCH,
    height=4 * INCH,
    bleed=0.125 * INCH,
    quiet=5,
    zone=Box((6 - 0.15 - 3.2835) * INCH, 1.5 * INCH, 5.85 * INCH, 3.875 * INCH),
    address=Box(74, 53, 139, 83),  # ends above the 5/8 in of the barcode
    message_right=60.5,
)
"""The United States': Lob's ink-free area, of its template 4x6_pc_template (help.lob.com)."""

CARDS: Final = {card.name: card for card in (A6, FOUR_BY_SIX)}
