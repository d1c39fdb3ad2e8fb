"""A DataMatrix as a vendor's machine would read it, off the printed page."""

from pathlib import Path

import pypdfium2
import pytest
import zxingcpp
from PIL import Image

from services.dispatch.rendering.faults import Check, PageFault
from services.dispatch.rendering.layouts import LAYOUTS, Layout
from services.dispatch.rendering.letter import LetterPress
from services.dispatch.rendering.matrix import matrix_of
from shared.pages import PDFIUM
from tests.dispatch.rendering.letters import a_letter

DPI = 300
ID = "01938f2e-7c1b-7a55-8c3e-2d1c4b5a6978"


@pytest.fixture(scope="module")
def press(tmp_path_factory: pytest.TempPathFactory) -> LetterPress:
    return LetterPress(tmp_path_factory.mktemp("press"))


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_a_scanner_reads_it_back_in_every_layout(press: LetterPress, layout: Layout) -> None:
    letter = press.typeset(a_letter(layout=layout, matrix=ID))

    assert read_within(letter.pdf, layout) == ID


@pytest.mark.parametrize("text", ["0", "WRIT-1/2;P=7", "a" * 60, "~!@#$%^&*()[]{}|"])
def test_what_it_says_is_what_was_asked(press: LetterPress, text: str) -> None:
    letter = press.typeset(a_letter(matrix=text))

    assert read_within(letter.pdf, LAYOUTS["din_5008_b"]) == text


def test_the_shape_is_the_one_that_another_library_draws() -> None:
    matrix = matrix_of(ID, width=12)
    theirs = zxingcpp.create_barcode(ID, zxingcpp.BarcodeFormat.DataMatrix)

    assert matrix.side == theirs.to_image(scale=1, add_quiet_zones=False).shape[0] + 4


@pytest.mark.parametrize(
    ("text", "width"),
    [
        pytest.param("Ñandú", 12, id="no ASCII"),
        pytest.param("1" * 4000, 12, id="more than any symbol holds"),
        pytest.param("a" * 300, 12, id="finer than toner"),
        pytest.param(ID, 6, id="too small a place"),
    ],
)
def test_what_no_machine_could_read_is_refused(text: str, width: float) -> None:
    with pytest.raises(PageFault) as caught:
        matrix_of(text, width=width)

    assert caught.value.check is Check.MATRIX
    assert text not in str(caught.value)


def test_a_letter_without_one_has_none(press: LetterPress, tmp_path: Path) -> None:
    letter = press.typeset(a_letter())

    assert read_within(letter.pdf, LAYOUTS["din_5008_b"]) is None


def read_within(pdf: bytes, layout: Layout) -> str | None:
    """What a scanner at DPI reads in the place for a matrix, and nowhere else."""
    with PDFIUM, pypdfium2.PdfDocument(pdf) as document:
        page = document[0].render(scale=DPI / 72, grayscale=True).to_pil()
    x, y, width = (mm / 25.4 * DPI for mm in layout.matrix)
    spot: Image.Image = page.crop((x, y, x + width, y + width))
    found = zxingcpp.read_barcode(spot)
    return found.text if found and found.format == zxingcpp.BarcodeFormat.DataMatrix else None
