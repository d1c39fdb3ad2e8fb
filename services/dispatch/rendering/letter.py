"""Sets one letter on paper: a composition and an address in, a checked PDF/A out.

Owns: letter.typ, which says how a letter looks. The text travels as JSON data and is never read as
markup; every PDF is read back before anybody else sees it. Faults: faults.py draws the tree.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from functools import cache, partial
from pathlib import Path
from typing import Any, Final

from services.dispatch.rendering.compose import Block, Bullets, Composition, Span
from services.dispatch.rendering.faults import AddressDoesNotFit, TooLong
from services.dispatch.rendering.inspection import inspect_file, inspect_print
from services.dispatch.rendering.layouts import DIN_5008_B, Layout
from services.dispatch.rendering.matrix import matrix_of
from services.dispatch.rendering.press import Press
from services.dispatch.rendering.scripts import (
    Setting,
    marked,
    setting_for,
    stands_tall,
    starts_rtl,
)

TEMPLATE: Final = Path(__file__).with_name("letter.typ")
MOST_PAGES: Final = 2
# Twice what two pages hold: spares setting a book to count its pages, and bounds what a letter may
# cost to about 2 s. Lines that a text ends itself count too: 20,000 of one letter took 400 MB.
MOST_CHARACTERS: Final = 20_000
MOST_LINES: Final = 200
LONG_CLOSING: Final = 12  # lines; a last block as long may part, where a closing must not
LINE: Final = 80  # characters, roughly
MOST_ADDRESS_LINES: Final = 6
MOST_LINE_CHARACTERS: Final = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterRequest:
    """What one letter says, and to whom.  Text is clean already (shared/text.py)."""

    composition: Composition
    address: tuple[str, ...]  # up to 6 lines of 40 characters; the last is the country in capitals
    sender: str  # one small line above the address; may be empty
    place_date: str  # in the letter's language
    layout: Layout = DIN_5008_B  # the vendor's
    matrix: str = ""  # what its DataMatrix says, where the vendor wants one; ASCII, no person's
    fold_marks: bool = False  # for a letter that somebody folds by hand


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A letter ready to print: PDF/A-2u on the paper of its layout, 1 or 2 pages."""

    pdf: bytes
    pages: int


class LetterPress(Press):
    """Sets letters, and reads each back."""

    def __init__(self, workdir: Path) -> None:
        super().__init__(TEMPLATE, workdir)

    def typeset(self, request: LetterRequest) -> Letter:
        """The letter as a checked PDF; the same request gives the same bytes.  Raises LetterFault.

        One that runs onto a second page is set again a little smaller, and stays so if that saves
        the page. Measuring first would cost every letter its layout twice.
        """
        _check_limits(request)
        setting = setting_for(request.composition.language)
        data = _as_data(request, setting)
        normal, small = (partial(self._set, data, size) for size in setting.sizes)
        letter = normal()
        if letter.pages > 1:
            letter = min(letter, small(), key=lambda one: one.pages)
        if letter.pages > MOST_PAGES:
            raise TooLong(f"{letter.pages} pages, at most {MOST_PAGES} fit")
        layout = request.layout
        lines = layout.window.lines(request.sender, request.address) if layout.window else ()
        inspect_print(letter.pdf, layout=layout, lines=lines, matrix=bool(request.matrix))
        return letter

    def _set(self, data: dict[str, Any], size: float) -> Letter:
        pdf = self.print("letter", {**data, "size": size})
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
    _check_length(request.composition)


def _check_length(composition: Composition) -> None:
    texts = [*map(_text, _lines(composition.blocks)), composition.subject, *composition.signature]
    characters = sum(map(len, texts))
    if characters > MOST_CHARACTERS:
        raise TooLong(f"{characters} characters, more than two pages hold")
    lines = len(texts) + sum(text.count("\n") for text in texts)
    if lines > MOST_LINES:
        raise TooLong(f"{lines} lines, more than two pages hold")


def _lines(blocks: tuple[Block, ...]) -> Iterator[tuple[Span, ...]]:
    """A paragraph's spans, or those of each item of a list."""
    for block in blocks:
        yield from block.items if isinstance(block, Bullets) else (block.spans,)


def _text(spans: tuple[Span, ...]) -> str:
    return "".join(span.text for span in spans)


def _count_lines(blocks: tuple[Block, ...]) -> float:
    texts = map(_text, _lines(blocks))
    return sum(1 + text.count("\n") + len(text) / LINE for text in texts)


def _has_text(block: Block) -> bool:
    return any(_text(spans).strip() for spans in _lines((block,)))


def _as_data(request: LetterRequest, setting: Setting) -> dict[str, Any]:
    composition = request.composition
    blocks = tuple(filter(_has_text, composition.blocks))

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
            for block in blocks
        ],
        "long_closing": _count_lines(blocks[-1:]) > LONG_CLOSING,
        "signature": [mark(text) for text in composition.signature],
        "reference": composition.reference,
        "layout": _layout_data(request.layout),
        "matrix": _matrix_data(request),
        "fold_marks": request.layout.fold_marks if request.fold_marks else (),
    }


_layout_data = cache(asdict)  # a handful of layouts, asked for once a letter


def _matrix_data(request: LetterRequest) -> dict[str, Any] | None:
    if not request.matrix:
        return None
    return asdict(matrix_of(request.matrix, width=request.layout.matrix.width))
