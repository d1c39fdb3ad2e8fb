"""Long lists on paper: rows of one height, so that each row's page is known before it is set.

Owns: listing.typ, which says how such a page looks.  In: rows and columns.  Out: the data of
petition.typ and bundle.typ.  All lengths are millimetres.
"""

import itertools
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from services.dispatch.rendering.layouts import Layout
from services.dispatch.rendering.scripts import PDI, marked, reads_rtl, setting_for

MARGIN_X: Final = 16
MARGIN_TOP: Final = 14
MARGIN_BOTTOM: Final = 17
HEADING: Final = 12  # on every page of the list, so that each holds as many rows
HEAD: Final = 6
ROW: Final = 4.9
BETWEEN_COLUMNS: Final = 2
BETWEEN_BANDS: Final = 6
WIDEST: Final = 90.0  # letters of a cell: about two lines of the smallest type
ELLIPSIS, FSI, EMPTY = "\u2026", "\u2068", "\u00a0"
_TYPE: Final = 1.75  # millimetres of a usual Latin letter, at the list's usual size

Cell = str | dict[str, str]
"""Words, or such that are `{"strong": …}`, or `{"long": …}`: wider than their column, it seems."""

Page = Sequence[Sequence[Sequence[Cell]]]
"""Bands of rows of cells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """What a row holds; bands of such rows stand side by side on a page."""

    heads: tuple[str, ...]
    shares: tuple[float, ...]  # of the width, a column each
    figures: tuple[int, ...]  # the columns that hold numbers, and end at their far edge
    bands: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What stands around the rows of every page, and on which paper."""

    title: str
    language: str
    reference: str
    layout: Layout


class Sheets:
    """The pages of one list."""

    def __init__(self, frame: Frame, columns: Columns, *, heading: str) -> None:
        self._frame, self._columns, self._heading = frame, columns, heading
        self._setting = setting_for(frame.language)
        bands, shares = columns.bands, columns.shares
        inside = frame.layout.width - 2 * MARGIN_X - (bands - 1) * BETWEEN_BANDS
        words = inside / bands - (len(shares) - 1) * BETWEEN_COLUMNS
        self._widths = tuple(share * words / sum(shares) for share in shares)
        self._rows = int(
            (frame.layout.height - MARGIN_TOP - MARGIN_BOTTOM - HEADING - HEAD) / ROW
        )  # in a band

    @property
    def rows_a_page(self) -> int:
        return self._rows * self._columns.bands

    def pages_for(self, rows: int) -> int:
        return -(-rows // self.rows_a_page)

    def pages(self, rows: Iterable[Sequence[Cell]]) -> Iterator[Page]:
        """The rows dealt out: down one band, then down the next."""
        left = iter(rows)
        while page := list(itertools.islice(left, self.rows_a_page)):
            yield [page[at : at + self._rows] for at in range(0, len(page), self._rows)]

    def data(self, pages: Sequence[Page], *, before: int, of: int) -> dict[str, Any]:
        """What listing.typ sets; `before` pages precede these, and there are `of` in all."""
        layout, setting = self._frame.layout, self._setting
        return {
            "families": setting.plain,
            "lang": setting.lang,
            "region": setting.region,
            "rtl": setting.rtl,
            "title": self._frame.title,
            "reference": self._frame.reference,
            "paper": (layout.width, layout.height),
            "margins": (MARGIN_X, MARGIN_TOP, MARGIN_BOTTOM),
            "measures": (HEADING, HEAD, ROW, BETWEEN_COLUMNS, BETWEEN_BANDS),
            "heading": self._heading,
            "heads": self._columns.heads,
            "widths": self._widths,
            "figures": self._columns.figures,
            "pages": pages,
            "pages_before": before,
            "pages_in_all": of,
        }

    def typed(self, text: str, column: int) -> Cell:
        """Words of somebody, as a cell.  What no two lines would hold ends in an ellipsis."""
        width = _width(text)
        if width > WIDEST:
            text = _cut(text)
        words = marked(text, self._setting)
        if self._setting.rtl != reads_rtl(text):
            words = f"{FSI}{words}{PDI}"  # it stands at its column's start, whichever way it runs
        return {"long": words} if width * _TYPE > self._widths[column] else words or EMPTY


def _width(text: str) -> float:
    """How wide it is at most, about: a usual Latin letter counts for one."""
    return sum(map(_width_of, text))


@cache
def _width_of(char: str) -> float:
    if "\ufdf0" <= char <= "\ufdfd":  # a whole phrase each
        return 12
    if unicodedata.category(char) in {"Mn", "Me", "Cf"}:
        return 0
    if char in "mwMW@":
        return 1.5
    if char.isascii() and not char.isupper():
        return 1
    return 1.65 if unicodedata.east_asian_width(char) in "WF" else 1.3


def _cut(text: str) -> str:
    widths = itertools.accumulate(map(_width_of, text))
    return text[: sum(width < WIDEST for width in widths)] + ELLIPSIS
