"""Turns a file's bytes into rows of texts, one at a time and never much more in memory.

In: `Pieces`, which give the file from its beginning as often as they are asked.  Out: `Layout`, how
the file is to be read, and its `Row`s.  Raises FileFault: where one row of a table is broken,
nobody knows what the next ones would have been.
"""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import IO, Any

from services.intake.imports.encodings import (
    detect_encoding,
    detect_separator,
    settle_encoding,
)
from services.intake.imports.sheets import open_sheet
from services.intake.imports.unreadable import FileFault
from shared.text import storable

MOST_IN_ROW = 1_000_000  # characters; a cell of CSV: 131,072, the csv module's own limit
MOST_ROWS = 1_000_000
MOST_COLUMNS = 256
MOST_IN_NAME = 200  # characters, of a column's name
CSV, XLSX = "csv", "xlsx"
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # zip, and OLE: old or locked
_SAMPLE = 64 * 1024  # characters

Pieces = Callable[[], Iterable[bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How a file is to be read, and what was seen in it."""

    form: str  # CSV or XLSX
    encoding: str = ""  # of CSV: a codec's name
    separator: str = ""  # of CSV
    sheet: str = ""  # of XLSX: the one that is read
    header: tuple[str, ...] = ()  # the columns' names
    rows: int = 0  # with something in them, besides the header


@dataclass(frozen=True, slots=True)
class Row:
    number: int  # as a spreadsheet numbers it
    cells: Sequence[str]  # without empty ones at the end


def form_of(start: bytes) -> str:
    """By what the file begins with; its name says nothing."""
    return XLSX if start.startswith(_WORKBOOKS) else CSV


def survey(pieces: Pieces, *, encoding: str = "") -> Layout:
    """Reads the whole file once.  `encoding` is taken for granted when it is given."""
    if form_of(next(iter(pieces()), b"")) == XLSX:
        layout = Layout(form=XLSX)
    else:
        encoding = settle_encoding(encoding, pieces()) if encoding else detect_encoding(pieces())
        separator = detect_separator(_text(pieces(), encoding).read(_SAMPLE))
        layout = Layout(form=CSV, encoding=encoding, separator=separator)
    with _opened(pieces, layout) as (layout, rows):
        return _counted(layout, rows)


@contextmanager
def opened(pieces: Pieces, layout: Layout) -> Iterator[tuple[tuple[str, ...], Iterator[Row]]]:
    """The header, and the rows after it that have something in them, while the block runs."""
    with _opened(pieces, layout) as (_, rows):
        yield _names(next(rows, None)), rows


def _counted(layout: Layout, rows: Iterator[Row]) -> Layout:
    header, number = _names(next(rows, None)), 0
    for row in rows:
        number += 1
        if number > MOST_ROWS:
            raise FileFault("too_many_rows", row=row.number)
    if not number:
        raise FileFault("empty_file")
    return replace(layout, header=header, rows=number)


def _names(first: Row | None) -> tuple[str, ...]:
    if first is None:
        raise FileFault("empty_file")
    if len(first.cells) > MOST_COLUMNS:
        raise FileFault("too_many_columns", row=first.number)
    return tuple(storable(" ".join(name.split()))[:MOST_IN_NAME] for name in first.cells)


@contextmanager
def _opened(pieces: Pieces, layout: Layout) -> Iterator[tuple[Layout, Iterator[Row]]]:
    if layout.form == XLSX:
        with open_sheet(pieces()) as sheet:
            yield replace(layout, sheet=sheet.name), _filled(sheet.rows)
    else:
        yield layout, _filled(_table(_text(pieces(), layout.encoding), layout.separator))


def _filled(table: Iterable[list[str]]) -> Iterator[Row]:
    for number, cells in enumerate(table, start=1):
        while cells and not cells[-1].strip():
            cells.pop()
        if cells:
            yield Row(number, cells)


def _table(text: IO[str], separator: str) -> Iterator[list[str]]:
    """The rows of a CSV file, strictly as RFC 4180 has it: a stray quote could hide a thousand."""
    lines = _Lines(text)
    reader = csv.reader(lines, delimiter=separator, strict=True)
    width = 0
    while True:
        lines.begin_row()
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise FileFault(_broken(error), row=lines.row) from None
        if cells is None:
            return
        width = width or len(cells)
        short = len(cells) < width
        yield cells
        if short and lines.last_is_open:
            raise FileFault("cut_off", row=lines.row)


def _broken(error: csv.Error) -> str:
    words = str(error)  # they quote nothing
    if "field limit" in words:
        return "row_too_large"
    return "quote_open" if "unexpected end" in words else "quote_inside"


class _Lines:
    """The text's lines; a row may have several, and at most MOST_IN_ROW characters."""

    def __init__(self, text: IO[str]) -> None:
        self._text = text
        self._size = 0
        self.row = 0  # which one it is
        self.last_is_open = False  # the last line has no end

    def begin_row(self) -> None:
        self.row, self._size = self.row + 1, 0

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._text.readline(MOST_IN_ROW + 1)
        if not line:
            raise StopIteration
        self._size += len(line)
        if self._size > MOST_IN_ROW:
            raise FileFault("row_too_large", row=self.row)
        self.last_is_open = line[-1] not in "\r\n"
        return line


class _Raw(io.RawIOBase):
    """Pieces of bytes, as a file."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._left = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._left:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._left = memoryview(piece)
        size = min(len(buffer), len(self._left))
        buffer[:size] = self._left[:size]
        self._left = self._left[size:]
        return size


def _text(pieces: Iterable[bytes], encoding: str) -> IO[str]:
    # What does not decode becomes U+FFFD, which is a fault of its own cell: understanding.py.
    raw = io.BufferedReader(_Raw(pieces))
    return io.TextIOWrapper(raw, encoding, errors="replace", newline="")
