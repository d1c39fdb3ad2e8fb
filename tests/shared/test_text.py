import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.text import MOST_MARKS, Unclean, clean_line, clean_words, is_blank

LETTERS = st.characters(exclude_categories=["Cc", "Cs", "Cn"])


def test_a_line_is_composed_and_trimmed() -> None:
    assert clean_line("  Zoe\u0301 ") == "Zo\u00e9"


def test_words_keep_their_paragraphs_and_their_template_syntax() -> None:
    typed = "Dear {{ holder }},\n\n{% if x %} 100 % {# sure #}"

    assert clean_words(typed) == typed


def test_a_browsers_line_ends_become_ours() -> None:
    assert clean_words("one\r\ntwo\u2028three\u2029four") == "one\ntwo\nthree\n\nfour"


def test_a_tab_in_words_is_a_space() -> None:
    assert clean_words("\tone\ttwo\n\tthree\t") == "one two\n three"


def test_joiners_stay_because_scripts_need_them() -> None:
    persian, emoji = (
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "\U0001f468\u200d\U0001f469",
    )

    assert clean_line(persian) == persian
    assert clean_line(emoji) == emoji


def test_invisible_marks_of_machines_are_dropped() -> None:
    assert clean_line("\ufeffA\ufffan\ufffba") == "Ana"


def test_a_tower_of_marks_is_cut_to_eight() -> None:
    cleaned = clean_line("x" + "\u0334" * 400 + "y")

    assert cleaned == "x" + "\u0334" * MOST_MARKS + "y"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a\nBcc: b@c.example", "line_break"),
        ("a\rb", "line_break"),
        ("a\u2028b", "line_break"),
        ("a\tb", "control_character"),
        ("a\x00b", "control_character"),
        ("a\x85b", "control_character"),
        ("a\u202eb", "bidi_control"),
        ("a\u2066b", "bidi_control"),
        ("a\ud800b", "lone_surrogate"),
        ("a\ufdd0b", "noncharacter"),
        ("a\U0010ffffb", "noncharacter"),
    ],
)
def test_what_could_deceive_is_refused_in_a_line(text: str, code: str) -> None:
    with pytest.raises(Unclean) as refused:
        clean_line(text)

    assert refused.value.code == code
    assert "position 2" in refused.value.detail


@pytest.mark.parametrize("text", ["a\rb", "a\x1bb", "a\u202db"])
def test_what_could_deceive_is_refused_in_words(text: str) -> None:
    with pytest.raises(Unclean):
        clean_words(text)


def test_the_message_names_the_character_and_quotes_nothing() -> None:
    with pytest.raises(Unclean) as refused:
        clean_line("my secret\x07")

    assert "U+0007" in refused.value.detail
    assert "secret" not in refused.value.detail


@pytest.mark.parametrize("text", ["", " ", "\u200b\u200d", "\u2003\n"])
def test_a_text_that_nobody_can_see_is_blank(text: str) -> None:
    assert is_blank(text)


@given(st.text(LETTERS))
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    try:
        once = clean_line(text)
    except Unclean:
        return

    assert clean_line(once) == once
    assert unicodedata.is_normalized("NFC", once)


@given(st.text())
def test_whatever_is_typed_is_clean_or_refused_and_can_be_stored(text: str) -> None:
    try:
        cleaned = clean_words(text)
    except Unclean:
        return

    cleaned.encode()
    assert not any(unicodedata.category(one) in {"Cc", "Cs"} for one in cleaned.replace("\n", ""))
