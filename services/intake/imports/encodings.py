"""Tells a CSV file's encoding and separator.

UTF-8 is proven, not guessed: the whole file is read.  Only what is not UTF-8 is guessed, by
charset-normalizer among the code pages that spreadsheets write, from lines that tell something.
"""

import codecs
import csv
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import chain, islice

from charset_normalizer import CharsetMatch, from_bytes

from services.intake.imports.unreadable import FileFault

SEPARATORS = ",;\t|"
_SAMPLE = 64 * 1024  # bytes
_LONG_LINE = 1024 * 1024
_LOOKED_AT = 20  # rows, to tell the separator
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# What spreadsheets write, the likeliest first: of equals the first is taken.
_CODE_PAGES = (
    *("cp1252", "cp1250", "cp1251", "cp1256", "cp1254", "cp1253", "cp932", "gb18030", "cp949"),
    *("big5", "cp1257", "cp874", "cp1255", "cp1258"),
)
#: What a person may name.
ENCODINGS = ("utf-8", "utf-16", *_CODE_PAGES)
# Latin code pages differ in a few letters only: the one whose own languages use them is right.
_LETTERS = {
    "cp1252": "äöüßéèêëàâçñíóúáãõôîïûùìòåøæœ",
    "cp1250": "ąćęłńóśźżáčďéěíňřšťúůýžőűăâîşţöüäđ",
    "cp1254": "şğıçöüâî",
    "cp1257": "āčēģīķļņšūžąęėįųäöõü",
    "cp1258": "àâăéêôđơư",
}


def detect_encoding(pieces: Iterable[bytes]) -> str:
    """A codec's name.  Raises FileFault."""
    pieces = iter(pieces)
    first = next(pieces, b"")
    for mark, encoding in _MARKS:
        if first.startswith(mark):
            return encoding
    if wide := _without_mark(first):
        return wide
    lines = _Lines()
    for piece in chain([first], pieces):
        lines.see(piece)
    lines.end()
    # One row of another encoding is that row's fault; only where most are, is it the file's.
    if not lines.strange_lines or lines.strange_lines <= lines.utf8_lines:
        return "utf-8"
    return _guess(bytes(lines.strange))


def settle_encoding(named: str, pieces: Iterable[bytes]) -> str:
    """The codec for what a person named: UTF-16 has two, told by a mark that may be missing."""
    if named != "utf-16":
        return named
    first = next(iter(pieces), b"")
    marked = first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return named if marked else _without_mark(first) or "utf-16-le"  # what spreadsheets write


def detect_separator(text: str) -> str:
    """The one with which the first rows have equally many cells; the most of them, of several.

    Where there is a single column, the one that it uses least.
    """

    def fits(separator: str) -> tuple[bool, int, int]:
        rows = [row for row in _parsed(text, separator) if row]
        width = len(rows[0]) if rows else 0
        alike = sum(len(row) == width for row in rows)
        return width > 1 and 2 * alike > len(rows), width, -text.count(separator)

    return max(SEPARATORS, key=fits)


def _parsed(text: str, separator: str) -> list[list[str]]:
    lines = text.splitlines(keepends=True)
    rows: list[list[str]] = []
    try:
        for row in islice(csv.reader(lines, delimiter=separator), _LOOKED_AT):
            rows.append(row)
    except csv.Error:
        pass  # what is wrong with it is told when it is read
    return rows


def _without_mark(first: bytes) -> str:
    """UTF-16 whose byte order mark is missing: every other byte of plain text is zero."""
    start = first[:4096]
    half = len(start) // 2
    if half and start[1::2].count(0) > half // 2:
        return "utf-16-le"
    if half and start[0::2].count(0) > half // 2:
        return "utf-16-be"
    return ""


@dataclass(slots=True)
class _Lines:
    """Counts lines that only UTF-8 explains, and keeps some of those that it does not."""

    utf8_lines: int = 0
    strange_lines: int = 0
    strange: bytearray = field(default_factory=bytearray)
    _rest: bytes = b""

    def see(self, piece: bytes) -> None:
        whole = self._rest + piece
        cut = whole.rfind(b"\n") + 1
        if not cut and len(whole) < _LONG_LINE:
            self._rest = whole
            return
        cut = cut or len(whole)
        self._rest = whole[cut:]
        if not whole[:cut].isascii():
            for line in whole[:cut].split(b"\n"):
                self._count(line)

    def end(self) -> None:
        self._count(self._rest)

    def _count(self, line: bytes) -> None:
        if line.isascii():
            return
        try:
            line.decode()
            self.utf8_lines += 1
        except UnicodeDecodeError:
            self.strange_lines += 1
            if len(self.strange) + len(line) <= _SAMPLE or not self.strange:
                self.strange += line[:_SAMPLE] + b"\n"


def _guess(sample: bytes) -> str:
    matches = list(from_bytes(sample, cp_isolation=list(_CODE_PAGES), threshold=0.5))
    if not matches:
        raise FileFault("unknown_encoding")
    same = min(matches, key=_rank).could_be_from_charset  # all that give the very same text
    return min(same, key=_place)


def _rank(match: CharsetMatch) -> tuple[int, float, float, int]:
    """Least mess, then most like a language, then fewest letters its languages do not use."""
    coherence = -round(match.coherence, 1)
    strangeness = round(_strangeness(match), 2)
    return int(match.chaos * 10), coherence, strangeness, _place(match.encoding)


def _place(encoding: str) -> int:
    return _CODE_PAGES.index(encoding)


def _strangeness(match: CharsetMatch) -> float:
    usual = _LETTERS.get(match.encoding)
    letters = [one for one in str(match).lower() if not one.isascii()]
    if usual is None or not letters:
        return 0.0
    return sum(one not in usual for one in letters) / len(letters)
