"""Sets a template of ours as PDF/A: the one place that knows how Typst is called.

In: a template and its words, as JSON data, which are never read as markup.  Out: a PDF that nobody
has read back yet.  Faults: faults.py draws the tree.
"""

import re
import threading
from pathlib import Path
from typing import Final

import typst
from pydantic_core import to_json

from services.dispatch.rendering.faults import AddressDoesNotFit, Check, GlyphMissing, PageFault
from services.dispatch.rendering.fonts import load_fonts

PRINTED_AT: Final = 1_600_000_000  # PDF wants a date; one for all keeps equal pages equal
UNSHOWN: Final = re.compile(r'text `"(.+?)"` could not be displayed')
ESCAPED: Final = re.compile(r"\\u\{([0-9a-f]+)\}")


class Press:
    """Sets one template, from any number of threads at once.

    `workdir` is where Typst would look for packages; it stays empty, so a template can load none.
    """

    def __init__(self, template: Path, workdir: Path) -> None:
        """Verify and load the fonts, about 0.1 s: one press a process.  Raises FontFault."""
        self._template = template
        self._packages = workdir / "typst-packages"
        self._fonts = load_fonts()
        self._here = threading.local()

    def print(self, name: str, data: object) -> bytes:
        """The PDF; `name` is what the template calls its data.  Raises LetterFault."""
        try:
            pdf = self._compiler().compile(
                sys_inputs={name: to_json(data).decode()},
                format="pdf",
                timestamp=PRINTED_AT,
                pdf_standards="a-2u",
                pdf_tags=False,
            )
        except typst.TypstError as error:
            raise _fault_of(error) from None  # its message quotes the page
        if not isinstance(pdf, bytes):
            raise PageFault(Check.SET)
        return pdf

    def _compiler(self) -> typst.Compiler:
        # One a thread: two threads in one compiler raise "Already borrowed". Fonts are shared.
        if not hasattr(self._here, "compiler"):
            self._here.compiler = typst.Compiler(
                self._template,
                root=self._template.parent,
                font_paths=self._fonts,
                package_path=self._packages,
                package_cache_path=self._packages,
            )
        compiler: typst.Compiler = self._here.compiler
        return compiler


def _fault_of(error: typst.TypstError) -> Exception:
    """Our word for Typst's; the text it quotes stays behind."""
    if "ADDRESS_DOES_NOT_FIT" in error.message:
        return AddressDoesNotFit("a line is wider than the window, even at the smallest size")
    if unshown := UNSHOWN.findall(error.diagnostic):  # all of them; `message` has the first
        first, *others = (ESCAPED.sub(lambda it: chr(int(it[1], 16)), one) for one in unshown)
        return GlyphMissing(first, others="".join(others))
    return PageFault(Check.SET)
