"""What is said to supporters in their own language, on a page of intake and in emails of dispatch.

Owns the phrases for what a supporter did (spoken.json).  In: a language as the action names it, or
words of the tables.  Out: plain text; whoever shows it escapes it.
"""

import datetime as dt
import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from babel import Locale
from babel.dates import format_date, format_time, get_datetime_format

ENGLISH = "en"  # for whoever's language we do not speak
ANSWERED_WITHIN = dt.timedelta(days=7)  # the question “was this you?”; then it is let go


def language_of(asked: str) -> str:
    """The language of ours that is nearest to a BCP 47 tag."""
    language = asked.partition("-")[0].lower()
    return language if language in _deeds() else ENGLISH


def languages() -> tuple[str, ...]:
    return tuple(_deeds())


def deed(kind: str, channel: str, language: str) -> str:
    """What was done: “A letter to the authorities”."""
    said = _deeds()[language]
    return next(said[key] for key in (channel, kind, f"{kind}/{channel}") if key in said)


def day(moment: dt.datetime, language: str) -> str:
    return format_date(moment.astimezone(dt.UTC), "long", _locale(language))


def minute(moment: dt.datetime, language: str) -> str:
    """The day and the minute, in UTC, and saying so."""
    at, locale = moment.astimezone(dt.UTC), _locale(language)
    time = f"{format_time(at, 'HH:mm', locale=locale)}\u00a0UTC"
    form = str(get_datetime_format("medium", locale))
    return form.replace("{1}", day(at, language)).replace("{0}", time)


def is_right_to_left(language: str) -> bool:
    return _locale(language).text_direction == "rtl"


@cache
def _deeds() -> Mapping[str, Mapping[str, str]]:
    text = files("shared").joinpath("spoken.json").read_text(encoding="utf-8")
    found: Mapping[str, Mapping[str, str]] = json.loads(text)
    return found


def _locale(language: str) -> Locale:
    return Locale(language, "GB") if language == ENGLISH else Locale(language)
