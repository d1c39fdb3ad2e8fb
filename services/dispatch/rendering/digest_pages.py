"""Binds the actions of a long digest into one PDF/A, each with its number and its reference.

In: the rows that the email itself does not show.  Out: one file.  parts.py sets it, a part at a
time, in processes of its own: Typst keeps about 100 kB an entry until its process ends.
Faults: faults.py draws the tree.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from services.dispatch.rendering.compose import paragraphs
from services.dispatch.rendering.entries import Row
from services.dispatch.rendering.faults import TooLong
from services.dispatch.rendering.inspection import inspect_file
from services.dispatch.rendering.parts import USUAL, join, set_part
from services.dispatch.rendering.scripts import (
    Setting,
    marked,
    setting_for,
    starts_rtl,
)

_TEMPLATE: Final = "digest.typ"
_PART: Final = 2_500  # entries, and
_PART_CHARACTERS: Final = 250_000  # of words, are set at once: about 300 MB
_LIMITS: Final = USUAL
MOST_BYTES: Final = 7_000_000  # of the file; as base64 it stays below 10 MB


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """What stands above the rows, and at the foot of each page."""

    title: str
    lines: tuple[str, ...]
    language: str
    reference: str


def bind(heading: Heading, rows: Sequence[Row]) -> bytes:
    """A PDF/A-2u of all rows; the same rows give the same bytes.

    Raises LetterFault: TooLong where the file would be larger than MOST_BYTES.
    """
    parts: list[bytes] = []
    pages = 0
    for some in _parts(rows):
        parts.append(set_part(_TEMPLATE, _as_data(heading, some, pages), _LIMITS))
        pages += inspect_file(parts[-1])
        if (size := sum(map(len, parts))) > MOST_BYTES:
            raise TooLong(f"{pages} pages with {size} bytes, at most {MOST_BYTES} fit")
    return parts[0] if len(parts) == 1 else join(parts)


def _parts(rows: Iterable[Row]) -> Iterator[list[Row]]:
    some: list[Row] = []
    characters = 0
    for row in rows:
        size = len(row.entry.words or "")
        if some and (len(some) == _PART or characters + size > _PART_CHARACTERS):
            yield some
            some, characters = [], 0
        some.append(row)
        characters += size
    yield some


def _as_data(heading: Heading, rows: Sequence[Row], pages_before: int) -> dict[str, Any]:
    setting = setting_for(heading.language)
    return {
        "families": setting.plain,
        "lang": setting.lang,
        "region": setting.region,
        "rtl": setting.rtl,
        "pitch": setting.pitch,
        "title": heading.title,
        "lines": heading.lines,
        "reference": heading.reference,
        "pages_before": pages_before,
        "entries": [_entry(row, setting) for row in rows],
    }


def _entry(row: Row, setting: Setting) -> dict[str, Any]:
    theirs = setting_for(row.entry.language)
    return {
        "number": row.number,
        "who": marked(row.who, setting),
        "reference": str(row.entry.reference),
        "lang": theirs.lang,
        "region": theirs.region,
        "words": [
            {"text": marked(part, theirs), "rtl": starts_rtl(part)}
            for part in paragraphs(row.entry.words or "")
        ],
    }
