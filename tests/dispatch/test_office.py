"""The text's language: the one asked for, else the next best that the case has, and why."""

import datetime as dt
from typing import Any

import pytest

from services.dispatch.due import Hold
from services.dispatch.office import Office, find_office
from shared.catalogue import Entry, Holder
from tests.dispatch.builders import NOON, World, a_due
from tests.dispatch.entries import INVENTED, a_catalogue, a_recipient, a_template

SALUTATIONS = {"en": "Dear Prosecutor", "fr": "Excellence", "be": "Шаноўны", "pt": "Excelência"}


def an_office(*changed: Entry, **changes: Any) -> Office:
    catalogue = a_catalogue(*changed)
    return find_office(a_due(**changes), catalogue, NOON.date())


def speaking(*languages: str, **changes: Any) -> Entry:
    return a_recipient(languages=languages, salutations=SALUTATIONS, **changes)


def texts(*languages: str) -> list[Entry]:
    return [a_template(language=language) for language in languages]


@pytest.mark.parametrize(
    ("asked", "known", "found", "why"),
    [
        ("pt-BR", ["pt-BR", "pt", "fr"], "pt-BR", None),
        ("pt-BR", ["pt", "fr"], "pt", "of which it is a form"),
        ("zh-Hant-TW", ["zh-Hant", "fr"], "zh-Hant", "of which it is a form"),
        ("de", ["be", "fr"], "fr", "in which this office may be written to"),
        ("de", ["be"], "be", "in which this office may be written to"),
        ("de", [], "en", "which every case has"),
    ],
)
def test_a_text_is_looked_for_in_the_next_best_language(
    asked: str, known: list[str], found: str, why: str | None
) -> None:
    salutations = {**SALUTATIONS, "zh": "尊敬的检察长"}
    recipient = a_recipient(languages=("fr", "be"), salutations=salutations)

    office = an_office(recipient, *texts(*known), language=asked)

    said = f"There is no appeal text in {asked!r}: written in {found!r}, {why}."
    assert office.language == found
    assert office.remark == (said if why else None)


def test_without_any_text_it_is_held() -> None:
    with pytest.raises(Hold, match="no solidarity text in 'de', nor in any language instead"):
        an_office(kind="solidarity", language="de")


def test_the_salutation_is_in_the_language_of_the_text_the_holders_first() -> None:
    holder = Holder(name="Iryna Prykład", salutations={"fr": "Madame"}, source=INVENTED)

    assert an_office(speaking("fr", holders=(holder,)), *texts("fr"), language="fr").salutation == (
        "Madame"
    )
    assert an_office(speaking("fr"), *texts("fr"), language="de").salutation == "Excellence"
    assert an_office(speaking("pt"), *texts("pt-BR"), language="pt-BR").salutation == "Excelência"


def test_a_text_without_a_salutation_is_held() -> None:
    with pytest.raises(Hold, match="No salutation is known in the language 'de'"):
        an_office(speaking("de"), *texts("de"), language="de")


def test_an_office_that_changed_hands_is_addressed_as_of_the_day() -> None:
    before = Holder(name="A", until=dt.date(2026, 5, 31), salutations={"en": "Sir"}, source="x")
    since = Holder(name="B", since=dt.date(2026, 6, 1), salutations={"en": "Madam"}, source="x")
    recipient = speaking("en", holders=(before, since))
    catalogue = a_catalogue(recipient)

    assert find_office(a_due(), catalogue, dt.date(2026, 5, 31)).salutation == "Sir"
    assert find_office(a_due(), catalogue, dt.date(2026, 6, 1)).salutation == "Madam"


def test_the_timeline_says_why_it_was_written_in_another_language_and_says_it_once(
    world: World,
) -> None:
    one = world.a_delivery(language="de", why="A message of its own.")
    world.deliver(one)
    first = world.delivery(one).why
    assert first == (
        "A message of its own. There is no appeal text in 'de': written in 'en', "
        "in which this office may be written to."
    )

    again = world.a_delivery(language="de", why=first)
    world.deliver(again)

    assert world.delivery(again).why == first
