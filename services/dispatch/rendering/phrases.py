"""What a digest, a bundle and a petition say of themselves, in eight languages.

Owns: digest.json and paper.json; the plural rules are Babel's.
In: a language as a template names it.  Out: plain text; whoever shows it escapes it.  A language
that we do not speak is answered in English.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from babel import Locale
from babel.numbers import format_decimal

from services.dispatch.rendering.places import country_name
from services.dispatch.rendering.scripts import reads_rtl
from shared import spoken

_Words = Mapping[str, str | Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Phrases:
    language: str

    @property
    def right_to_left(self) -> bool:
        return spoken.is_right_to_left(self.language)

    def say(self, key: str, **values: str | int) -> str:
        said = _words()[self.language][key]
        assert isinstance(said, str)
        return self._fill(said, values)

    def number_of(self, key: str, number: int, **values: str) -> str:
        """The form that the language has for this number (CLDR's plural rules)."""
        forms = _words()[self.language][key]
        assert isinstance(forms, Mapping)
        form = forms.get(Locale(self.language).plural_form(number), forms["other"])
        return self._fill(form, {"n": number, **values})

    def who(self, name: str | None, country: str | None) -> str:
        name = name or self.say("unnamed")
        if country is None:
            return self._apart(name)
        return self.say("who", name=name, country=self.country(country))

    def country(self, country: str | None) -> str:
        return country_name(country, self.language) if country else self.say("unstated")

    def _fill(self, form: str, values: Mapping[str, str | int]) -> str:
        return form.format(
            **{
                key: self._apart(self.number(value) if isinstance(value, int) else value)
                for key, value in values.items()
            }
        )

    def number(self, number: int) -> str:
        return str(format_decimal(number, locale=self.language))

    def _apart(self, value: str) -> str:
        """A value of the other direction stands in an isolate (UAX #9), or jumbles its line."""
        alike = reads_rtl(value) == self.right_to_left
        return value if alike else f"\u2068{value}\u2069"


def phrases_for(language: str) -> Phrases:
    return Phrases(spoken.language_of(language))


@cache
def _words() -> Mapping[str, _Words]:
    digest, paper = (
        json.loads(Path(__file__).with_name(name).read_text(encoding="utf-8"))
        for name in ("digest.json", "paper.json")
    )
    return {language: {**words, **paper[language]} for language, words in digest.items()}
