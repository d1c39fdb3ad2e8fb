"""Pictures of PDF pages, and the one lock that PDFium needs.

Dispatch checks letters with PDFium and the console shows them. PDFium is not thread safe, not even
for two documents, so whoever calls it holds `PDFIUM` from opening a document to closing it.
"""

import io
import threading
from typing import Final

import pypdfium2

PDFIUM: Final = threading.Lock()

POINTS_PER_INCH: Final = 72
FINER: Final = 2  # PDFium puts letters on whole pixels: drawn larger, then reduced, they sit right


def page_picture(pdf: bytes, page: int, dpi: int = 96) -> bytes:
    """PNG of one page as it will be printed, in grey; about 12 ms at 96 dpi.

    `page` counts from 0.  Raises IndexError when there is no such page.
    """
    with PDFIUM, pypdfium2.PdfDocument(pdf) as document:
        if not 0 <= page < len(document):
            raise IndexError(f"page {page} of a document of {len(document)} pages")
        sheet = document[page]
        bitmap = sheet.render(scale=FINER * dpi / POINTS_PER_INCH, grayscale=True)
        image = bitmap.to_pil().reduce(FINER)
        bitmap.close()
        sheet.close()
    out = io.BytesIO()
    image.save(out, format="PNG")
    return out.getvalue()
