"""The inspection finds what is wrong with a page, and names it."""

import io
from collections.abc import Callable
from dataclasses import replace

import pikepdf
import pytest

from services.dispatch.rendering.faults import Check, PageFault
from services.dispatch.rendering.inspection import inspect_file, inspect_print
from services.dispatch.rendering.letter import LetterPress
from services.dispatch.rendering.window import DIN_5008_B
from tests.dispatch.rendering.letters import ADDRESS, a_letter

SENDER = "Writ, 12 Example Street, Dublin"
LINES = (SENDER, *ADDRESS)


@pytest.fixture(scope="module")
def pdf(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return LetterPress(tmp_path_factory.mktemp("press")).typeset(a_letter()).pdf


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
    inspect_print(pdf, window=DIN_5008_B, lines=LINES)


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
        inspect_print(changed(pdf, change), window=DIN_5008_B, lines=LINES)

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
            changed(pdf, lambda document: draw(document, code)), window=DIN_5008_B, lines=LINES
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
        inspect_print(pdf, window=DIN_5008_B, lines=lines)

    assert caught.value.check is check


def test_text_of_the_letter_in_the_window_is_refused(pdf: bytes) -> None:
    too_tall = replace(DIN_5008_B, zone_height=70)  # as far as the subject

    with pytest.raises(PageFault) as caught:
        inspect_print(pdf, window=too_tall, lines=LINES)

    assert caught.value.check is Check.WINDOW_TEXT
