"""The first rows of a file as they would be understood, before anything is stored.

In: an open import that was surveyed.  Out: for each field of a row its column, and what was made of
the cell.  What is personal is shortened to its first letter: people go in here, and do not come
out.  Whether the encoding is right shows in the unusual letters of the file, which are nobody's.
"""

import datetime as dt
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from services.intake.imports.desk import Desk
from services.intake.imports.keeping import OPEN, Import
from services.intake.imports.life import NOT_NOW
from services.intake.imports.mapping import PERSONAL, ActionField
from services.intake.imports.reading import Row
from services.intake.imports.understanding import Understanding
from services.intake.imports.unreadable import RowFault
from shared.http.problems import Problem, ProblemKind

BUSY = ProblemKind(503, "import_previews_busy", "Another file is being looked at")

ROWS = 20
_LOOKED_AT = 1_000  # rows, for their letters
_MOST_LETTERS = 80
_MOST_IN_CELL = 60  # characters
_PATIENCE_S = 1.0  # for the look before to end


@dataclass(frozen=True, slots=True)
class OneLook:
    """Lets a process look into one file at a time: a workbook is a program with memory of its own.

    Problem 503 where the look before does not end in a second.
    """

    _free: threading.BoundedSemaphore = field(default_factory=lambda: threading.BoundedSemaphore(1))

    @contextmanager
    def taken(self) -> Iterator[None]:
        if not self._free.acquire(timeout=_PATIENCE_S):
            raise Problem(BUSY, "Ask again in a few seconds", headers={"Retry-After": "5"})
        try:
            yield
        finally:
            self._free.release()


@dataclass(frozen=True, slots=True)
class ReadCell:
    field: ActionField
    column: str | None  # None: the same in every row
    text: str  # what was understood; of a person the first letter and the length


@dataclass(frozen=True, slots=True)
class ReadRow:
    number: int  # as a spreadsheet numbers it
    cells: Sequence[ReadCell]
    faults: Sequence[RowFault]


@dataclass(frozen=True, slots=True)
class Preview:
    rows: Sequence[ReadRow]
    letters: str  # other than A to Z, the most frequent first
    unread: Sequence[str]  # columns, as a spreadsheet letters them; with `people` their names


def preview(desk: Desk, one: Import, *, people: bool = False) -> Preview:
    """With `people`, whole: for who holds the file in their hands.  Problem 409."""
    if one.state not in OPEN or one.rows is None:
        raise Problem(NOT_NOW, f"It is {one.state}: there is nothing to be looked at")
    catalogue = desk.taker.catalogue()
    with desk.understanding(one, desk.client(one), catalogue) as (understanding, rows):
        first = list(islice(rows, _LOOKED_AT))
    at = desk.taker.clock()
    read = [_read(understanding, row, at, people=people) for row in first[:ROWS]]
    return Preview(read, _letters(understanding, first), _unread(understanding, people=people))


def _read(understanding: Understanding, row: Row, at: dt.datetime, *, people: bool) -> ReadRow:
    values, _ = understanding.values(row)
    taken = understanding.action(row, at)
    cells = [
        ReadCell(one, understanding.fitted.column(one), _shown(one, value, people=people))
        for one, value in values.items()
    ]
    return ReadRow(row.number, cells, taken if isinstance(taken, list) else [])


def _shown(one: ActionField, value: Any, *, people: bool) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dt.datetime):
        return value.isoformat()
    text = " ".join(value) if isinstance(value, list) else str(value)
    if one in PERSONAL and not people:
        return f"{text[0]}… ({len(text)})" if text else ""
    return text if len(text) <= _MOST_IN_CELL else f"{text[:_MOST_IN_CELL]}…"


def _unread(understanding: Understanding, *, people: bool) -> list[str]:
    """What a column is called could be a person, where the first row has no names."""
    places = understanding.fitted.places.values()
    left = [one for one in enumerate(understanding.fitted.header) if one[0] not in places]
    return [name if people else _column_letter(place) for place, name in left]


def _column_letter(place: int) -> str:
    """0 is A, 26 is AA."""
    above, last = divmod(place, 26)
    return (_column_letter(above - 1) if above else "") + chr(ord("A") + last)


def _letters(understanding: Understanding, rows: Iterable[Row]) -> str:
    places = [*understanding.fitted.places.values()]
    found = Counter(
        letter
        for row in rows
        for place in places
        if place < len(row.cells)
        for letter in _unusual(row.cells[place])
    )
    return "".join(letter for letter, _ in found.most_common(_MOST_LETTERS))


def _unusual(text: str) -> Iterator[str]:
    return (one for one in text if not one.isascii() and one.isalnum())
