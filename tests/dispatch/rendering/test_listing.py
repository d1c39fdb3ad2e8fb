"""Lists on paper: rows of one height, and cells that say whether they are long."""

import pytest

from services.dispatch.rendering.layouts import DIN_5008_B, US_10, Layout
from services.dispatch.rendering.listing import Columns, Frame, Sheets

COLUMNS = Columns(heads=("No.", "Name"), shares=(1, 4), figures=(0,), bands=2)


def sheets(language: str = "en", layout: Layout = DIN_5008_B) -> Sheets:
    frame = Frame(title="A list", language=language, reference="R-1", layout=layout)
    return Sheets(frame, COLUMNS, heading="List")


def test_rows_are_dealt_down_one_band_and_then_the_next() -> None:
    pages = list(sheets().pages((str(n), "") for n in range(1, 131)))

    assert sheets().rows_a_page == 100
    assert [[len(band) for band in page] for page in pages] == [[50, 50], [30]]
    assert pages[0][1][0][0] == "51"
    assert sheets().pages_for(130) == 2
    assert sheets().pages_for(0) == 0


def test_shorter_paper_holds_fewer_rows() -> None:
    assert sheets(layout=US_10).rows_a_page == 94


@pytest.mark.parametrize(
    ("text", "language", "cell"),
    [
        ("Ana Beispiel", "en", "Ana Beispiel"),
        ("", "en", "\u00a0"),
        ("ليلى منصور", "en", "\u2068ليلى منصور\u2069"),
        ("ليلى منصور", "ar", "ليلى منصور"),
        ("Ana Beispiel", "ar", "\u2068Ana Beispiel\u2069"),
        ("Ana " * 11, "en", {"long": "Ana " * 11}),
    ],
)
def test_what_was_typed_becomes_a_cell(text: str, language: str, cell: object) -> None:
    assert sheets(language).typed(text, 1) == cell


@pytest.mark.parametrize("letter", ["a", "W", "王", "ﷺ"])
def test_what_two_lines_would_not_hold_ends_in_an_ellipsis(letter: str) -> None:
    cell = sheets().typed(letter * 200, 1)

    assert isinstance(cell, dict)
    words = cell["long"].strip("\u2068\u2069").replace("\u200b", "")
    assert words == letter * (len(words) - 1) + "…"
    assert 7 <= len(words) <= 90


def test_marks_take_no_width() -> None:
    assert sheets().typed("e\u0301" * 20, 1) == "e\u0301" * 20
