"""Why a letter could not be set. A message names a check or a code point, never a person's text.

LetterFault
├── AddressDoesNotFit   too many lines, or too long for the window even in the smallest size
├── TooLong             more than two pages
├── GlyphMissing        no font of ours has the character
├── PictureUnfit        a postcard's picture cannot be printed well (picture.py)
└── PageFault           the finished PDF failed a check, or could not be set at all
"""

from enum import StrEnum


class LetterFault(Exception):
    """A letter cannot be printed as it stands; a person must look at it."""


class AddressDoesNotFit(LetterFault):
    """The address needs an edit; the message says which limit it passes."""


class TooLong(LetterFault):
    """The text needs more than two pages, or those of a digest are too many for an email."""


class GlyphMissing(LetterFault):
    """No font has these characters.  The message names the first: all of them might be a text."""

    def __init__(self, characters: str, *, others: str = "") -> None:
        names = ", ".join(f"U+{ord(char):04X}" for char in dict.fromkeys(characters))
        super().__init__(f"no font has {names}")
        self.characters = frozenset(characters + others)


class Check(StrEnum):
    """What a finished letter is checked for."""

    SET = "set"  # Typst could not set it, for a reason of no kind above
    FILE = "file"  # it opens, is not encrypted, and does nothing by itself
    SIZE = "size"  # every page has the size of its layout, upright
    FONTS = "fonts"  # every font is embedded
    PAPER = "paper"  # nothing is printed outside the paper's printable part
    BLANK = "blank area"  # nothing is printed where the post or the vendor prints
    MATRIX = "matrix"  # the DataMatrix can be set, is not too fine to be read, and stands alone
    WINDOW_EDGE = "window edge"  # nothing crosses the edge of the window's zone
    WINDOW_TEXT = "window text"  # the zone reads as the sender and the address, and nothing else
    WINDOW_LINES = "window lines"  # the zone holds ink for every line


class PageFault(LetterFault):
    """The PDF failed a check; `check` says which."""

    def __init__(self, check: Check) -> None:
        super().__init__(f"the letter failed the check: {check}")
        self.check = check
