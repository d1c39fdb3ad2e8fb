"""Reads a finished letter back, as the envelope and the print vendor will, in about 1 ms.

In: the PDF, its layout, and the lines that belong in its window. Out: the number of pages, or a
PageFault that names the check. It trusts nothing the template says: pikepdf judges what the file
could do, PDFium what is on its paper.
"""

import ctypes
import io
import re
import unicodedata
from collections.abc import Iterator
from typing import Any, Final

import pikepdf
import pypdfium2
import pypdfium2.raw as pdfium

from services.dispatch.rendering.faults import Check, PageFault
from services.dispatch.rendering.layouts import Box, Layout, Spot
from shared.pages import PDFIUM

MM: Final = 72 / 25.4
ACTIVE: Final = frozenset({"/OpenAction", "/AA", "/AcroForm"})

# Latin, Greek, Cyrillic, Armenian; Georgian and Ethiopic; signs; Chinese, Japanese, Korean: what
# PDFium gives back as it was written. Not the hyphen, nor spaces and marks without ink.
SURE: Final = re.compile(
    r"[!-,.-\u007e\u00a1-\u00ac\u00ae-\u02ff\u0370-\u0482\u048a-\u058f\u10a0-\u137f\u1e00-\u1fff"
    r"\u2013-\u2027\u2030-\u205e\u2070-\u23ff\u3001-\u9fff\uac00-\ud7af\uff00-\uffef]"
)


def inspect_file(pdf: bytes) -> int:
    """The number of pages of a file that opens and does nothing by itself.  Raises PageFault."""
    try:
        with pikepdf.open(io.BytesIO(pdf)) as document:
            names = document.Root.get("/Names", pikepdf.Dictionary())
            if document.is_encrypted or ACTIVE & set(document.Root.keys()) or names.keys():
                raise PageFault(Check.FILE)
            return len(document.pages)
    except (pikepdf.PdfError, pikepdf.PasswordError):
        raise PageFault(Check.FILE) from None


def inspect_print(
    pdf: bytes, *, layout: Layout, lines: tuple[str, ...], matrix: bool = False
) -> None:
    """Check what the paper and the window show; `lines` are those that belong in the window.

    `matrix` says that a DataMatrix was wanted.  Raises PageFault.
    """
    with PDFIUM, pypdfium2.PdfDocument(_uncoloured(pdf)) as document:
        for number, page in enumerate(document):
            printed = _inspect_page(page, layout)
            if number == 0:
                _check_blank(printed, layout.blank)
                if matrix:
                    _check_matrix(printed, layout.matrix)
                if layout.window:
                    _check_window(page, printed, zone=layout.window.zone, lines=lines)


def _uncoloured(pdf: bytes) -> bytes:
    """The same ink for half the time: no profile to compute and no XMP to parse at each load.

    The word in their place is as long as they are: objects are found by their offsets.
    """
    return pdf.replace(b"/ICCBased", b"/Unlooked").replace(b"/Metadata", b"/Unlooked")


def _inspect_page(page: pypdfium2.PdfPage, layout: Layout) -> list[tuple[Any, Box]]:
    """Every object with ink on a page of the right size, upright, with its fonts embedded."""
    size = (0, 0, layout.width * MM, layout.height * MM)
    box = page.get_mediabox(fallback_ok=False) or (0, 0, 0, 0)
    off = [abs(edge - wanted) for edge, wanted in zip(box, size, strict=True)]
    if max(off) > 1 or page.get_rotation() != 0:
        raise PageFault(Check.SIZE)
    # Straight to PDFium: Arabic has an object a glyph, hundreds a page.
    count = pdfium.FPDFPage_CountObjects(page)
    things = [pdfium.FPDFPage_GetObject(page, index) for index in range(count)]
    if not all(map(_embedded, things)):
        raise PageFault(Check.FONTS)
    printed = list(_printed(things, page.get_height()))
    if not all(layout.printable.holds(box) for _, box in printed):
        raise PageFault(Check.PAPER)
    return printed


