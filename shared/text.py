"""Cleans what people typed, and refuses what could deceive a reader or break a line.

Owns the rules for every text of a supporter; in: a str; out: NFC, trimmed, else `Unclean`.
Template syntax is nothing special here: supporters' text is data and is kept as typed.
Sources: Unicode TR36 (bidi), TR39; RFC 5322 (header injection); of marks: 400 on one letter took
Typst 0.3 s.
"""

import re
import unicodedata
from collections.abc import Iterable

MOST_MARKS = 8  # combining marks on one letter; Vietnamese needs 2, Hebrew with cantillation 4

_LINE_BREAK = re.compile("[\n\r\u2028\u2029]")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
_CONTROL_IN_WORDS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_NONCHARACTER = re.compile(
    "[\ufdd0-\ufdef" + "".join(chr(plane + 0xFFFE) + chr(plane + 0xFFFF)
                               for plane in range(0, 0x110000, 0x10000)) + "]"
)  # fmt: skip
# PostgreSQL stores no NUL, UTF-8 writes no half of a character, and no reader sees the rest.
_UNFIT = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
# Byte order marks and interlinear annotations: invisible, and meant for nobody.
_DROPPED = re.compile("[\ufeff\ufff9-\ufffb]")
_IN_WORDS = (("\r\n", "\n"), ("\u2028", "\n"), ("\u2029", "\n\n"), ("\t", " "))

CODES = {
    "line_break": "A one-line text holds a line break.",
    "control_character": "The text holds a control character.",
    "bidi_control": "The text holds a character that turns the reading direction of others.",
    "lone_surrogate": "The text holds half of a character.",
    "noncharacter": "The text holds a code that Unicode will never make a character.",
}


class Unclean(Exception):
    """A text that may not be used.  `code` is one of CODES; `detail` names the character."""

    def __init__(self, code: str, character: str, position: int) -> None:
        super().__init__(code)
        self.code = code
        self.detail = f"{CODES[code][:-1]}: U+{ord(character):04X} at position {position + 1}."


def clean_line(text: str) -> str:
    """One line: a name, a reference.  Raises Unclean."""
    _refuse(text, (("line_break", _LINE_BREAK), ("control_character", _CONTROL)))
    return _normal(text)


def clean_words(text: str) -> str:
    r"""Paragraphs, with `\n` between lines (browsers send `\r\n`).  A tab becomes a space.

    Raises Unclean.
    """
    for theirs, ours in _IN_WORDS:
        text = text.replace(theirs, ours)
    _refuse(text, (("control_character", _CONTROL_IN_WORDS),))
    return _normal(text)


def storable(text: str) -> str:
    """One line of a stranger's: without the characters that could not be stored or shown."""
    return _UNFIT.sub("", text)


def is_blank(text: str) -> bool:
    """Whether nothing of the text would be seen on paper."""
    return all(unicodedata.category(one)[0] in "ZC" for one in text)


def _refuse(text: str, first: tuple[tuple[str, re.Pattern[str]], ...]) -> None:
    if text.isascii() and text.isprintable():
        return
    rules = (
        *first,
        ("bidi_control", _BIDI),
        ("lone_surrogate", _SURROGATE),
        ("noncharacter", _NONCHARACTER),
    )
    for code, pattern in rules:
        if found := pattern.search(text):
            raise Unclean(code, found[0], found.start())


def _normal(text: str) -> str:
    if text.isascii():
        return text.strip()
    text = unicodedata.normalize("NFC", _DROPPED.sub("", text))
    return _TOO_MANY_MARKS.sub(lambda run: run[0][:MOST_MARKS], text).strip()


def _ranges(codes: Iterable[int]) -> str:
    """A regex class for sorted codes, written as ranges: 300 ranges instead of 2,400 characters."""
    runs: list[list[int]] = []
    for code in codes:
        if runs and runs[-1][1] == code - 1:
            runs[-1][1] = code
        else:
            runs.append([code, code])
    return "".join(f"{chr(first)}-{chr(last)}" for first, last in runs)


# No mark of any script lies below U+0300; above plane 1 there are the variation selectors only.
_MARKS = _ranges(
    code
    for span in (range(0x300, 0x20000), range(0xE0100, 0xE01F0))
    for code in span
    if unicodedata.category(chr(code))[0] == "M"
)
_TOO_MANY_MARKS = re.compile(f"[{_MARKS}]{{{MOST_MARKS + 1},}}")
