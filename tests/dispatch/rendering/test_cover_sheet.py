"""The page on top of a pile: it says what it should, and its code leads where it should."""

import io
import itertools

import pypdfium2
import pytest
import segno
from PIL import Image

from services.dispatch.rendering.cover_sheet import CoverSheetPress
from services.dispatch.rendering.faults import GlyphMissing, TooLong
from services.dispatch.rendering.inspection import inspect_file
from shared.pages import PDFIUM, page_picture
from tests.dispatch.rendering.sheets import LINK, a_sheet

DPI = 288
DARK = 128


@pytest.fixture(scope="module")
def press(tmp_path_factory: pytest.TempPathFactory) -> CoverSheetPress:
    return CoverSheetPress(tmp_path_factory.mktemp("press"))


def test_it_is_one_page_and_says_what_was_asked(press: CoverSheetPress) -> None:
    pdf = press.typeset(a_sheet())

    said = text_of(pdf)
    assert inspect_file(pdf) == 1
    for words in ("Mikita Zalatarou", "A school", "Friends of Letters", "Write the number here"):
        assert words in said


def test_a_number_that_is_known_is_printed(press: CoverSheetPress) -> None:
    said = text_of(press.typeset(a_sheet(number=("How many", "12,500"))))

    assert "12,500" in said
    assert "Write the number here" not in said


def test_the_printed_code_is_that_of_the_link(press: CoverSheetPress) -> None:
    picture = Image.open(io.BytesIO(page_picture(press.typeset(a_sheet()), 0, DPI)))

    assert modules(picture) == [[bool(one) for one in row] for row in segno.make_qr(LINK).matrix]


@pytest.mark.parametrize("name", ["مدرسة النور", "高中", "โรงเรียน", "Żółw & Söhne <b>#link</b>"])
def test_a_name_in_any_script_is_set_as_written(name: str, press: CoverSheetPress) -> None:
    said = press.typeset(a_sheet(rows=(("Organiser", name),)))

    assert inspect_file(said) == 1


def test_what_no_font_has_is_told_by_its_number(press: CoverSheetPress) -> None:
    with pytest.raises(GlyphMissing, match=r"U\+12000"):
        press.typeset(a_sheet(title="\U00012000"))


def test_what_runs_off_the_page_is_refused(press: CoverSheetPress) -> None:
    endless = tuple(("Organiser", "words " * 60) for _ in range(12))

    with pytest.raises(TooLong):
        press.typeset(a_sheet(rows=endless))


def test_the_same_sheet_is_the_same_file(press: CoverSheetPress) -> None:
    assert press.typeset(a_sheet()) == press.typeset(a_sheet())


def modules(picture: Image.Image) -> list[list[bool]]:
    """The code's squares, read where it is printed: it stands lowest of all at the left edge."""
    lower = picture.crop((0, picture.height * 3 // 4, picture.width // 2, picture.height))
    ink = lower.convert("L").point(lambda light: 255 if light < DARK else 0)
    columns = [x for x in range(ink.width) if ink.crop((x, 0, x + 1, ink.height)).getbbox()]
    gap = next(b for b, c in itertools.pairwise(columns) if c - b > DPI / 10)
    left, top, right, bottom = ink.crop((0, 0, gap + 1, ink.height)).getbbox() or (0, 0, 0, 0)
    size = len(segno.make_qr(LINK, error="m").matrix)
    centres = [int((number + 0.5) * (right - left) / size) for number in range(size)]
    assert abs((right - left) - (bottom - top)) <= 2
    return [[ink.getpixel((left + x, top + y)) == 255 for x in centres] for y in centres]


def text_of(pdf: bytes) -> str:
    with PDFIUM, pypdfium2.PdfDocument(pdf) as document:
        said = "".join(page.get_textpage().get_text_range() for page in document)
    return " ".join(said.split())
