"""What Pingen reads in a PDF, what it finds wrong with it, what it charges; knows no web framework.

Millimetres from the left and the top of the page.  Source: help.pingen.com, "Letter standards".
"""

import hashlib
from collections.abc import Mapping
from typing import Final

import pypdfium2
from pydantic import BaseModel, ConfigDict

from shared.pages import PDFIUM

MM: Final = 72 / 25.4
A4: Final = (210 * MM, 297 * MM)
ADDRESS: Final = (22.0, 60.0, 107.5, 85.5)  # left, top, right, bottom
POSTAGE: Final = (20.0, 40.0, 109.5, 60.0)  # stays blank
MOST_BYTES = 8_000_000
MOST_PAGES: Mapping[str, int] = {
    **dict.fromkeys(("DE", "AT", "BE", "FR"), 320),
    **{"GB": 500, "NL": 14, "IN": 16},
}
MOST_PAGES_ELSEWHERE = 120
# The last line of an address, where it is one of those that have a limit of their own.
COUNTRIES: Mapping[str, str] = {
    **dict.fromkeys(("GERMANY", "ALLEMAGNE", "DEUTSCHLAND"), "DE"),
    **dict.fromkeys(("AUSTRIA", "AUTRICHE"), "AT"),
    **dict.fromkeys(("BELGIUM", "BELGIQUE"), "BE"),
    **{"FRANCE": "FR", "UNITED KINGDOM": "GB", "ROYAUME-UNI": "GB"},
    **dict.fromkeys(("NETHERLANDS", "PAYS-BAS"), "NL"),
    **{"INDIA": "IN", "INDE": "IN"},
}
HOME = "CH"  # where there is no such line
CURRENCY = "CHF"
# Minor units: the first sheet with its envelope and postage, each further sheet, colour per page.
FIRST_SHEET, NEXT_SHEET, COLOUR_PAGE = 163, 12, 20
FAST = 60  # what another product than `cheap` costs on top


class Paper(BaseModel):
    """What was found in one file."""

    model_config = ConfigDict(frozen=True)

    sha256: str
    size: int  # bytes
    pages: int  # 0: it is no PDF
    upright_a4: bool
    address: tuple[str, ...]  # the lines in its window
    postage_free: bool

    @property
    def country(self) -> str:
        last = self.address[-1].upper() if self.address else ""
        return next((code for name, code in COUNTRIES.items() if name in last), HOME)


def look_at(pdf: bytes) -> Paper:
    """What Pingen sees in a file, whatever it is."""
    sha256 = hashlib.sha256(pdf).hexdigest()
    try:
        with PDFIUM, pypdfium2.PdfDocument(pdf) as document:
            sizes = [page.get_size() for page in document]
            first = document[0]
            return Paper(
                sha256=sha256,
                size=len(pdf),
                pages=len(sizes),
                upright_a4=all(_is_a4(*size) for size in sizes),
                address=_lines(first, ADDRESS),
                postage_free=not _lines(first, POSTAGE),
            )
    except (pypdfium2.PdfiumError, IndexError):
        return Paper(
            sha256=sha256,
            size=len(pdf),
            pages=0,
            upright_a4=False,
            address=(),
            postage_free=True,
        )


def issue(paper: Paper) -> str | None:
    """The code of the event that says why it cannot be sent; None where it can."""
    if not paper.pages:
        return "invalid_pdf_binary_content"
    if paper.size > MOST_BYTES:
        return "file_size_over_limit"
    if not paper.upright_a4:
        return "file_not_a4_portrait"
    if paper.pages > MOST_PAGES.get(paper.country, MOST_PAGES_ELSEWHERE):
        return "file_too_many_pages"
    if not paper.address or not paper.postage_free:
        return "content_failed_inspection"
    return None


def price(pages: int, *, duplex: bool, colour: bool, product: str) -> int:
    """What a letter costs, in minor units of CURRENCY."""
    sheets = -(-pages // 2) if duplex else pages
    on_top = (COLOUR_PAGE * pages if colour else 0) + (0 if product == "cheap" else FAST)
    return FIRST_SHEET + NEXT_SHEET * (sheets - 1) + on_top


def _is_a4(width: float, height: float) -> bool:
    return abs(width - A4[0]) <= 2 and abs(height - A4[1]) <= 2


def _lines(page: pypdfium2.PdfPage, zone: tuple[float, float, float, float]) -> tuple[str, ...]:
    left, top, right, bottom = zone
    height = page.get_height()
    words = page.get_textpage()
    text: str = words.get_text_bounded(
        left=left * MM, bottom=height - bottom * MM, right=right * MM, top=height - top * MM
    )
    words.close()
    return tuple(line.strip() for line in text.splitlines() if line.strip())
