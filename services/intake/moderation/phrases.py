"""Finds words and phrases that people may have dressed up: folded case, accents, and `sh1t`.

In: terms as a person writes them into a list, and texts.  Out: whether a text holds one of them.
A term is one or several words; `i/we` stands for either, `curs*` for every word that begins so.
Scripts without spaces between words (Chinese, Thai …) are searched for the letters themselves.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

# Accents, Arabic vowel signs and the stretching stroke, and what nobody sees: soft hyphens,
# joiners, direction marks.  The vowels of Thai and Devanagari are no accents and stay.
_MARKS = "\u0300-\u036f\u0610-\u061a\u0640\u064b-\u065f\u0670\u00ad\u200b-\u200f\u2060\ufe00-\ufe0f"
# Spelled either way by the same people: yeh and heh for alef maqsura and teh marbuta.  Plain quotes
# and dashes make most texts in Latin plain ASCII, which is far quicker to search.
_PLAIN = {"\u0649": "\u064a", "\u0629": "\u0647"} | dict(
    zip("\u2018\u2019\u201c\u201d\u2013\u2014", "''\"\"--", strict=True)
)
_UNEVEN = re.compile(f"[{_MARKS}]+|[{''.join(_PLAIN)}]")
_DISGUISES = {"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "@": "a", "$": "s"}
_ASCII = str.maketrans(
    {one: one if one.isalnum() else " " for one in map(chr, range(128))} | _DISGUISES
)
_DISGUISED = re.compile(f"[{''.join(_DISGUISES)}]")
_GAP = re.compile(r"[\W_]+")
#: Written without spaces: Thai to Burmese, Khmer, kana, ideographs.
UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\U00020000-\U0003ffff"
_UNSPACED = re.compile(f"[{UNSPACED}]")


def fold(text: str) -> str:
    """Without case, accents, and anything invisible; punctuation stays."""
    if text.isascii():
        return text.lower()
    folded = unicodedata.normalize("NFKD", text).casefold()
    return _UNEVEN.sub(lambda found: _PLAIN.get(found[0], ""), folded)


def spaced(folded: str) -> str:
    """The words of a folded text, undisguised, one space before, between and after them."""
    if folded.isascii():
        return f" {' '.join(folded.translate(_ASCII).split())} "
    plain = _DISGUISED.sub(lambda found: _DISGUISES[found[0]], folded)
    return f" {_GAP.sub(' ', plain).strip()} "


@dataclass(frozen=True, slots=True)
class Phrases:
    """Many terms, ready to be looked for at once."""

    _in_words: re.Pattern[str] | None
    _in_letters: re.Pattern[str] | None

    @classmethod
    def of(cls, terms: Iterable[str]) -> Self:
        """Raises ValueError on a term in which nothing could be found."""
        by_first: dict[str, list[str]] = {}
        letters = []
        for term in terms:
            if _UNSPACED.search(term) or not any(map(str.isalnum, term)):
                letters.append(_not_empty(fold(term).strip(), term))
                continue
            for pattern in _patterns(term):
                by_first.setdefault(pattern[0], []).append(pattern[1:])
        in_letters = re.compile("|".join(map(re.escape, letters))) if letters else None
        return cls(_tree(by_first), in_letters)

    def found_in(self, folded: str, words: str) -> bool:
        """Whether a text holds one; `folded` by `fold`, and `words` of the same by `spaced`."""
        if self._in_words is not None and self._in_words.search(words):
            return True
        return self._in_letters is not None and bool(self._in_letters.search(folded))


def _tree(by_first: Mapping[str, Sequence[str]]) -> re.Pattern[str] | None:
    """One regex, with a branch for each alphabet and first letter: else every term would be tried
    at every word.
    """
    by_block: dict[int, list[str]] = {}
    for first, rest in by_first.items():
        by_block.setdefault(ord(first) >> 8, []).append(f"{first}(?:{'|'.join(rest)})")
    branches = [
        f"(?=[{chr(block << 8)}-{chr((block << 8) + 255)}])(?:{'|'.join(letters)})"
        for block, letters in by_block.items()
    ]
    return re.compile(f" (?:{'|'.join(branches)}) ") if branches else None


def _patterns(term: str) -> list[str]:
    """A regex for each way in which a term can begin."""
    first, *rest = [_alternatives(word, term) for word in term.split()]
    tail = "".join(f" (?:{'|'.join(one)})" for one in rest)
    return [one + tail for one in first]


def _alternatives(word: str, term: str) -> list[str]:
    found = []
    for one in word.split("/"):
        letters = spaced(fold(one.removesuffix("*"))).strip()
        ending = "[^ ]*" if one.endswith("*") else ""
        found.append(re.escape(_not_empty(letters, term)) + ending)
    return found


def _not_empty(text: str, term: str) -> str:
    if not text:
        raise ValueError(f"nothing could be found by {term!r}")
    return text
