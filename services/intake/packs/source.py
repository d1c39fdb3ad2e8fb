"""The text of one file of a pack, fit to be read: UTF-8, and nothing invisible that could mislead.

Owns: what a fault is, and which characters no pack may hold.  In: bytes.  Out: `Source`, `Fault`.
"""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing to mend, and where: `file` is relative to the pack, `line` counts from 1."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


class PackFaults(Exception):
    """A pack that cannot be used; `faults` names everything that is wrong with it, in order."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = tuple(faults)


@dataclass(frozen=True, slots=True)
class Source:
    """A file's text, in NFC, its lines ended by `\\n`."""

    file: str
    text: str

    def fault(self, line: int, message: str) -> Fault:
        return Fault(self.file, line, message)


# Embeddings, overrides, isolates: what is printed would differ from what was reviewed.
_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def read_source(file: str, raw: bytes) -> tuple[Source | None, list[Fault]]:
    """Decode one file.  No source comes back when its bytes are not UTF-8."""
    try:
        text = raw.decode("utf-8-sig")  # Windows editors put a byte order mark in front
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        return None, [Fault(file, line, "not UTF-8: save the file with the encoding UTF-8")]
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n"))
    return Source(file, text), [Fault(file, line, why) for line, why in unfit_characters(text)]


def unfit_characters(text: str) -> Iterator[tuple[int, str]]:
    """Each line (from 1) that holds a character which may not be there, with the reason."""
    for number, line in enumerate(text.split("\n"), start=1):
        for character in line:
            if reason := _unfit(character):
                yield number, f"U+{ord(character):04X} is {reason}: remove it"


def _unfit(character: str) -> str | None:
    if character in _BIDI:
        return "an invisible change of writing direction"
    if unicodedata.category(character) in {"Cc", "Zl", "Zp"} and character != "\t":
        return "a control character"
    if character == "\ufeff":
        return "a byte order mark"
    return None
