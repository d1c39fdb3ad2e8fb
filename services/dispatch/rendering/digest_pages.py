"""Binds the actions of a long digest into one PDF/A, each with its number and its reference.

In: the rows that the email itself does not show.  Out: one file.  digest_program.py sets it, a part
at a time, in processes of its own: Typst keeps about 100 kB an entry until its process ends.
Faults: faults.py draws the tree.
"""

import io
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pikepdf
from pydantic_core import to_json

from services.dispatch.rendering.compose import paragraphs
from services.dispatch.rendering.entries import Row
from services.dispatch.rendering.faults import Check, PageFault, TooLong
from services.dispatch.rendering.inspection import inspect_file
from services.dispatch.rendering.scripts import (
    Setting,
    marked,
    setting_for,
    starts_rtl,
)

_PROGRAM: Final = "services.dispatch.rendering.digest_program"
_PART: Final = 2_500  # entries, and
_PART_CHARACTERS: Final = 250_000  # of words, are set at once: about 300 MB
_SECONDS: Final = 120  # for a part; it takes two
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
        parts.append(_set(_as_data(heading, some, pages)))
        pages += inspect_file(parts[-1])
        if (size := sum(map(len, parts))) > MOST_BYTES:
            raise TooLong(f"{pages} pages with {size} bytes, at most {MOST_BYTES} fit")
    return parts[0] if len(parts) == 1 else _joined(parts)


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


def _set(data: dict[str, Any]) -> bytes:
    """One part, set by the program.  Its words go through a pipe, and nowhere else."""
    try:
        program = subprocess.run(  # noqa: S603  (our own, and no setting of ours goes with it)
            [sys.executable, "-m", _PROGRAM],
            env={"RAYON_NUM_THREADS": "1"},
            input=to_json(data),
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise PageFault(Check.SET) from None  # its words would stand in the traceback
    if program.returncode:
        raise PageFault(Check.SET)
    return program.stdout


def _joined(parts: Sequence[bytes]) -> bytes:
    """The first with the pages of the others: profile of colours and metadata are the same."""
    whole = io.BytesIO()
    with pikepdf.open(io.BytesIO(parts[0])) as first:
        for part in parts[1:]:
            with pikepdf.open(io.BytesIO(part)) as other:
                first.pages.extend(other.pages)
        first.save(
            whole,
            deterministic_id=True,
            object_stream_mode=pikepdf.ObjectStreamMode.generate,
        )
    return whole.getvalue()


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