def _embedded(thing: Any) -> bool:
    font = pdfium.FPDFTextObj_GetFont(thing)  # none where it is no text
    return not font or bool(pdfium.FPDFFont_GetIsEmbedded(font))


def _printed(things: list[Any], height: float) -> Iterator[tuple[Any, Box]]:
    left, bottom, right, top = (ctypes.c_float() for _ in range(4))
    for thing in things:
        pdfium.FPDFPageObj_GetBounds(thing, left, bottom, right, top)
        if left.value != right.value:  # else a space
            yield (
                thing,
                Box(
                    left.value / MM,
                    (height - top.value) / MM,
                    right.value / MM,
                    (height - bottom.value) / MM,
                ),
            )


def _check_blank(printed: list[tuple[Any, Box]], blank: tuple[Box, ...]) -> None:
    if any(area.meets(box) for area in blank for _, box in printed):
        raise PageFault(Check.BLANK)


def _check_matrix(printed: list[tuple[Any, Box]], spot: Spot) -> None:
    """One square drawing and nothing else, for a machine looks for it there alone."""
    square = Box(spot.x, spot.y, spot.x + spot.width, spot.y + spot.width)
    shown = [(thing, box) for thing, box in printed if square.meets(box)]
    if len(shown) != 1:
        raise PageFault(Check.MATRIX)
    ((thing, box),) = shown
    wide, high = box.right - box.left, box.bottom - box.top
    if _baseline(thing) is not None or not square.holds(box) or abs(wide - high) > 0.1:
        raise PageFault(Check.MATRIX)


def _check_window(
    page: pypdfium2.PdfPage, printed: list[tuple[Any, Box]], *, zone: Box, lines: tuple[str, ...]
) -> None:
    shown = []
    for thing, box in printed:
        if zone.meets(box):
            shown.append((thing, box))
        else:  # PDFium need not lay out the words of the whole letter
            pdfium.FPDFPageObj_SetIsActive(thing, False)
    if not all(zone.holds(box) for _, box in shown):
        raise PageFault(Check.WINDOW_EDGE)
    baselines = [_baseline(thing) for thing, _ in shown]
    if len(set(baselines) - {None}) < len(lines):
        raise PageFault(Check.WINDOW_LINES)
    # The one drawing that belongs here is the rule under the sender.
    if baselines.count(None) > 1 or not _reads_as(_text_in(page, zone), lines):
        raise PageFault(Check.WINDOW_TEXT)


def _baseline(thing: Any) -> float | None:
    """Where a text stands, in points; a rule has none."""
    if pdfium.FPDFPageObj_GetType(thing) != pdfium.FPDF_PAGEOBJ_TEXT:
        return None
    matrix = pdfium.FS_MATRIX()
    pdfium.FPDFPageObj_GetMatrix(thing, matrix)
    return round(float(matrix.f), 1)


def _text_in(page: pypdfium2.PdfPage, zone: Box) -> str:
    height = page.get_height()
    words = page.get_textpage()
    text: str = words.get_text_bounded(
        left=zone.left * MM,
        bottom=height - zone.bottom * MM,
        right=zone.right * MM,
        top=height - zone.top * MM,
    )
    words.close()
    return text


def _reads_as(text: str, lines: tuple[str, ...]) -> bool:
    """True when the zone holds the characters it should, no more and no fewer, in whatever order.

    PDFium turns the words of a line around where most of the page runs from right to left, and
    swallows a hyphen at the end of a line. Arabic, Hebrew, Indic, Thai, Khmer and Burmese come
    back in parts, whatever wrote the PDF: their ink is counted, and the rest of their lines read.
    """
    return _inventory(text) == _inventory("".join(lines))


def _inventory(text: str) -> list[str]:
    return sorted(SURE.findall(unicodedata.normalize("NFKC", text)))
