"""Where an envelope's window shows the address: layouts as data, one frozen `Window` each.

All lengths are millimetres, from the left and from the top edge of the paper. Another envelope is
another value here; the template and the inspection read nothing else.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The zone the window shows, and what the letter puts where."""

    zone_x: float
    zone_y: float
    zone_width: float
    zone_height: float
    address_x: float
    address_y: float  # top of the first line's capitals
    address_width: float
    address_height: float
    sender_y: float  # top of the small line above the address
    body_y: float  # where the letter itself begins, below the zone

    @property
    def zone_right(self) -> float:
        return self.zone_x + self.zone_width

    @property
    def zone_bottom(self) -> float:
        return self.zone_y + self.zone_height


DIN_5008_B: Final = Window(
    zone_x=20,
    zone_y=45,
    zone_width=85,
    zone_height=45,
    address_x=25,
    address_y=62.7,
    address_width=78,  # 2 mm less than the zone leaves: folding and inserting are not exact
    address_height=26.5,  # 27.3 mm of the norm, less the part below the last line's capitals
    sender_y=57.4,
    body_y=98.5,
)
"""DIN 5008 Form B: the C6/5 envelope of German-speaking countries; also fits most of Europe's."""
