"""Letters: what is refused, what prints, and that equal letters are equal bytes."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pypdfium2
import pytest

from services.dispatch.rendering.faults import AddressDoesNotFit, GlyphMissing, TooLong
from services.dispatch.rendering.letter import Letter, LetterPress
from services.dispatch.rendering.window import DIN_5008_B
from shared.pages import PDFIUM
from tests.dispatch.rendering.letters import SAMPLES, a_letter, a_paragraph, paragraphs

NAMES = (
    "Đặng Thị Hà",
    "Ελένη",
    "דוד כהן",
    "မောင်မောင်",
    "प्रिया শ্রী ਗੁਰੂ",
    "ગુરુ ଗୁରୁ தமிழ் తెలుగు",
    "ಕನ್ನಡ മലയാളം සිංහල",
    "អក្សរ ລາວ ไทย",
    "አበበ Հայկ ნინო",
    "さくら 김민수 王小明",
    "👩🏽\u200d🏫 🕊\ufe0f 🇺🇦 ✊ 1\ufe0f\u20e3",
    "n\u0303o\u0323\u0302",
)


@pytest.fixture(scope="module")
def press(tmp_path_factory: pytest.TempPathFactory) -> LetterPress:
    return LetterPress(tmp_path_factory.mktemp("press"))


def texts_of(letter: Letter) -> list[str]:
    with PDFIUM, pypdfium2.PdfDocument(letter.pdf) as document:
        return [page.get_textpage().get_text_range() for page in document]


@pytest.mark.parametrize("language", SAMPLES)
def test_a_short_letter_of_any_language_is_one_page(press: LetterPress, language: str) -> None:
    letter = press.typeset(a_letter(language))

    assert letter.pages == 1
    assert letter.pdf.startswith(b"%PDF-1.7")


def test_the_same_letter_is_the_same_bytes_in_another_press(
    press: LetterPress, tmp_path: Path
) -> None:
    first = press.typeset(a_letter())

    assert press.typeset(a_letter()).pdf == first.pdf
    assert LetterPress(tmp_path).typeset(a_letter()).pdf == first.pdf


def test_two_threads_set_the_letters_one_thread_sets(press: LetterPress) -> None:
    requests = [a_letter(language, reference=f"R-{n}") for n in range(8) for language in SAMPLES]
    alone = [press.typeset(request).pdf for request in requests]

    with ThreadPoolExecutor(2) as threads:
        together = [letter.pdf for letter in threads.map(press.typeset, requests)]

    assert together == alone


def test_what_looks_like_code_prints_as_it_was_typed(press: LetterPress) -> None:
    hostile = '#read("/etc/passwd") *b* $x$ #panic() <b>&amp;</b> \\u{41} = title @ref //'
    request = a_letter(
        subject=hostile,
        place_date=hostile,
        signature=(hostile,),
        blocks=(a_paragraph(hostile),),
        reference=hostile,
        sender="*b* #panic()",
        address=("#panic()", "$x$ *b*", "EXAMPLAND"),
    )

    (text,) = texts_of(press.typeset(request))

    assert text.count(hostile) == 5
    assert "#panic()\r\n$x$ *b*\r\n" in text


@pytest.mark.parametrize(
    "address",
    [
        pytest.param((), id="no lines"),
        pytest.param(("Office", " ", "EXAMPLAND"), id="an empty line"),
        pytest.param(("Office",) * 6 + ("EXAMPLAND",), id="seven lines"),
        pytest.param(("o" * 41, "EXAMPLAND"), id="41 characters"),
        pytest.param(("W" * 40, "EXAMPLAND"), id="40 of the widest characters"),
    ],
)
def test_an_address_that_does_not_fit_is_refused(
    press: LetterPress, address: tuple[str, ...]
) -> None:
    with pytest.raises(AddressDoesNotFit):
        press.typeset(a_letter(address=address))


@pytest.mark.parametrize(
    "line", ["Ministry of the Interior of Exampland-12", "သို့ကြိုးစားပါစေ", "שדרות 12", "ញ៉ាំ"]
)
def test_six_full_lines_fit_the_window(press: LetterPress, line: str) -> None:
    letter = press.typeset(a_letter(address=(*(line,) * 5, "EXAMPLAND")))

    assert letter.pages == 1


def test_more_than_two_pages_are_refused(press: LetterPress) -> None:
    with pytest.raises(TooLong, match="3 pages"):
        press.typeset(a_letter(blocks=paragraphs(20)))


def test_a_book_is_refused_before_it_is_set(press: LetterPress) -> None:
    with pytest.raises(TooLong, match="characters"):
        press.typeset(a_letter(blocks=paragraphs(200)))


def test_a_missing_glyph_is_named_and_the_text_is_not(press: LetterPress) -> None:
    with pytest.raises(GlyphMissing, match=r"^no font has U\+0F56$") as caught:
        press.typeset(a_letter(blocks=(a_paragraph("Tashi བོད་"),)))

    assert caught.value.__suppress_context__


@pytest.mark.parametrize("name", NAMES)
def test_a_name_in_any_script_prints_in_an_english_letter(press: LetterPress, name: str) -> None:
    letter = press.typeset(a_letter(signature=(name,), blocks=paragraphs(1)))

    assert letter.pages == 1


def test_a_token_without_end_stays_on_the_paper(press: LetterPress) -> None:
    letter = press.typeset(a_letter(blocks=(a_paragraph("W" * 700),), signature=("M" * 200,)))

    assert sum(text.count("W") for text in texts_of(letter)) == 700 + 1  # and the sender's


def test_the_page_number_stands_on_the_second_page_alone(press: LetterPress) -> None:
    first, second = texts_of(press.typeset(a_letter(blocks=paragraphs(9))))

    assert first.endswith("TEST-0001")
    assert "TEST-0001\r\n2" in second or "TEST-0001 2" in second


@pytest.mark.parametrize("words", range(20, 64, 4))
def test_a_closing_never_stands_alone_on_the_second_page(press: LetterPress, words: int) -> None:
    letter = press.typeset(a_letter(blocks=paragraphs(7, words=words)))

    assert letter.pages == 1 or "The question" in texts_of(letter)[1]


def test_a_paragraph_without_words_leaves_no_gap(press: LetterPress) -> None:
    plain = press.typeset(a_letter(blocks=paragraphs(2)))

    blocks = (*paragraphs(2)[:2], a_paragraph(" "), *paragraphs(2)[2:])

    assert press.typeset(a_letter(blocks=blocks)).pdf == plain.pdf


def test_another_window_is_another_value(tmp_path: Path) -> None:
    right = replace(DIN_5008_B, zone_x=105, address_x=110)

    letter = LetterPress(tmp_path, window=right).typeset(a_letter())

    with PDFIUM, pypdfium2.PdfDocument(letter.pdf) as document:
        words = document[0].get_textpage().get_text_bounded(left=105 * 72 / 25.4, top=715)
    assert words.startswith("Writ, 12 Example Street, Dublin\r\nOffice of the President")
