"""Reads a list back from paper, row by row, as somebody does who runs a finger along it."""

import io
from collections.abc import Iterator

import pypdfium2

from services.dispatch.rendering.inspection import MM
from services.dispatch.rendering.listing import BETWEEN_BANDS, HEAD, HEADING, MARGIN_TOP, MARGIN_X
from services.dispatch.rendering.listing import ROW as HEIGHT
from shared.pages import PDFIUM


def rows_of(pdf: bytes, page: int, *, bands: int = 2) -> list[str]:
    """What stands in each row of a page (counted from 1), without white space; none is empty."""
    with PDFIUM, pypdfium2.PdfDocument(io.BytesIO(pdf)) as document:
        sheet = document[page - 1]
        words = sheet.get_textpage()
        boxes = list(_boxes(sheet.get_width() / MM, sheet.get_height() / MM, bands))
        rows = [words.get_text_bounded(**box) for box in boxes]
    return [row for text in rows if (row := "".join(text.split()))]


def _boxes(width: float, height: float, bands: int) -> Iterator[dict[str, float]]:
    band = (width - 2 * MARGIN_X + BETWEEN_BANDS) / bands
    top = MARGIN_TOP + HEADING + HEAD
    rows = int((height - top - 17) / HEIGHT)
    for number in range(bands):
        for row in range(rows):
            middle = height - top - (row + 0.5) * HEIGHT
            yield {
                "left": (MARGIN_X + number * band - 1) * MM,
                "right": (MARGIN_X + (number + 1) * band - BETWEEN_BANDS + 1) * MM,
                "top": (middle + 1.2) * MM,
                "bottom": (middle - 1.2) * MM,
            }
