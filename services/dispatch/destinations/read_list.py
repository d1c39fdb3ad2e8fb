"""Reads the list of suspensions and restrictions: a CSV file, kept by hand from posts' notices.

In: the file's bytes.  Out: its rules, or every fault of it at once, by row and column.
"""

import csv
import datetime as dt
import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pkgutil import iter_modules
from typing import Any, Final, TypeVar

from services.dispatch import providers
from services.dispatch.destinations.limits import Rule
from shared.countries import is_named
from shared.tables.routes import LimitKind, Product

REQUIRED: Final = ("country", "kind", "starts", "reason", "source")
COLUMNS: Final = (*REQUIRED, "region", "vendor", "product", "ends", "noted_by")
_SEPARATORS: Final = ",;\t"
_MOST: Final = 1_000  # characters in a cell

_Word = TypeVar("_Word", bound=StrEnum)


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    row: int  # as a table program counts: 1 is the head
    column: str
    what: str


class ListFaults(Exception):
    """A list that cannot be taken: `faults` are all of them."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(f"{len(faults)} faults")
        self.faults = tuple(sorted(faults))


def read_list(content: bytes, *, noted_by: str) -> list[Rule]:
    """`noted_by`: of rows that name nobody.  Raises ListFaults."""
    rows = csv.reader(io.StringIO(_text(content), newline=""), delimiter=_separator(content))
    try:
        head, *body = [[cell.strip() for cell in row] for row in rows] or [[]]
    except csv.Error as error:
        raise ListFaults([Fault(1, "·", f"not a CSV file: {error}")]) from error
    columns = [name.lower().replace(" ", "_") for name in head]
    if faults := _head_faults(columns):
        raise ListFaults(faults)
    rules: dict[Rule, int] = {}
    faults = []
    for number, row in enumerate(body, 2):
        if any(row):
            faults += _take(number, columns, row, rules, noted_by)
    if faults:
        raise ListFaults(faults)
    return list(rules)


def _take(
    number: int, columns: Sequence[str], row: Sequence[str], rules: dict[Rule, int], noted_by: str
) -> list[Fault]:
    """Adds the row's rule, or tells what is wrong with it."""
    if len(row) > len(columns) and any(row[len(columns) :]):
        return [Fault(number, "·", "more cells than the head has columns")]
    cells = dict.fromkeys(COLUMNS, "") | dict(zip(columns, row, strict=False))
    rule, faults = _rule(number, {**cells, "noted_by": cells["noted_by"] or noted_by})
    if rule is None:
        return faults
    if rule in rules:
        return [Fault(number, "·", f"says the same as row {rules[rule]}")]
    rules[rule] = number
    return []


def _rule(number: int, cells: Mapping[str, str]) -> tuple[Rule | None, list[Fault]]:
    said: dict[str, Any] = {}
    faults = []
    for name, read in _READERS.items():
        try:
            said[name] = read(cells[name]) if cells[name] or name in REQUIRED else None
        except ValueError as error:
            faults.append(Fault(number, name, str(error)))
    if not faults and said["ends"] and said["ends"] < said["starts"]:
        faults.append(Fault(number, "ends", "lies before `starts`"))
    return (None if faults else Rule(**said)), faults


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = content.count(b"\n", 0, error.start) + 1
        raise ListFaults([Fault(row, "·", "not UTF-8: save it as CSV UTF-8")]) from error


def _separator(content: bytes) -> str:
    head = content.partition(b"\n")[0].decode("utf-8", "replace")
    return max(_SEPARATORS, key=head.count)


def _head_faults(columns: Sequence[str]) -> list[Fault]:
    missing = [Fault(1, name, "the column is missing") for name in REQUIRED if name not in columns]
    twice = {name for name in columns if columns.count(name) > 1}
    unknown = [name for name in columns if name not in COLUMNS]
    return [
        *missing,
        *(Fault(1, name, "stands in the head twice") for name in sorted(twice)),
        *(Fault(1, name, f"unknown; the columns are {', '.join(COLUMNS)}") for name in unknown),
    ]


def _country(text: str) -> str:
    code = text.upper()
    if not is_named(code):
        raise ValueError(f"{text!r} is no country: use the two letters of ISO 3166")
    return code


def _region(text: str) -> str:
    code = text.upper().rpartition("-")[2]  # "UA-43" is what ISO 3166-2 calls it
    if not re.fullmatch("[A-Z0-9]{1,3}", code):
        raise ValueError(f"{text!r} is no region: use ISO 3166-2, such as 43 for UA-43")
    return code


def _vendor(text: str) -> str:
    # A name with a slip in it would hold nothing, and nobody would notice.
    known = {module.name for module in iter_modules(providers.__path__)}
    if text not in known:
        raise ValueError(f"no provider is called {text!r}")
    return text


def _one_of(words: type[_Word]) -> Callable[[str], _Word]:
    def read(text: str) -> _Word:
        if text.lower() not in set(words):
            raise ValueError(f"{text!r} is none of {', '.join(words)}")
        return words(text.lower())

    return read


def _day(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no day: write 2026-03-01") from None


def _words(text: str) -> str:
    if not text or len(text) > _MOST:
        raise ValueError("is empty" if not text else f"more than {_MOST} characters")
    return text


def _source(text: str) -> str:
    if not re.fullmatch(r"https?://\S+", text) or len(text) > _MOST:
        raise ValueError("is no address of a page: what the post says must be found again")
    return text


def _name(text: str) -> str:
    return _words(text)[:120]


_READERS: Final[Mapping[str, Callable[[str], Any]]] = {
    "country": _country,
    "region": _region,
    "vendor": _vendor,
    "product": _one_of(Product),
    "kind": _one_of(LimitKind),
    "starts": _day,
    "ends": _day,
    "reason": _words,
    "source": _source,
    "noted_by": _name,
}
