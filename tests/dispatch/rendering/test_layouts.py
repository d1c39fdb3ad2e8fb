"""Layouts are numbers: these hold them against one another and against what they stand for."""

import pytest

from services.dispatch.rendering.layouts import LAYOUTS, Box, Layout, Window
from services.dispatch.rendering.letter import MOST_ADDRESS_LINES

SMALLEST_LINE = 8 * 1.3 * 25.4 / 72  # mm: 8 points and their pitch
LEAST_SENDER = 60  # mm

WITH_WINDOW = [
    pytest.param(layout, layout.window, id=layout.name)
    for layout in LAYOUTS.values()
    if layout.window
]


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
class TestOnItsPaper:
    def test_everything_has_its_place(self, layout: Layout) -> None:
        paper = Box(0, 0, layout.width, layout.height)

        assert paper.holds(layout.printable)
        assert layout.printable.holds(layout.margins)
        assert layout.printable.holds(matrix_box(layout))
        assert all(paper.holds(area) for area in layout.blank)

    def test_the_letter_begins_below_all_that_is_not_its_own(self, layout: Layout) -> None:
        zones = (layout.window.zone,) if layout.window else ()

        assert all(area.bottom < layout.body_y for area in (*layout.blank, *zones))

    def test_the_matrix_meets_neither_text_nor_window(self, layout: Layout) -> None:
        below = layout.margins._replace(top=layout.body_y)
        zones = (layout.window.zone,) if layout.window else ()

        assert not any(matrix_box(layout).meets(box) for box in (below, *layout.blank, *zones))

    def test_it_is_found_by_its_name(self, layout: Layout) -> None:
        assert LAYOUTS[layout.name] is layout


@pytest.mark.parametrize(("layout", "window"), WITH_WINDOW)
class TestWindow:
    def test_the_zone_holds_six_lines_of_an_address(self, layout: Layout, window: Window) -> None:
        _, top, _, bottom = window.address

        assert window.zone.holds(window.address)
        assert bottom - top > (MOST_ADDRESS_LINES - 1) * SMALLEST_LINE
        assert not any(area.meets(window.zone) for area in layout.blank)

    def test_the_sender_is_whole_in_the_zone_or_whole_outside(
        self, layout: Layout, window: Window
    ) -> None:
        x, y, width = window.sender
        line = Box(x, y, x + width, y + 4)

        assert width >= LEAST_SENDER
        assert window.zone.holds(line) or not window.zone.meets(line)
        assert not any(area.meets(line) for area in layout.blank)


def test_a_window_shows_the_sender_only_where_it_is_meant_to() -> None:
    german, swiss = LAYOUTS["din_5008_b"].window, LAYOUTS["pingen_right"].window
    assert german
    assert swiss

    assert german.lines("Writ, Dublin", ("Office", "FRANCE")) == (
        "Writ, Dublin",
        "Office",
        "FRANCE",
    )
    assert german.lines("", ("Office", "FRANCE")) == ("Office", "FRANCE")
    assert swiss.lines("Writ, Dublin", ("Office", "FRANCE")) == ("Office", "FRANCE")


def matrix_box(layout: Layout) -> Box:
    x, y, width = layout.matrix
    return Box(x, y, x + width, y + width)
