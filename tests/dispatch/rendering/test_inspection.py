"""The inspection finds what is wrong with a page, and names it."""

import io
from collections.abc import Callable
from dataclasses import replace

import pikepdf
import pytest

from services.dispatch.rendering.faults import Check, PageFault
from services.dispatch.rendering.inspection import MM, inspect_file, inspect_print
from services.dispatch.rendering.layouts import DIN_5008_B, LAYOUTS, PINGEN_LEFT, Box, Layout
from services.dispatch.rendering.letter import LetterPress
from tests.dispatch.rendering.letters import ADDRESS, a_letter

SENDER = "Writ, 12 Example Street, Dublin"
LINES = (SENDER, *ADDRESS)


@pytest.fixture(scope="module")
def press(tmp_path_factory: pytest.TempPathFactory) -> LetterPress:
    return LetterPress(tmp_path_factory.mktemp("press"))


@pytest.fixture(scope="module")
def pdf(press: LetterPress) -> bytes:
    return press.typeset(a_letter()).pdf


def changed(
    pdf: bytes,
    change: Callable[[pikepdf.Pdf], object],
    encryption: pikepdf.Encryption | None = None,
) -> bytes:
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(pdf)) as document:
        change(document)
        document.save(out, encryption=encryption or False)
    return out.getvalue()


def unembed(document: pikepdf.Pdf) -> None:
    font = next(iter(document.pages[0].resources.Font.as_dict().values()))
    descriptor = font.DescendantFonts[0].FontDescriptor
    for name in ("/FontFile", "/FontFile2", "/FontFile3"):
        if name in descriptor:
            del descriptor[name]


def draw(document: pikepdf.Pdf, code: str, *, first: bool = True) -> None:
    document.pages[0].contents_add(document.make_stream(code.encode()), prepend=first)


def set_key(document: pikepdf.Pdf, key: str) -> None:
    document.Root[key] = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS=pikepdf.String("1"))


def test_a_good_letter_passes(pdf: bytes) -> None:
    assert inspect_file(pdf) == 1
    inspect_print(pdf, layout=DIN_5008_B, lines=LINES)


@pytest.mark.parametrize(
    "key",
    [
        pytest.param("/OpenAction", id="an action"),
        pytest.param("/AA", id="actions on events"),
        pytest.param("/AcroForm", id="a form"),
        pytest.param("/Names", id="a named script"),
    ],
)
def test_a_file_that_could_do_something_is_refused(pdf: bytes, key: str) -> None:
    active = changed(pdf, lambda document: set_key(document, key))

    with pytest.raises(PageFault) as caught:
        inspect_file(active)

    assert caught.value.check is Check.FILE


@pytest.mark.parametrize(
    ("check", "change"),
    [
        pytest.param(Check.SIZE, lambda pdf: pdf.pages[0].rotate(90, relative=False), id="turned"),
        pytest.param(
            Check.SIZE,
            lambda pdf: setattr(pdf.pages[0], "mediabox", [0, 0, 612, 792]),
            id="US Letter",
        ),
        pytest.param(
            Check.SIZE,
            lambda pdf: setattr(pdf.pages[0], "mediabox", [20, 0, 615, 842]),
            id="beside its own corner",
        ),
        pytest.param(Check.FONTS, unembed, id="a font left out"),
    ],
)
def test_a_page_no_printer_should_get_is_refused(
    pdf: bytes, check: Check, change: Callable[[pikepdf.Pdf], object]
) -> None:
    with pytest.raises(PageFault) as caught:
        inspect_print(changed(pdf, change), layout=DIN_5008_B, lines=LINES)

    assert caught.value.check is check


def test_an_encrypted_or_broken_file_is_refused(pdf: bytes) -> None:
    locked = changed(pdf, lambda _: None, pikepdf.Encryption(owner="o", user="u"))
    restricted = changed(pdf, lambda _: None, pikepdf.Encryption(owner="o", user=""))

    for file in (locked, restricted, b"no pdf", b""):
        with pytest.raises(PageFault, match="file"):
            inspect_file(file)


