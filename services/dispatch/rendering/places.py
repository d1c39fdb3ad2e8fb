"""Names of places in the language of a letter: a country, and the line that says where and when."""

import datetime as dt
from functools import lru_cache

from babel import Locale, UnknownLocaleError
from babel.dates import format_date

from services.dispatch.rendering.scripts import reads_rtl


@lru_cache(maxsize=256)  # the same all day for every letter in a language
def place_date(place: str, day: dt.date, language: str) -> str:
    """In an Arabic or Hebrew line each in an isolate (UAX #9): a Latin town would jumble its date.

    Only there: the PDF spells out every space of a letter whose font has drawn an isolate as one.
    """
    locale = Locale("en", "GB") if language == "en" else _locale(language)
    parts = (place, format_date(day, "long", locale))
    if reads_rtl("".join(parts)):
        parts = (f"\u2068{parts[0]}\u2069", f"\u2068{parts[1]}\u2069")
    return ", ".join(parts)


@lru_cache(maxsize=1024)
def country_name(country: str, language: str) -> str:
    return str(_locale(language).territories.get(country, country))


@lru_cache(maxsize=64)
def _locale(language: str) -> Locale:
    try:
        return Locale.parse(language, sep="-")
    except (UnknownLocaleError, ValueError):
        return Locale("en")
