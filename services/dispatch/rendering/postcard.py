"""Sets one postcard: a picture, a message and perhaps an address in, a checked PDF/A out.

Owns: postcard.typ, which says how a card looks; cards.py says what it measures. The first page is
the picture, the second the message. Every PDF is read back.  Faults: faults.py draws the tree.
"""

import hashlib
import io
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import pikepdf

from services.dispatch.rendering.card_inspection import inspect_card
from services.dispatch.rendering.cards import Card
from services.dispatch.rendering.compose import Block, Bullets, Composition, Span
from services.dispatch.rendering.faults import AddressDoesNotFit, TooLong
from services.dispatch.rendering.inspection import inspect_file
from services.dispatch.rendering.picture import fit_picture, read_picture
from services.dispatch.rendering.press import Press
from services.dispatch.rendering.scripts import marked, setting_for, stands_tall, starts_rtl

TEMPLATE: Final = Path(__file__).with_name("postcard.typ")
SIDES: Final = 2
SIZES: Final = (11, 10, 9, 8, 7.5)  # points; the largest in which the message fits
MOST_CHARACTERS: Final = 3_000  # three times what a card holds
MOST_ADDRESS_LINES: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class PostcardRequest:
    """What one card says, shows, and to whom.  Text is clean already (shared/text.py)."""

    composition: Composition  # its subject is the document's title, and not printed
    picture: str  # a JPEG or PNG, below the press's folder of pictures
    card: Card
    address: tuple[str, ...]  # none where the vendor prints it: its area then stays without ink
    sender: str = ""  # small, at the foot


@dataclass(frozen=True, slots=True, kw_only=True)
class Postcard:
    """A card ready to print: PDF/A-2u of two pages, with bleed (MediaBox) and cut (TrimBox)."""

    pdf: bytes


class PostcardPress(Press):
    """Sets postcards, and reads each back.

    Typst may read one folder: the template and the pictures that were made ready are put into one
    below `workdir`, which holds nothing else.
    """

    def __init__(self, workdir: Path, *, pictures: Path) -> None:
        self._room = workdir / "postcards"
        self._room.mkdir(parents=True, exist_ok=True)
        self._pictures = pictures
        self._ready = lru_cache(maxsize=64)(self._make_ready)
        template = self._room / TEMPLATE.name
        _put(template, TEMPLATE.read_bytes())
        super().__init__(template, workdir)

    def typeset(self, request: PostcardRequest) -> Postcard:
        """The card as a checked PDF; the same request gives the same bytes.  Raises LetterFault."""
        _check_limits(request)
        path = (self._pictures / request.picture).resolve()
        changed = path.stat().st_mtime_ns if path.is_file() else 0
        picture = self._ready(request.picture, changed, request.card)
        pdf = self.print("card", {**_as_data(request), "picture": picture})
        if inspect_file(pdf) > SIDES:
            raise TooLong("the message does not fit the card, even at the smallest size")
        inspect_card(pdf, card=request.card, lines=request.address)
        return Postcard(pdf=pdf)

    def _make_ready(self, name: str, changed: int, card: Card) -> str:
        """The name, below the room, of the picture as it is printed.

        `changed` tells the file from one that stood there before; it is part of the cache's key.
        """
        content = fit_picture(read_picture(self._pictures, name), card)
        ready = f"{hashlib.sha256(content).hexdigest()}.jpg"
        _put(self._room / ready, content)
        return ready


def sides(postcard: Postcard) -> tuple[bytes, bytes]:
    """Picture and message as files of their own, for vendors that take them so (Lob)."""
    return _without(postcard.pdf, 1), _without(postcard.pdf, 0)


def _without(pdf: bytes, side: int) -> bytes:
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(pdf)) as whole:
        del whole.pages[side]
        whole.save(out, deterministic_id=True)
    return out.getvalue()


def _put(path: Path, content: bytes) -> None:
    """Whole at once: another thread or process may be putting the same file there."""
    if path.exists() and path.read_bytes() == content:
        return
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as fresh:
        fresh.write(content)
    Path(fresh.name).replace(path)


def _check_limits(request: PostcardRequest) -> None:
    lines = request.address
    if len(lines) > MOST_ADDRESS_LINES or not all(map(str.strip, lines)):
        raise AddressDoesNotFit(
            f"{len(lines)} lines, where {MOST_ADDRESS_LINES} fit and none may be empty"
        )
    spans = (span for line in _lines(request.composition.blocks) for span in line)
    if (characters := sum(len(span.text) for span in spans)) > MOST_CHARACTERS:
        raise TooLong(f"{characters} characters, more than a postcard holds")


def _lines(blocks: tuple[Block, ...]) -> Iterator[tuple[Span, ...]]:
    """A card has no room for lists: each point is a paragraph with its dot."""
    for block in blocks:
        if isinstance(block, Bullets):
            yield from ((Span("• "), *item) for item in block.items)
        elif any(span.text.strip() for span in block.spans):
            yield block.spans


def _as_data(request: PostcardRequest) -> dict[str, Any]:
    composition = request.composition
    setting = setting_for(composition.language)

    def alone(text: str) -> dict[str, str | bool]:
        return {"text": text, "rtl": starts_rtl(text)}

    return {
        "form": asdict(request.card),
        "families": setting.families,
        "plain": setting.plain,
        "lang": setting.lang,
        "region": setting.region,
        "rtl": setting.rtl,
        "cjk": setting.cjk,
        "pitch": setting.pitch,
        "sizes": SIZES,
        "title": composition.subject,
        "lines": [
            [(marked(span.text, setting), span.bold, span.italic) for span in line]
            for line in _lines(composition.blocks)
        ],
        "signature": [marked(text, setting) for text in composition.signature],
        "reference": composition.reference,
        "sender": alone(request.sender),
        "address": [alone(text) for text in request.address],
        "address_pitch": 1.55 if any(map(stands_tall, request.address)) else 1.3,
    }
