"""Postcards: two sides with bleed, an address's area that stays clean, and clear faults."""

import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pikepdf
import pypdfium2
import pytest

from services.dispatch.rendering.cards import A6, CARDS, FOUR_BY_SIX, Card
from services.dispatch.rendering.compose import Bullets, Span
from services.dispatch.rendering.faults import AddressDoesNotFit, GlyphMissing, TooLong
from services.dispatch.rendering.inspection import MM
from services.dispatch.rendering.picture import PictureUnfit
from services.dispatch.rendering.postcard import Postcard, PostcardPress, sides
from shared.pages import PDFIUM
from tests.dispatch.rendering.letters import SAMPLES, a_paragraph
from tests.dispatch.rendering.postcards import a_card, a_picture, as_file, put_picture

EVERY_CARD = pytest.mark.parametrize("card", CARDS.values(), ids=CARDS)


@pytest.fixture(scope="module")
def press(tmp_path_factory: pytest.TempPathFactory) -> PostcardPress:
    room = tmp_path_factory.mktemp("press")
    return PostcardPress(room / "work", pictures=put_picture(room / "pictures"))


def message_of(postcard: Postcard) -> str:
    with PDFIUM, pypdfium2.PdfDocument(postcard.pdf) as document:
        text: str = document[1].get_textpage().get_text_range()
    return text


@EVERY_CARD
def test_both_sides_have_their_cut_and_their_bleed(press: PostcardPress, card: Card) -> None:
    postcard = press.typeset(a_card(card=card))

    with pikepdf.open(io.BytesIO(postcard.pdf)) as document:
        assert len(document.pages) == 2
        for side in document.pages:
            left, bottom, right, top = (float(edge) / MM for edge in side.TrimBox)
            assert (left, bottom) == pytest.approx((card.bleed, card.bleed), abs=0.01)
            assert (right - left, top - bottom) == pytest.approx(
                (card.width, card.height), abs=0.01
            )
            assert [float(edge) / MM for edge in side.MediaBox] == pytest.approx(
                [0, 0, card.width + 2 * card.bleed, card.height + 2 * card.bleed], abs=0.01
            )
        assert document.open_metadata().pdfa_status == "2U"


@EVERY_CARD
@pytest.mark.parametrize("language", SAMPLES)
def test_a_card_of_any_language_is_set(press: PostcardPress, language: str, card: Card) -> None:
    assert press.typeset(a_card(language, card=card)).pdf.startswith(b"%PDF-1.7")


def test_it_says_message_name_reference_and_address(press: PostcardPress) -> None:
    said = message_of(press.typeset(a_card()))

    for words in ("Your Excellency", "Charlotte O’Neill", "TEST-0001", "EXAMPLAND", "Writ, 12"):
        assert words in said


@EVERY_CARD
def test_the_address_area_has_no_ink_where_the_vendor_prints_it(
    press: PostcardPress, card: Card
) -> None:
    postcard = press.typeset(a_card(card=card, address=()))

    with PDFIUM, pypdfium2.PdfDocument(postcard.pdf) as document:
        left, top, right, bottom = (round((edge + card.bleed) * MM) for edge in card.zone)
        page = document[1].render(scale=1).to_pil().convert("L")
    assert page.crop((left + 1, top + 1, right - 1, bottom - 1)).getextrema() == (255, 255)
    assert "EXAMPLAND" not in message_of(postcard)


def test_a_name_that_may_not_be_shown_is_not_there(press: PostcardPress) -> None:
    assert "Charlotte" not in message_of(press.typeset(a_card(signature=())))


def test_points_of_a_list_become_paragraphs(press: PostcardPress) -> None:
    points = Bullets(((Span("Release her"),), (Span("Investigate"),)))

    said = message_of(press.typeset(a_card(blocks=(a_paragraph("Dear Sir,"), points))))

    assert "• Release her" in said
    assert "• Investigate" in said


def test_a_long_message_is_set_smaller_before_it_is_refused(press: PostcardPress) -> None:
    words = "The question was asked in public and the answer came at night. "

    assert "question" in message_of(press.typeset(a_card(blocks=(a_paragraph(words * 14),))))
    with pytest.raises(TooLong, match="does not fit the card"):
        press.typeset(a_card(blocks=(a_paragraph(words * 30),)))
    with pytest.raises(TooLong, match="more than a postcard holds"):
        press.typeset(a_card(blocks=(a_paragraph(words * 60),)))


