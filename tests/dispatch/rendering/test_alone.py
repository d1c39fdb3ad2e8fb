"""Letters that go into a parcel are set alone first: each is checked, and none stops the others."""

import json
from pathlib import Path
from uuid import UUID

import pytest

from services.dispatch.rendering.alone import RememberingPress, set_alone
from services.dispatch.rendering.faults import GlyphMissing, TooLong
from services.dispatch.rendering.letter import TEMPLATE, LetterPress
from services.dispatch.rendering.press import Press
from tests.dispatch.rendering.bundles import one_of_many
from tests.dispatch.rendering.letters import a_letter, a_paragraph, paragraphs

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def press(tmp_path_factory: pytest.TempPathFactory) -> RememberingPress:
    return RememberingPress(tmp_path_factory.mktemp("press"))


@pytest.mark.parametrize("count", [2, 6, 7, 9])
def test_what_it_remembers_sets_the_very_letter_again(
    press: RememberingPress, tmp_path: Path, count: int
) -> None:
    request = a_letter(blocks=paragraphs(count))

    pages, data = press.typeset_known(request)

    letter = LetterPress(tmp_path).typeset(request)
    assert pages == letter.pages
    assert Press(TEMPLATE, tmp_path).print("letter", json.loads(data)) == letter.pdf


def test_a_letter_that_cannot_be_set_is_told_and_the_others_are_set(
    press: RememberingPress,
) -> None:
    letters = [
        one_of_many(1),
        one_of_many(2, letter=a_letter(blocks=(a_paragraph("བོད་"),))),
        one_of_many(3, letter=a_letter(blocks=paragraphs(20))),
        one_of_many(4),
    ]

    ready, faults = set_alone(letters, press)

    assert [letter.one.id.int for letter in ready] == [1, 4]
    assert {place.int: type(fault) for place, fault in faults.items()} == {
        2: GlyphMissing,
        3: TooLong,
    }


def test_nobody_is_shown_where_a_letter_is_logged(press: RememberingPress) -> None:
    ready, _ = set_alone([one_of_many(1)], press)

    assert "Ana" not in repr(ready)
    assert str(UUID(int=1)) in repr(ready)
