"""The pages of a long digest: PDF/A, every word as data, one strange sign keeps nobody back."""

import io
import random

import pikepdf
import pytest

from services.dispatch.rendering import digest_pages, parts
from services.dispatch.rendering.digest_pages import Heading, bind
from services.dispatch.rendering.entries import Row
from services.dispatch.rendering.faults import PageFault
from services.dispatch.rendering.inspection import inspect_file
from services.dispatch.rendering.parts import Limits
from services.dispatch.rendering.parts_program import BOX
from tests.dispatch.rendering.digests import an_entry, pages_of

HEADING = Heading(
    title="60 people wrote to you", lines=("Friends", "1 June 2026"), language="en", reference="r-1"
)
WORDS = {
    "en": "All human beings are born free and equal in dignity and rights.",
    "zh": "人人生而自由\uff0c在尊严和权利上一律平等。",
    "ru": "Все люди рождаются свободными.",
}


def rows(*words: str, language: str = "en") -> list[Row]:
    return [
        Row(n, f"Ana {n}", an_entry(n, words=one, language=language))
        for n, one in enumerate(words, 11)
    ]


@pytest.mark.parametrize("language", WORDS)
def test_words_are_set_as_they_were_typed_in_any_script(language: str) -> None:
    [page] = pages_of(bind(HEADING, rows(WORDS[language], language=language)))

    assert "".join(WORDS[language].split()) in page
    assert "11.Ana11" in page
    assert str(an_entry(11).reference) in page
    assert page.startswith("60peoplewrotetoyouFriends1June2026")


def test_what_somebody_typed_is_never_markup() -> None:
    typed = '#read("/etc/hosts") *b* $x$ #panic() </p> \\ @a [b]'

    [page] = pages_of(bind(HEADING, rows(typed)))

    assert "".join(typed.split()) in page


def test_a_sign_that_no_font_has_is_a_box_and_the_others_words_stay() -> None:
    [page] = pages_of(
        bind(HEADING, rows("Tashi བོད་ delek", "Hello \U00010a00 and \U0001e900", "Bo"))
    )

    assert f"Tashi{BOX}" in page
    assert "delek" in page
    assert f"Hello{BOX}and{BOX}" in page
    assert page.endswith("Bo" + "r-11")  # the reference and the page's number


def test_the_file_is_an_archive_and_the_same_again_for_the_same_rows() -> None:
    pdf = bind(HEADING, rows(*WORDS.values()))

    assert pdf == bind(HEADING, rows(*WORDS.values()))
    with pikepdf.open(io.BytesIO(pdf)) as document:
        assert document.open_metadata().pdfa_status == "2U"


def test_many_rows_are_set_in_parts_and_numbered_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digest_pages, "_PART", 40)
    many = rows(*(f"Word{n:05}." for n in range(100)))

    pdf = bind(HEADING, many)

    pages = pages_of(pdf)
    assert inspect_file(pdf) == len(pages) > 3
    assert [page.endswith(f"r-1{n}") for n, page in enumerate(pages, 1)] == [True] * len(pages)
    assert [page.count("60peoplewrote") for page in pages] == [1, *[0] * (len(pages) - 1)]
    everything = "".join(pages)
    assert all(everything.count(f"Word{n:05}.") == 1 for n in range(100))
    with pikepdf.open(io.BytesIO(pdf)) as document:
        assert document.open_metadata().pdfa_status == "2U"


def test_parts_are_bounded_by_their_words_too() -> None:
    long = rows(*["x" * 100_000] * 5)

    assert [len(part) for part in digest_pages._parts(long)] == [2, 2, 1]


def test_a_program_that_falls_is_a_fault_that_quotes_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(parts, "_PROGRAM", "services.dispatch.rendering.nothing")

    with pytest.raises(PageFault) as fault:
        bind(HEADING, rows("private"))

    assert str(fault.value) == "the letter failed the check: set"


def test_a_program_that_does_not_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digest_pages, "_LIMITS", Limits(seconds=0.01))

    with pytest.raises(PageFault) as fault:
        bind(HEADING, rows("private"))

    assert fault.value.__cause__ is None


def test_an_entry_takes_little_room_in_the_message() -> None:
    """20,000 of them, with 100 bytes of words each, stay below 10 MB as base64."""
    chance = random.Random(7)
    vocabulary = " ".join(WORDS.values()).split()
    many = rows(*(" ".join(chance.choices(vocabulary, k=12)) for _ in range(500)))

    assert len(bind(HEADING, many)) < 500 * 10_000_000 * 3 / 4 / 20_000 + 60_000