@pytest.mark.parametrize(
    "address",
    [
        pytest.param(("Office", " ", "EXAMPLAND"), id="an empty line"),
        pytest.param(("Office",) * 6 + ("EXAMPLAND",), id="seven lines"),
        pytest.param(("W" * 40, "EXAMPLAND"), id="40 of the widest characters"),
    ],
)
def test_an_address_that_does_not_fit_is_refused(
    press: PostcardPress, address: tuple[str, ...]
) -> None:
    with pytest.raises(AddressDoesNotFit):
        press.typeset(a_card(address=address))


@EVERY_CARD
@pytest.mark.parametrize("line", ["Ministry of the Interior, Exampland", "သို့ကြိုးစားပါစေ", "ญ៉ាំ"])
def test_six_lines_fit_the_area(press: PostcardPress, line: str, card: Card) -> None:
    postcard = press.typeset(a_card(address=(*(line,) * 5, "EXAMPLAND"), card=card))

    assert "EXAMPLAND" in message_of(postcard)


def test_a_missing_glyph_is_named_and_the_text_is_not(press: PostcardPress) -> None:
    with pytest.raises(GlyphMissing, match=r"^no font has U\+0F56$"):
        press.typeset(a_card(blocks=(a_paragraph("Tashi བོད་"),)))


def test_what_looks_like_code_prints_as_it_was_typed(press: PostcardPress) -> None:
    hostile = '#read("/etc/passwd") *b* $x$ #panic() <b> @ref'

    said = message_of(press.typeset(a_card(blocks=(a_paragraph(hostile),))))

    assert hostile in " ".join(said.split())


def test_a_picture_that_is_missing_is_a_fault(press: PostcardPress) -> None:
    with pytest.raises(PictureUnfit, match="no such picture"):
        press.typeset(a_card(picture="another.png"))


def test_a_picture_that_changes_is_made_ready_again(tmp_path: Path) -> None:
    pictures = put_picture(tmp_path / "pictures")
    press = PostcardPress(tmp_path / "work", pictures=pictures)
    before = press.typeset(a_card())

    (pictures / "meadow.png").write_bytes(as_file(a_picture().rotate(180)))

    assert press.typeset(a_card()).pdf != before.pdf


def test_the_same_card_is_the_same_bytes_in_another_press(
    press: PostcardPress, tmp_path: Path
) -> None:
    first = press.typeset(a_card())

    other = PostcardPress(tmp_path / "work", pictures=put_picture(tmp_path / "pictures"))

    assert press.typeset(a_card()).pdf == first.pdf
    assert other.typeset(a_card()).pdf == first.pdf


def test_two_threads_set_the_cards_one_thread_sets(tmp_path: Path, press: PostcardPress) -> None:
    cards = [a_card(card=card, reference=f"R-{n}") for n in range(6) for card in CARDS.values()]
    other = PostcardPress(tmp_path / "work", pictures=put_picture(tmp_path / "pictures"))

    with ThreadPoolExecutor(2) as threads:
        together = [card.pdf for card in threads.map(other.typeset, cards)]

    assert together == [press.typeset(card).pdf for card in cards]


def test_the_two_sides_come_apart_for_a_vendor_who_wants_them_so(press: PostcardPress) -> None:
    picture, message = sides(press.typeset(a_card(card=FOUR_BY_SIX, address=())))

    for side in (picture, message):
        with pikepdf.open(io.BytesIO(side)) as document:
            (page,) = document.pages
            assert [float(edge) / 72 for edge in page.MediaBox] == pytest.approx([0, 0, 6.25, 4.25])
    assert len(picture) > 3 * len(message)


def test_cards_keep_the_address_area_inside_and_the_message_outside() -> None:
    for card in (A6, FOUR_BY_SIX):
        assert card.zone.holds(card.address)
        assert card.message_right < card.zone.left
        assert card.zone.right <= card.width
        assert card.zone.bottom <= card.height
