"""The cover of what is handed over: the case's letter, with what we say after its greeting."""

from services.dispatch.rendering.compose import Paragraph
from services.dispatch.rendering.cover import covering
from tests.dispatch.rendering.letters import a_letter


def test_our_words_stand_after_the_greeting_and_all_else_stays() -> None:
    letter = a_letter()

    covered = covering(letter, subject="60 letters", said=["One.", "Two."])

    greeting, *rest = letter.composition.blocks
    first, one, two, *others = covered.composition.blocks
    assert (first, others) == (greeting, rest)
    assert isinstance(one, Paragraph)
    assert isinstance(two, Paragraph)
    assert [one.spans[0].text, two.spans[0].text] == ["One.", "Two."]
    assert covered.composition.subject == "60 letters"
    assert covered.address == letter.address
