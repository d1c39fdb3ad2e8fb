"""What a digest says of itself: whole in every language, in the right form for every number."""

import json
import string
from pathlib import Path

import pytest
from babel import Locale
from hypothesis import given
from hypothesis import strategies as st

from services.dispatch.rendering import phrases
from services.dispatch.rendering.phrases import phrases_for
from shared import spoken

DIGEST, PAPER = (
    json.loads(Path(phrases.__file__).with_name(name).read_text(encoding="utf-8"))
    for name in ("digest.json", "paper.json")
)
SAID = {language: {**DIGEST[language], **PAPER[language]} for language in DIGEST}
COUNTED = {key for key, form in PAPER["en"].items() if isinstance(form, dict)}
EVERY = pytest.mark.parametrize("language", spoken.languages())


def holes(form: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(form) if name}


@EVERY
def test_every_language_says_everything_and_leaves_nothing_out(language: str) -> None:
    for key, english in SAID["en"].items():
        told = SAID[language][key]
        if isinstance(english, str):
            assert holes(told) == holes(english)
        else:
            assert holes(told["other"]) == holes(english["other"])


def test_no_word_stands_in_both_files() -> None:
    assert DIGEST.keys() == PAPER.keys()
    assert DIGEST["en"].keys().isdisjoint(PAPER["en"])


@EVERY
@given(number=st.integers(1, 30_000))
def test_each_number_takes_a_form_of_its_own_language(language: str, number: int) -> None:
    form = Locale(language).plural_form(number)

    said = phrases_for(language).number_of("appeal", number, case="Mikita")

    # Spanish and French have a form for millions, which nobody's digest needs.
    assert form in SAID[language]["appeal"]
    assert "Mikita" in said
    assert "{" not in said


@pytest.mark.parametrize(
    ("language", "number", "said"),
    [
        ("en", 1, "1 person wrote to you about Mikita"),
        ("en", 12_000, "12,000 people wrote to you about Mikita"),
        ("ru", 21, "Вам написал 21 человек: Mikita"),
        ("ru", 3, "Вам написали 3 человека: Mikita"),
        ("uk", 5, "Вам написали 5 людей: Mikita"),
        ("ar", 2, "كتب إليكم شخصان بشأن \u2068Mikita\u2069"),
        ("ar", 7, "كتب إليكم \u20687\u2069 أشخاص بشأن \u2068Mikita\u2069"),
        ("zh", 12, "12人就Mikita一事致信给您"),
        ("pt-BR", 2, "2 people wrote to you about Mikita"),
    ],
)
def test_a_number_is_said_as_people_say_it(language: str, number: int, said: str) -> None:
    assert phrases_for(language).number_of("appeal", number, case="Mikita") == said


@EVERY
@given(number=st.integers(1, 300_000), key=st.sampled_from(sorted(COUNTED)))
def test_what_lies_below_a_cover_is_counted_in_its_language(
    language: str, number: int, key: str
) -> None:
    form = Locale(language).plural_form(number)

    said = phrases_for(language).number_of(key, number, case="Mikita", organiser="Friends")

    assert form in SAID[language][key]
    assert "{" not in said


@pytest.mark.parametrize(
    ("language", "key", "number", "said"),
    [
        ("en", "signed", 1, "1 person signed a petition about Mikita"),
        ("en", "letters", 1_200, "1,200 letters about Mikita"),
        ("ru", "letters", 22, "22 письма: Mikita"),
        ("uk", "signed", 100_000, "Петицію підписали 100\u00a0000 людей: Mikita"),
        ("ar", "letters", 2, "رسالتان بشأن \u2068Mikita\u2069"),
        (
            "fr",
            "gathered",
            54,
            "Amis a recueilli ces signatures, venues de 54 pays, et vous les remet.",
        ),
        ("zh", "sent", 3, "Amis将来自3个国家和地区的这些信件一并寄给您。"),
    ],
)
def test_a_cover_says_it_as_people_do(language: str, key: str, number: int, said: str) -> None:
    told = phrases_for(language).number_of(key, number, case="Mikita", organiser="Amis")

    assert told == said


def test_who_wrote_is_said_as_far_as_they_agreed() -> None:
    say = phrases_for("fr")

    assert say.who("Ana", "CH") == "Ana, Suisse"
    assert say.who("Ana", None) == "Ana"
    assert say.who(None, "CH") == "Nom non indiqué, Suisse"
    assert say.who(None, None) == "Nom non indiqué"


def test_a_name_of_the_other_direction_stands_in_an_isolate() -> None:
    assert phrases_for("en").who("محمد", "EG") == "\u2068محمد\u2069, Egypt"
    assert phrases_for("ar").who("Ana", "EG") == "\u2068Ana\u2069، مصر"
    assert phrases_for("ar").who("محمد", "EG") == "محمد، مصر"
