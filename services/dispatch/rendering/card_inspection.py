"""Reads a finished postcard back, as the print vendor and the post will.

In: the PDF, the card's measures, and the lines that belong in the address's area.  Out: nothing, or
a PageFault that names the check.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from typing import Final

import pypdfium2
import pypdfium2.raw as pdfium

from services.dispatch.rendering.cards import Card
from services.dispatch.rendering.faults import Check, PageFault
from services.dispatch.rendering.inspection import MM, SURE
from services.dispatch.rendering.layouts import Box
from shared.pages import PDFIUM

SIDES: Final = 2
CLOSE: Final = 0.3  # millimetres: what a cut differs by anyhow
OVERHANG: Final = 1.5  # millimetres that a mark may stand out of its line: Thai, Burmese, an italic
TEXT, IMAGE = pdfium.FPDF_PAGEOBJ_TEXT, pdfium.FPDF_PAGEOBJ_IMAGE

Ink = tuple[pypdfium2.PdfObject, Box]


def inspect_card(pdf: bytes, *, card: Card, lines: Sequence[str]) -> None:
    """Check both sides; `lines` are the address's, none where the vendor prints it.

    Raises PageFault.
    """
    with PDFIUM, pypdfium2.PdfDocument(pdf) as document:
        if len(document) != SIDES:
            raise PageFault(Check.SIZE)
        picture, message = document
        for side in (picture, message):
            _check_size(side, card)
        _check_picture(list(_ink(picture, card)), card)
        ink = list(_ink(message, card))
        _check_message(ink, card)
        _check_zone(message, ink, card=card, lines=lines)


def _check_size(side: pypdfium2.PdfPage, card: Card) -> None:
    bleed, wide, high = card.bleed * MM, card.width * MM, card.height * MM
    wanted = (
        (0, 0, wide + 2 * bleed, high + 2 * bleed),
        (bleed, bleed, bleed + wide, bleed + high),
    )
    found = (
        side.get_mediabox(fallback_ok=False) or (0, 0, 0, 0),
        side.get_trimbox(fallback_ok=False) or (0, 0, 0, 0),
    )
    off = (
        abs(edge - right)
        for box, good in zip(found, wanted, strict=True)
        for edge, right in zip(box, good, strict=True)
    )
    if max(off) > CLOSE * MM or side.get_rotation() != 0:
        raise PageFault(Check.SIZE)


def _ink(side: pypdfium2.PdfPage, card: Card) -> Iterator[Ink]:
    """Everything that is printed, and where: from the edge of the card as it is cut."""
    height = side.get_height()
    for thing in side.get_objects(max_depth=1):
        if thing.type == TEXT and not pdfium.FPDFFont_GetIsEmbedded(
            pdfium.FPDFTextObj_GetFont(thing.raw)
        ):
            raise PageFault(Check.FONTS)
        left, bottom, right, top = thing.get_bounds()
        if left != right:  # else a space
            yield (
                thing,
                Box(
                    left / MM - card.bleed,
                    (height - top) / MM - card.bleed,
                    right / MM - card.bleed,
                    (height - bottom) / MM - card.bleed,
                ),
            )


def _check_picture(ink: Sequence[Ink], card: Card) -> None:
    """One picture, over the card and its bleed: a white edge shows every cut."""
    inside = CLOSE - card.bleed
    sheet = Box(inside, inside, card.width - inside, card.height - inside)
    if [thing.type for thing, _ in ink] != [IMAGE] or not ink[0][1].holds(sheet):
        raise PageFault(Check.PAPER)


def _check_message(ink: Sequence[Ink], card: Card) -> None:
    quiet = card.quiet - OVERHANG
    safe = Box(quiet, quiet, card.width - quiet, card.height - quiet)
    if not all(safe.holds(box) for _, box in ink):
        raise PageFault(Check.PAPER)


def _check_zone(
    side: pypdfium2.PdfPage, ink: Sequence[Ink], *, card: Card, lines: Sequence[str]
) -> None:
    zone = card.zone
    left, top, right, bottom = card.address
    place = Box(left - 1, top - 2, right, bottom + 2)  # accents stand higher, and tails lower
    shown = [(thing, box) for thing, box in ink if zone.meets(box)]
    if not all(thing.type == TEXT and place.holds(box) for thing, box in shown):
        raise PageFault(Check.WINDOW_EDGE)
    if len({round(thing.get_matrix().f, 1) for thing, _ in shown}) < len(lines):
        raise PageFault(Check.WINDOW_LINES)
    if _inventory(_text_in(side, zone, card)) != _inventory("".join(lines)):
        raise PageFault(Check.WINDOW_TEXT)


def _text_in(side: pypdfium2.PdfPage, zone: Box, card: Card) -> str:
    height = side.get_height()
    words = side.get_textpage()
    text: str = words.get_text_bounded(
        left=(zone.left + card.bleed) * MM,
        bottom=height - (zone.bottom + card.bleed) * MM,
        right=(zone.right + card.bleed) * MM,
        top=height - (zone.top + card.bleed) * MM,
    )
    words.close()
    return text


def _inventory(text: str) -> list[str]:
    """The characters that PDFium gives back as they were written, in whatever order."""
    return sorted(SURE.findall(unicodedata.normalize("NFKC", text)))
