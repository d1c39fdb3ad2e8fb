"""Campaign text is parsed once; what a supporter typed takes its place, never read as markup."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.dispatch.rendering.compose import Bullets, Composition, Paragraph, Span, compose
from tests.dispatch.entries import a_template

VALUES = {"salutation": "Dear Sir", "case": "Mikita", "holder": "A. Holder"}


def composed(body: str, words: str = "My words.", **values: str) -> Composition:
    template = a_template(body=body)
    return compose(template, VALUES | values, words=words, signature=("Ana",), reference="r-1")


def text(composition: Composition) -> list[str]:
    blocks = [one for one in composition.blocks if isinstance(one, Paragraph)]
    return ["".join(span.text for span in block.spans) for block in blocks]


@pytest.mark.parametrize(
    "words",
    [
        "**x**",
        "{{ case }}",
        "{{ words }}",
        "{% x %}",
        "<b>x</b>",
        "# x",
        "- x",
        "> x",
        "`x`",
        "&lt;",
    ],
)
def test_words_stay_as_they_were_typed(words: str) -> None:
    composition = composed("{{ salutation }},\n\n{{ words }}\n\nYours", words)

    assert composition.blocks[1] == Paragraph((Span(words),))
    assert text(composition) == ["Dear Sir,", words, "Yours"]


def test_blank_lines_part_paragraphs_and_single_ones_stay_line_breaks() -> None:
    composition = composed("{{ words }}", " one\ntwo\n \n\nthree ")

    assert text(composition) == ["one\ntwo", "three"]


@pytest.mark.parametrize("words", ["", " ", "\n\n \n"])
def test_blank_words_drop_their_paragraph(words: str) -> None:
    assert text(composed("A\n\n{{ words }}\n\nB", words)) == ["A", "B"]


def test_light_markup_of_the_campaign_is_kept() -> None:
    composition = composed("Free **{{ case }}** *now*,\nplease\n\n- a\n- **b**\n\n1. c")

    assert composition.blocks == (
        Paragraph(
            (
                Span("Free "),
                Span("Mikita", bold=True),
                Span(" "),
                Span("now", italic=True),
                Span(","),
                Span(" "),
                Span("please"),
            )
        ),
        Bullets(((Span("a"),), (Span("b", bold=True),))),
        Bullets(((Span("c"),),), ordered=True),
    )


def test_a_value_is_not_read_as_a_template_or_as_markup() -> None:
    composition = composed(
        "{{ case }} of {{ holder }}", case="**{{ holder }}**", holder="{{ case }}"
    )

    assert text(composition) == ["**{{ holder }}** of {{ case }}"]


def test_a_placeholder_without_a_value_prints_nothing() -> None:
    assert text(composed("From {{ country }}.")) == ["From ."]


def test_the_subject_is_filled_and_the_rest_is_handed_on() -> None:
    composition = composed("x")

    assert composition.subject == "About Mikita"
    assert (composition.signature, composition.reference) == (("Ana",), "r-1")


@pytest.mark.parametrize(("language", "rtl"), [("ar", True), ("fa-IR", True), ("en", False)])
def test_a_message_knows_its_direction(language: str, rtl: bool) -> None:
    template = a_template(language=language)

    composition = compose(template, {}, words="", signature=(), reference="")

    assert composition.right_to_left is rtl


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.just("\n"), max_size=60))
def test_nothing_that_is_typed_changes_or_is_lost(words: str) -> None:
    composition = composed("{{ salutation }},\n\n{{ words }}\n\nYours", words)

    first, *middle, last = text(composition)
    assert (first, last) == ("Dear Sir,", "Yours")
    assert "".join("".join(middle).split()) == "".join(words.split())
    assert all(one.strip() for one in middle)