@pytest.mark.parametrize(
    ("check", "code"),
    [
        pytest.param(Check.PAPER, "1 0 0 1 -60 0 cm", id="shifted off the paper"),
        pytest.param(Check.WINDOW_TEXT, "80 600 20 4 re f", id="a bar within the window"),
        pytest.param(Check.WINDOW_EDGE, "20 600 80 4 re f", id="a bar across the window's edge"),
    ],
)
def test_ink_in_the_wrong_place_is_refused(pdf: bytes, check: Check, code: str) -> None:
    with pytest.raises(PageFault) as caught:
        inspect_print(
            changed(pdf, lambda document: draw(document, code)), layout=DIN_5008_B, lines=LINES
        )

    assert caught.value.check is check


@pytest.mark.parametrize(
    ("check", "lines"),
    [
        pytest.param(Check.WINDOW_TEXT, ADDRESS, id="more printed than belongs there"),
        pytest.param(Check.WINDOW_TEXT, (SENDER, *ADDRESS[:-1], "EXAMPLIA"), id="another country"),
        pytest.param(Check.WINDOW_LINES, (*LINES, "one more"), id="a line without ink"),
    ],
)
def test_a_window_that_shows_something_else_is_refused(
    pdf: bytes, check: Check, lines: tuple[str, ...]
) -> None:
    with pytest.raises(PageFault) as caught:
        inspect_print(pdf, layout=DIN_5008_B, lines=lines)

    assert caught.value.check is check


def test_text_of_the_letter_in_the_window_is_refused(pdf: bytes) -> None:
    with pytest.raises(PageFault) as caught:
        inspect_print(pdf, layout=with_zone(Box(20, 45, 105, 115)), lines=LINES)  # to the subject

    assert caught.value.check is Check.WINDOW_TEXT


def with_zone(zone: Box) -> Layout:
    assert DIN_5008_B.window
    return replace(DIN_5008_B, window=replace(DIN_5008_B.window, zone=zone))


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_a_letter_passes_in_its_own_layout_alone(press: LetterPress, layout: Layout) -> None:
    letter = press.typeset(a_letter(layout=layout))

    for other in LAYOUTS.values():
        if other is not layout and other.window:
            with pytest.raises(PageFault):
                inspect_print(letter.pdf, layout=other, lines=other.window.lines(SENDER, ADDRESS))


@pytest.mark.parametrize("name", ["pingen_left", "pingen_right", "lob"])
def test_ink_where_others_print_is_refused(press: LetterPress, name: str) -> None:
    layout = LAYOUTS[name]
    letter = press.typeset(a_letter(layout=layout)).pdf
    left, _, _, bottom = layout.blank[0]
    bar = f"{(left + 5) * MM} {(layout.height - bottom + 5) * MM} 9 9 re f"

    with pytest.raises(PageFault) as caught:
        inspect_print(
            changed(letter, lambda document: draw(document, bar)), layout=layout, lines=()
        )

    assert caught.value.check is Check.BLANK


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("28 350 9 9 re f", id="a spot beside it"),
        pytest.param("40 350 9 9 re f", id="something across the edge"),
    ],
)
def test_a_matrix_with_something_else_in_its_place_is_refused(
    press: LetterPress, code: str
) -> None:
    letter = press.typeset(a_letter(matrix="D-1")).pdf

    with pytest.raises(PageFault) as caught:
        inspect_print(
            changed(letter, lambda document: draw(document, code)),
            layout=DIN_5008_B,
            lines=LINES,
            matrix=True,
        )

    assert caught.value.check is Check.MATRIX


def test_a_matrix_that_is_missing_or_elsewhere_is_refused(press: LetterPress, pdf: bytes) -> None:
    elsewhere = press.typeset(a_letter(layout=PINGEN_LEFT, matrix="D-1")).pdf
    moved = replace(PINGEN_LEFT, matrix=PINGEN_LEFT.matrix._replace(y=160))

    for letter, layout, lines in ((pdf, DIN_5008_B, LINES), (elsewhere, moved, ADDRESS)):
        with pytest.raises(PageFault) as caught:
            inspect_print(letter, layout=layout, lines=lines, matrix=True)
        assert caught.value.check is Check.MATRIX
