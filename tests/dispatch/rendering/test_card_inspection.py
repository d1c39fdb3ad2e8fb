"""What is wrong with a finished postcard is found, and named."""

import io
from collections.abc import Callable
from dataclasses import replace

import pikepdf
import pytest

from services.dispatch.rendering.card_inspection import inspect_card
from services.dispatch.rendering.cards import A6, FOUR_BY_SIX
from services.dispatch.rendering.faults import Check, PageFault
from services.dispatch.rendering.layouts import Box
from services.dispatch.rendering.postcard import PostcardPress
from tests.dispatch.rendering.letters import ADDRESS
from tests.dispatch.rendering.postcards import a_card, put_picture


@pytest.fixture(scope="module")
def pdf(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    room = tmp_path_factory.mktemp("press")
    press = PostcardPress(room / "work", pictures=put_picture(room / "pictures"))
    return press.typeset(a_card()).pdf


def changed(pdf: bytes, change: Callable[[pikepdf.Pdf], object]) -> bytes:
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(pdf)) as document:
        change(document)
        document.save(out)
    return out.getvalue()


def drawn(side: int, what: str) -> Callable[[pikepdf.Pdf], object]:
    """More ink on one side; lengths are points, from the left lower corner of the bleed."""

    def draw(document: pikepdf.Pdf) -> None:
        content = pikepdf.Stream(document, what.encode())
        document.pages[side].contents_add(content, prepend=False)

    return draw


def untrimmed(document: pikepdf.Pdf) -> None:
    del document.pages[1].obj["/TrimBox"]


def turned(document: pikepdf.Pdf) -> None:
    document.pages[1].obj["/Rotate"] = 90


def without_picture(document: pikepdf.Pdf) -> None:
    document.pages[0].Contents = pikepdf.Stream(document, b"")


def with_one_side(document: pikepdf.Pdf) -> None:
    del document.pages[0]


def with_other_fonts(document: pikepdf.Pdf) -> None:
    font = pikepdf.Dictionary(Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1)
    font.BaseFont = pikepdf.Name.Courier
    name = document.pages[1].add_resource(document.make_indirect(font), pikepdf.Name.Font)
    drawn(1, f"q BT {name} 9 Tf 30 100 Td (x) Tj ET Q")(document)


def test_a_good_card_passes(pdf: bytes) -> None:
    inspect_card(pdf, card=A6, lines=ADDRESS)


@pytest.mark.parametrize(
    ("change", "check"),
    [
        (untrimmed, Check.SIZE),
        (turned, Check.SIZE),
        (with_one_side, Check.SIZE),
        (without_picture, Check.PAPER),
        (drawn(0, "q 0 g 50 50 90 90 re f Q"), Check.PAPER),
        (drawn(1, "q 0 g 2 100 9 9 re f Q"), Check.PAPER),
        (drawn(1, "q 0 g 300 250 20 20 re f Q"), Check.WINDOW_EDGE),
        (drawn(1, "q 0 g 240 120 20 9 re f Q"), Check.WINDOW_EDGE),
        (with_other_fonts, Check.FONTS),
    ],
)
def test_what_is_wrong_is_named(
    pdf: bytes, change: Callable[[pikepdf.Pdf], object], check: Check
) -> None:
    with pytest.raises(PageFault) as fault:
        inspect_card(changed(pdf, change), card=A6, lines=ADDRESS)

    assert fault.value.check is check


@pytest.mark.parametrize(
    ("lines", "check"),
    [
        (ADDRESS[:-1], Check.WINDOW_TEXT),
        ((*ADDRESS, "PLANET EARTH"), Check.WINDOW_LINES),
        ((*ADDRESS[:-1], "EXAMPLANE"), Check.WINDOW_TEXT),
        ((), Check.WINDOW_TEXT),
    ],
)
def test_another_address_than_the_one_wanted_is_found(
    pdf: bytes, lines: tuple[str, ...], check: Check
) -> None:
    with pytest.raises(PageFault) as fault:
        inspect_card(pdf, card=A6, lines=lines)

    assert fault.value.check is check


def test_a_card_of_another_size_is_found(pdf: bytes) -> None:
    with pytest.raises(PageFault, match="size"):
        inspect_card(pdf, card=FOUR_BY_SIX, lines=ADDRESS)


def test_an_address_that_stands_elsewhere_is_found(pdf: bytes) -> None:
    lower = replace(A6, address=Box(79, 60, 143, 90))

    with pytest.raises(PageFault, match="window edge"):
        inspect_card(pdf, card=lower, lines=ADDRESS)
