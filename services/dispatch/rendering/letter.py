"""Sets one letter on paper: a composition and an address in, a checked PDF/A out.

Owns: letter.typ, which says how a letter looks. The text travels as JSON data and is never read as
markup; every PDF is read back before anybody else sees it. Faults: faults.py draws the tree.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any, Final

from services.dispatch.rendering.compose import Block, Bullets, Composition, Span
from services.dispatch.rendering.faults import AddressDoesNotFit, TooLong
from services.dispatch.rendering.inspection import inspect_file, inspect_print
from services.dispatch.rendering.press import Press
from services.dispatch.rendering.scripts import (
    Setting,
    marked,
    setting_for,
    stands_tall,
    starts_rtl,
)
from services.dispatch.rendering.window import DIN_5008_B, Window

TEMPLATE: Final = Path(__file__).with_name("letter.typ")
MOST_PAGES: Final = 2
MOST_CHARACTERS: Final = 20_000  # twice what two pages hold; spares setting a book to count it
MOST_ADDRESS_LINES: Final = 6
MOST_LINE_CHARACTERS: Final = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterRequest:
    """What one letter says, and to whom.  Text is clean already (shared/text.py)."""

    composition: Composition
    address: tuple[str, ...]  # up to 6 lines of 40 characters; the last is the country in capitals
    sender: str  # one small line above the address; may be empty
    place_date: str  # in the letter's language


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A letter ready to print: PDF/A-2u, A4, 1 or 2 pages."""

    pdf: bytes
    pages: int


class LetterPress(Press):
    """Sets letters, and reads each back."""

    def __init__(self, workdir: Path, *, window: Window = DIN_5008_B) -> None:
        super().__init__(TEMPLATE, workdir)
        self._window = window
        self._layout = {"window": asdict(window)}

    def typeset(self, request: LetterRequest) -> Letter:
        """The letter as a checked PDF; the same request gives the same bytes.  Raises LetterFault.

        One that runs onto a second page is set again a little smaller, and stays so if that saves
        the page. Measuring first would cost every letter its layout twice.
        """
        _check_limits(request)
        setting = setting_for(request.composition.language)
        normal, small = (partial(self._set, request, setting, size) for size in setting.sizes)
        letter = normal()
        if letter.pages > 1:
            letter = min(letter, small(), key=lambda one: one.pages)
        if letter.pages > MOST_PAGES:
            raise TooLong(f"{letter.pages} pages, at most {MOST_PAGES} fit")
        lines = (request.sender, *request.address) if request.sender else request.address
        inspect_print(letter.pdf, window=self._window, lines=lines)
        return letter

    def _set(self, request: LetterRequest, setting: Setting, size: float) -> Letter:
        pdf = self.print("letter", {**self._layout, **_as_data(request, setting), "size": size})
        return Letter(pdf=pdf, pages=inspect_file(pdf))


def _check_limits(request: LetterRequest) -> None:
    lines = request.address
    if not 1 <= len(lines) <= MOST_ADDRESS_LINES or not all(map(str.strip, lines)):
        raise AddressDoesNotFit(
            f"{len(lines)} lines, where 1 to {MOST_ADDRESS_LINES} fit and none may be empty"
        )
    longest = max(map(len, lines))
    if longest > MOST_LINE_CHARACTERS:
        raise AddressDoesNotFit(
            f"a line of {longest} characters, where at most {MOST_LINE_CHARACTERS} fit"
        )
    characters = sum(len(span.text) for span in _spans(request.composition.blocks))
    if characters > MOST_CHARACTERS:
        raise TooLong(f"{characters} characters, more than two pages hold")


def _spans(blocks: tuple[Block, ...]) -> Iterator[Span]:
    for block in blocks:
        for line in block.items if isinstance(block, Bullets) else (block.spans,):
            yield from line


def _as_data(request: LetterRequest, setting: Setting) -> dict[str, Any]:
    composition = request.composition

    def mark(text: str) -> str:
        return marked(text, setting)

    def line(spans: tuple[Span, ...]) -> list[tuple[str, bool, bool]]:
        return [(mark(span.text), span.bold, span.italic) for span in spans]

    def alone(text: str) -> dict[str, str | bool]:
        return {"text": text, "rtl": starts_rtl(text)}

    return {
        **{field.name: getattr(setting, field.name) for field in fields(setting)},
        "sender": alone(request.sender),
        "address": [alone(text) for text in request.address],
        "address_pitch": 1.55 if any(map(stands_tall, request.address)) else 1.3,
        "place_date": mark(request.place_date),
        "subject": mark(composition.subject),
        "blocks": [
            {"items": [line(item) for item in block.items], "ordered": block.ordered}
            if isinstance(block, Bullets)
            else {"spans": line(block.spans)}
            for block in composition.blocks
            if any(span.text.strip() for span in _spans((block,)))
        ],
        "signature": [mark(text) for text in composition.signature],
        "reference": composition.reference,
    }
