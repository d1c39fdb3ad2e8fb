"""Pictures of pages, for the console and the tests."""

import io

import pikepdf
import pytest
from PIL import Image

from shared.pages import page_picture


@pytest.fixture(scope="module")
def pdf() -> bytes:
    out = io.BytesIO()
    with pikepdf.new() as document:
        for _ in range(2):
            document.add_blank_page(page_size=(72, 144))
        document.save(out)
    return out.getvalue()


@pytest.mark.parametrize(("dpi", "size"), [(96, (96, 192)), (36, (36, 72))])
def test_a_picture_is_a_grey_png_of_the_page_at_its_size(
    pdf: bytes, dpi: int, size: tuple[int, int]
) -> None:
    image = Image.open(io.BytesIO(page_picture(pdf, 1, dpi=dpi)))

    assert (image.format, image.mode, image.size) == ("PNG", "L", size)


@pytest.mark.parametrize("page", [2, -1])
def test_a_page_that_is_not_there_is_an_index_error(pdf: bytes, page: int) -> None:
    with pytest.raises(IndexError, match="2 pages"):
        page_picture(pdf, page)
