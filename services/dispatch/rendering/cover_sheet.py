"""Sets the page that lies on top of a pile of letters: what it holds, where it goes, a QR code.

Owns: cover_sheet.typ, which says how the page looks.  In: `CoverSheetOrder`.  Out: a PDF/A of one
A4 page.  Faults: faults.py draws the tree.
"""

import io
from pathlib import Path
from typing import Any, Final

import segno

from services.dispatch.rendering.faults import TooLong
from services.dispatch.rendering.inspection import inspect_file
from services.dispatch.rendering.press import Press
from services.dispatch.rendering.scripts import setting_for, soften, starts_rtl
from shared.previews import CoverSheetOrder

TEMPLATE: Final = Path(__file__).with_name("cover_sheet.typ")


class CoverSheetPress(Press):
    """Sets cover sheets."""

    def __init__(self, workdir: Path) -> None:
        super().__init__(TEMPLATE, workdir)

    def typeset(self, order: CoverSheetOrder) -> bytes:
        """The page as PDF; the same order gives the same bytes.  Raises LetterFault."""
        pdf = self.print("sheet", _as_data(order))
        if (pages := inspect_file(pdf)) > 1:
            raise TooLong(f"{pages} pages, where one lies on top of a pile")
        return pdf


def qr_code(link: str) -> str:
    """An SVG; level M, which survives a fold or a stain (ISO/IEC 18004).

    Its quiet zone is the page's to leave: so the code stands in line with the text.
    """
    drawing = io.BytesIO()
    segno.make_qr(link, error="m").save(drawing, kind="svg", xmldecl=False, border=0)
    return drawing.getvalue().decode()


def _as_data(order: CoverSheetOrder) -> dict[str, Any]:
    setting = setting_for(order.language)
    send_to, lines = order.send_to
    label, number = order.number
    return {
        "families": setting.plain,
        "lang": setting.lang,
        "rtl": setting.rtl,
        "top": order.top,
        "heading": _said(order.title),
        "rows": [{"label": label, **_said(text)} for label, text in order.rows],
        "number": {"label": label, "text": number, "write": order.write},
        "send_to": {"label": send_to, "lines": [_said(line) for line in lines]},
        "qr": qr_code(order.link),
        "scan": order.scan,
        "link": order.link,
    }


def _said(text: str) -> dict[str, Any]:
    return {"text": soften(text), "rtl": starts_rtl(text)}
