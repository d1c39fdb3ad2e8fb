"""Tells near-identical texts apart from others, without keeping a text: a keyed SimHash.

In: an action's words and the identity key.  Out: 64 bits, of which near-identical texts share most;
without the key they tell nothing, neither what was written nor whether some text was among it.
Source: M. Charikar, "Similarity estimation techniques from rounding algorithms" (2002); the bands:
G. Manku et al., "Detecting near-duplicates for web crawling" (2007).
"""

import hashlib
import re
import string
from collections.abc import Iterator
from functools import lru_cache

from services.intake.accept import Action
from services.intake.moderation.phrases import UNSPACED, fold

#: Bits.  In texts of fifty words a changed word moves three bits and a second one five, on average;
#: of two texts that have nothing to do with each other twenty-five differ.
NEAR = 6
BANDS = 4  # of 16 bits: up to three bits apart one band is surely the same, up to six mostly

_FEWEST = 8  # words: "Please let him go home" is written by many who never heard of each other
_CLOSING = 40  # letters, of each of the last lines
_CLOSING_LINES = 3  # "Yours sincerely", the name, the town

# A short first line, or a short beginning with a word that greets, up to the first comma.
_GREETED = re.compile(
    r"[^\n]{1,40}\n|(?:dear|hello|hi|your excellency|hono[u]?rable|mr|madam|sir|estimad|querid|hola"
    r"|señor|excelen|cher|chère|bonjour|madame|monsieur|уважаем|дорог|здравств|шановн|добр|السيد"
    r"|سيادة|فخامة|عزيز|تحية|เรียน|กราบเรียน|สวัสดี|尊敬|亲爱|您好)[^\n,:;!،：！，]{0,40}[,:;!،：！，]",
    re.IGNORECASE,
)
_WORD = re.compile(rf"[{UNSPACED}]+|[^\W\d_]+")
_UNSPACED = re.compile(f"[{UNSPACED}]")
_LETTERS = str.maketrans(
    {one: one if one in string.ascii_letters else " " for one in map(chr, range(128))}
)

_LANE = 16  # bits for each of the 64 sums: a text of 3,000 letters has fewer than 2**15 words
_MOST_KEPT = 1 << 15  # words
_ONES = sum(1 << (_LANE * bit) for bit in range(64))
_TOP = 1 << (_LANE - 1)
_DIGITS = bytes.maketrans(b"\x00\x80", b"01")


def print_of(action: Action, key: bytes) -> int | None:
    """Its 64 bits as a signed number; None where there are too few words to tell.

    Greeting, closing, digits, the case's name and the supporter's do not count, nor does the order
    of words.  Actions of test keys have prints of their own, like no other's.
    """
    if action.words is None:
        return None
    names = {*action.case.split("-"), *_words(action.supporter_name)}
    words = [one for one in _words(_middle(action.words)) if one not in names]
    if len(words) < _FEWEST:
        return None
    sums = sum(map(_lanes(key, action.mode).__getitem__, words))
    # The top bit of a lane is set where more than half of the words have the bit.
    sums += _ONES * (_TOP - 1 - len(words) // 2)
    tops = (sums & (_ONES * _TOP)).to_bytes(64 * _LANE // 8, "big")[::2]
    bits = int(tops.translate(_DIGITS), 2)
    return bits - (1 << 64) if bits >> 63 else bits


def bands(bits: int) -> tuple[int, ...]:
    return tuple((bits >> (16 * band)) & 0xFFFF for band in range(BANDS))


def are_near(one: int, other: int) -> bool:
    return ((one ^ other) & 0xFFFF_FFFF_FFFF_FFFF).bit_count() <= NEAR


def _middle(text: str) -> str:
    """Without greeting and closing."""
    text = text.strip()
    greeted = _GREETED.match(text)
    lines = text[greeted.end() if greeted else 0 :].split("\n")
    for _ in range(_CLOSING_LINES):
        if len(lines) > 1 and len(lines[-1]) <= _CLOSING:
            lines.pop()
    return "\n".join(lines)


def _words(text: str) -> list[str]:
    folded = fold(text)
    if folded.isascii():
        return folded.translate(_LETTERS).split()
    return [part for word in _WORD.findall(folded) for part in _parts(word)]


def _parts(word: str) -> Iterator[str]:
    """The word; of what is written without spaces, every two letters that stand together."""
    if not _UNSPACED.match(word):
        yield word
        return
    for at in range(len(word) - 1):
        yield word[at : at + 2]


class _Lanes(dict[str, int]):
    """A word's 64 bits, each in a lane of its own, so that one addition counts all of them."""

    def __init__(self, key: bytes, mode: str) -> None:
        super().__init__()
        self._keyed = hashlib.blake2b(digest_size=8, key=key, person=mode.encode())

    def __missing__(self, word: str) -> int:
        hashed = self._keyed.copy()
        hashed.update(word.encode())
        bits = int.from_bytes(hashed.digest())
        lanes = sum(((bits >> bit) & 1) << (_LANE * bit) for bit in range(64))
        if len(self) >= _MOST_KEPT:
            self.clear()
        self[word] = lanes
        return lanes


@lru_cache(maxsize=4)
def _lanes(key: bytes, mode: str) -> _Lanes:
    return _Lanes(key, mode)
