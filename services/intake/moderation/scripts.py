"""Tells whether a text is written in the script of its language.

In: a language tag and a folded text.  Out: yes or no; yes, too, of a language whose script we do
not know, or that has several.  Ranges: Unicode 15, Blocks.txt, as far as it takes to tell scripts
apart; a language's script: CLDR's likely subtags, by Babel.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from babel.core import get_global

_FEW = 10  # letters: a name, or a word, may stand in any script
_IDEOGRAPH = 3  # letters, about, that say as much as one
#: Written by some in one script, by some in another.
_SEVERAL = {"az", "bs", "kk", "ku", "mn", "pa", "sd", "sr", "uz"}

_HAN = re.compile("[\u3400-\u9fff\U00020000-\U0003ffff]")
_WITH_HAN = {"Hans", "Hant", "Jpan", "Kore"}
# By ISO 15924.  Folded text has no capitals, and its Hangul is taken apart.
_SCRIPTS: Mapping[str, str] = {
    "Latn": "a-z\u00df-\u024f\u1e00-\u1eff",
    "Grek": "\u0370-\u03ff\u1f00-\u1fff",
    "Cyrl": "\u0400-\u052f\u1c80-\u1c8f\ua640-\ua69f",
    "Armn": "\u0530-\u058f",
    "Hebr": "\u05d0-\u05ea",
    "Arab": "\u0620-\u06ff\u0750-\u077f\u08a0-\u08ff",
    "Deva": "\u0900-\u097f",
    "Beng": "\u0980-\u09ff",
    "Guru": "\u0a00-\u0a7f",
    "Gujr": "\u0a80-\u0aff",
    "Orya": "\u0b00-\u0b7f",
    "Taml": "\u0b80-\u0bff",
    "Telu": "\u0c00-\u0c7f",
    "Knda": "\u0c80-\u0cff",
    "Mlym": "\u0d00-\u0d7f",
    "Sinh": "\u0d80-\u0dff",
    "Thai": "\u0e00-\u0e7f",
    "Laoo": "\u0e80-\u0eff",
    "Tibt": "\u0f00-\u0fff",
    "Mymr": "\u1000-\u109f",
    "Geor": "\u10d0-\u10ff",
    "Ethi": "\u1200-\u139f",
    "Khmr": "\u1780-\u17ff",
    "Jpan": "\u3040-\u30ff\u31f0-\u31ff",
    "Kore": "\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3",
    "Hans": "\u3100-\u312f",
    "Hant": "\u3100-\u312f",
}


@dataclass(frozen=True, slots=True)
class _Script:
    own: re.Pattern[str]
    other: re.Pattern[str]
    has_ideographs: bool


def in_script_of(language: str, folded: str) -> bool:
    """Whether no more than half of the letters belong to other scripts than the language's own.

    An ideograph counts for three letters: so names in Latin may stand in a short Chinese text.
    """
    script = _script(language)
    if script is None:
        return True
    others = len(script.other.findall(folded))
    ideographs = 0 if folded.isascii() else _IDEOGRAPH * len(_HAN.findall(folded))
    if not script.has_ideographs:
        others, ideographs = others + ideographs, 0
    return others < _FEW or others <= len(script.own.findall(folded)) + ideographs


@lru_cache(maxsize=128)  # petitions may name any language
def _script(language: str) -> _Script | None:
    name = _name(language)
    if name is None:
        return None
    own = _SCRIPTS[name]
    other = "".join({one for one in _SCRIPTS.values() if one != own})
    return _Script(re.compile(f"[{own}]"), re.compile(f"[{other}]"), name in _WITH_HAN)


def _name(language: str) -> str | None:
    base, *rest = language.split("-")
    for part in rest:
        if part.title() in _SCRIPTS:
            return part.title()
    if base.lower() in _SEVERAL:
        return None
    likely = get_global("likely_subtags").get(base.lower(), "")
    return next((part for part in likely.split("_") if part in _SCRIPTS), None)
