"""How languages are set, and the marks put into text for setting alone."""

import unicodedata

import pytest

from services.dispatch.rendering.scripts import (
    LRI,
    PDI,
    SOFT_BREAK,
    isolate_numbers,
    marked,
    setting_for,
    soften,
    starts_rtl,
)


@pytest.mark.parametrize("language", ["ar", "he", "fa", "ur", "fa-AF"])
def test_languages_written_from_the_right_are_set_from_the_right(language: str) -> None:
    assert setting_for(language).rtl


@pytest.mark.parametrize(
    ("language", "family"),
    [
        ("en", "Noto Serif"),
        ("uk", "Noto Serif"),
        ("th", "Noto Sans Thai"),
        ("he", "Noto Sans Hebrew"),
        ("xx", "Noto Serif"),
    ],
)
def test_a_language_leads_with_its_own_font(language: str, family: str) -> None:
    assert setting_for(language).families[0] == family


@pytest.mark.parametrize(
    ("language", "shapes"),
    [
        ("zh", "SC"),
        ("zh-Hant", "TC"),
        ("zh_TW", "TC"),
        ("zh-HK", "HK"),
        ("ja", "JP"),
        ("ko", "KR"),
        ("en", "SC"),
    ],
)
def test_han_characters_take_the_shapes_of_their_place(language: str, shapes: str) -> None:
    families = setting_for(language).families

    assert [f for f in families if "CJK" in str(f)] == [f"Noto Sans CJK {shapes}"]


@pytest.mark.parametrize("number", ["+44 20 7946 0000", "(030) 1234 56", "020-7946", "2021-12-10"])
def test_grouped_numbers_are_isolated(number: str) -> None:
    assert isolate_numbers(f"رقم {number}، شكرا") == f"رقم {LRI}{number}{PDI}، شكرا"


@pytest.mark.parametrize("text", ["عام 2021", "2019-2021", "2019 - 2021", "المادة 174. 20"])
def test_single_numbers_and_ranges_of_years_are_left_alone(text: str) -> None:
    assert isolate_numbers(text) == text


@pytest.mark.parametrize("language", ["zh", "ja", "my", "ta"])
def test_a_latin_name_keeps_its_apostrophe_narrow_where_quotes_are_wide(language: str) -> None:
    text = "O’Neill “自由”"

    assert marked(text, setting_for(language)) == "O\u02bcNeill “自由”"
    assert marked(text, setting_for("en")) == text


def test_web_addresses_break_after_their_seams() -> None:
    url = "https://www.example.org/en/campaigns/2021/write-for-rights"

    softened = soften(url)

    assert softened.split(SOFT_BREAK) == [
        *("https://", "www.", "example.", "org/", "en/", "campaigns/", "2021/"),
        "write-for-rights",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "Menschenrechtsverteidigerinnen und epäjärjestelmällistyttämättömyydellään",
        "ข้าพเจ้าเขียนจดหมายฉบับนี้ด้วยความห่วงใยอย่างยิ่งต่อกรณีของครูและนักปกป้องสิทธิมนุษยชน",
        "人人生而自由在尊严和权利上一律平等他们赋有理性和良心并应以兄弟关系的精神相对待人人生而自由",
    ],
)
def test_real_words_and_scripts_without_spaces_stay_whole(text: str) -> None:
    assert soften(text) == text


def test_a_break_never_parts_a_letter_from_its_marks() -> None:
    text = "a\u0323\u0302" * 100

    pieces = soften(text).split(SOFT_BREAK)

    assert len(pieces) > 10
    assert not any(unicodedata.combining(piece[0]) for piece in pieces)


@pytest.mark.parametrize(
    ("text", "expected"), [("12 شارع", True), ("רחוב", True), ("12 Street", False), ("12", False)]
)
def test_a_line_runs_as_its_first_letter_runs(text: str, expected: bool) -> None:
    assert starts_rtl(text) is expected
