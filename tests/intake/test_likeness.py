import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.moderation.likeness import BANDS, are_near, bands, print_of
from shared.api_keys import Mode
from tests.intake.accepted import KEY, LETTER, OTHER_LETTER, an_accepted

CHINESE = (
    "我是一名小镇上的老师，上周我和我的学生们一起读到了这个案子。"
    "学生们为他写了一首诗，每天早上都问我有没有消息。"
)
OTHER_CHINESE = (
    "作为一名护士，我知道长年的恐惧会让人变成什么样子。"
    "任何人都不应该看不到医生，请允许他的家人尽快去探望他。"
)


def bits(words: str | None, **changes: object) -> int:
    found = print_of(an_accepted(words=words, **changes), KEY)
    assert found is not None
    return found


@pytest.mark.parametrize(
    "words",
    [
        f"Dear Mr President,\n\n{LETTER}\n\nYours sincerely,\nAna Beispiel\nBern",
        f"Dear Mr President, {LETTER}",
        f"尊敬的总统先生：{LETTER}",
        f"  {LETTER.upper()}!!!",
        LETTER.replace(" a ", " á ").replace(".", " —"),
        LETTER + " Mikita 83412 Ana Beispiel 7",
        LETTER.replace(" for him", ""),
    ],
)
def test_greeting_closing_names_numbers_and_a_word_do_not_make_another_text(words: str) -> None:
    assert are_near(bits(LETTER), bits(words))


def test_the_order_of_sentences_does_not_make_another_text() -> None:
    first, second = LETTER.split(". ")

    assert bits(f"{second} {first}") == bits(f"{first} {second}")


@pytest.mark.parametrize(
    ("one", "other"), [(LETTER, OTHER_LETTER), (CHINESE, OTHER_CHINESE), (LETTER, CHINESE)]
)
def test_texts_that_say_something_else_are_not_near(one: str, other: str) -> None:
    assert not are_near(bits(one), bits(other))


def test_a_letter_changed_in_a_text_without_spaces_leaves_it_near() -> None:
    assert are_near(bits(CHINESE), bits(CHINESE.replace("诗", "歌") + "。"))


@pytest.mark.parametrize(
    "words", [None, "Please let him go home now!", "请放了他", "1 2 3 4 5 6 7 8 9 10", "🌈" * 40]
)
def test_a_few_words_that_anybody_may_write_have_no_print(words: str | None) -> None:
    assert print_of(an_accepted(words=words), KEY) is None


def test_a_print_tells_nothing_without_the_key() -> None:
    other = print_of(an_accepted(), b"another key, which is as long...")

    assert other is not None
    assert not are_near(bits(LETTER), other)


def test_what_test_keys_hand_in_is_like_nothing_else() -> None:
    assert not are_near(bits(LETTER), bits(LETTER, mode=Mode.TEST))


@given(st.integers(-(2**63), 2**63 - 1), st.integers(0, 3), st.randoms())
def test_up_to_three_bits_apart_two_prints_share_a_band(
    one: int, apart: int, chance: random.Random
) -> None:
    other = one
    for place in chance.sample(range(64), apart):
        other ^= 1 << place

    assert are_near(one, other)
    assert any(mine == theirs for mine, theirs in zip(bands(one), bands(other), strict=True))


@given(st.text(min_size=40, max_size=3_000))
def test_every_print_fits_the_table(words: str) -> None:
    found = print_of(an_accepted(words=words), KEY)

    if found is not None:
        assert -(2**63) <= found < 2**63
        assert len(bands(found)) == BANDS
        assert all(0 <= one < 2**16 for one in bands(found))
