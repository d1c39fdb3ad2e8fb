"""A country's name on an envelope: in English or French capitals, the last line of an address.

The names are our own, in countries.json (ISO 3166-1 alpha-2, then English, then French).  The
tables of others say "Myanmar (Burma)", "Hong Kong SAR China" or "Palestinian territory": no post
asks for that, and some of it nobody in a human-rights campaign would write.  The posts of the world
ask for capitals, in a language that is known wherever the letter passes.
"""

import json
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field

Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]  # ISO 3166-1 alpha-2

_TABLE: Final = Path(__file__).with_name("countries.json")


class CountryNames(StrEnum):
    """In which language the last line names the country."""

    ENGLISH = "en"
    FRENCH = "fr"  # of letters that a French-speaking country posts
    BOTH = "both"  # "EGYPT / ÉGYPTE"


def country_line(country: str, names: CountryNames = CountryNames.ENGLISH, *, columns: int) -> str:
    """The last line, of at most `columns` characters where one name alone fits.

    A code that the table does not know stands for itself.
    """
    english, french = _names().get(country, (country, country))
    if names is CountryNames.FRENCH:
        return french
    both = f"{english} / {french}"
    if names is CountryNames.BOTH and english != french and len(both) <= columns:
        return both
    return english


def is_named(country: str) -> bool:
    return country in _names()


@cache
def _names() -> dict[str, tuple[str, str]]:
    table = json.loads(_TABLE.read_text(encoding="utf-8"))
    return {code: (english, french) for code, (english, french) in table.items()}
