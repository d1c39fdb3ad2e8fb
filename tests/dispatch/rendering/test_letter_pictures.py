"""Letters look as they did when somebody last looked at them: golden/*.png, 72 dpi, 16 greys.

A missing picture is written, and its test fails until a person has looked at it and committed it.
"""

import io
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageStat

from services.dispatch.rendering.layouts import LAYOUTS, Layout
from services.dispatch.rendering.letter import LetterPress
from shared.pages import page_picture
from tests.dispatch.rendering.letters import ADDRESS, SAMPLES, a_letter, paragraphs

GOLDEN = Path(__file__).with_name("golden")
MEAN_DIFFERENCE = 0.5  # of 255: another build of PDFium smooths its edges a little differently
WORST_DIFFERENCE = 24  # in any square of 8 pixels: a mark or a letter has moved


@pytest.fixture(scope="module")
def press(tmp_path_factory: pytest.TempPathFactory) -> LetterPress:
    return LetterPress(tmp_path_factory.mktemp("press"))


@pytest.mark.parametrize("language", SAMPLES)
def test_the_letter_looks_the_same(press: LetterPress, language: str) -> None:
    letter = press.typeset(a_letter(language))

    assert_looks_as(f"{language}.png", page_picture(letter.pdf, 0, dpi=72))


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_a_full_letter_looks_the_same_in_every_layout(press: LetterPress, layout: Layout) -> None:
    letter = press.typeset(
        a_letter(
            layout=layout,
            address=("Her Excellency the Minister", *ADDRESS),
            matrix="01938f2e-7c1b-7a55-8c3e-2d1c4b5a6978",
            fold_marks=True,
        )
    )

    assert_looks_as(f"layout-{layout.name}.png", page_picture(letter.pdf, 0, dpi=72))


@pytest.mark.parametrize("page", [0, 1])
def test_a_letter_of_two_pages_looks_the_same(press: LetterPress, page: int) -> None:
    letter = press.typeset(a_letter(blocks=paragraphs(9)))

    assert_looks_as(f"two-pages-{page + 1}.png", page_picture(letter.pdf, page, dpi=72))


def assert_looks_as(name: str, picture: bytes) -> None:
    image = Image.open(io.BytesIO(picture)).convert("L")
    path = GOLDEN / name
    if not path.exists():
        image.quantize(16).save(path, optimize=True)
        pytest.fail(f"golden/{name} was missing and is written now: look at it, then run again")
    difference = ImageChops.difference(image, Image.open(path).convert("L"))
    # Sixteen greys are up to 9 away from the true one; only more than that is a difference.
    difference = difference.point(lambda value: max(0, value - 9))

    squares = difference.reduce(8)

    assert ImageStat.Stat(difference).mean[0] < MEAN_DIFFERENCE
    assert max(squares.tobytes()) < WORST_DIFFERENCE
