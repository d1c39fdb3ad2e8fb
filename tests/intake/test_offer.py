"""In which language a supporter is served: in their own, or less exactly, and never in another."""

import pytest

from services.intake.offer import language_for
from shared.catalogue import Catalogue, Kind
from tests.intake.builders import a_campaign, a_case, a_template


def served(asked: str, *there: str) -> str | None:
    case = a_case()
    texts = [a_template(language) for language in there]
    return language_for(Catalogue([a_campaign(), case, *texts]), case, Kind.APPEAL, asked)


@pytest.mark.parametrize(
    ("asked", "there", "used"),
    [
        ("pt", ["en", "pt"], "pt"),
        ("pt-BR", ["en", "pt", "pt-BR"], "pt-BR"),
        ("pt-BR", ["en", "pt"], "pt"),
        ("zh-Hant-TW", ["zh", "zh-Hant"], "zh-Hant"),
        ("de-CH-1996", ["de", "de-CH"], "de-CH"),
        ("PT-br", ["pt-BR", "pt"], "pt-BR"),
        ("EN", ["en"], "en"),
    ],
)
def test_who_asks_gets_the_most_exact_text_there_is(
    asked: str, there: list[str], used: str
) -> None:
    assert served(asked, *there) == used


@pytest.mark.parametrize(
    ("asked", "there"),
    [("fr", ["en"]), ("pt", ["en", "pt-BR"]), ("", ["en"]), ("-", ["en"]), ("e", ["en"])],
)
def test_nobody_is_served_in_a_language_they_did_not_ask_for(asked: str, there: list[str]) -> None:
    assert served(asked, *there) is None


def test_a_text_of_another_kind_serves_nobody() -> None:
    case = a_case()
    catalogue = Catalogue([a_campaign(), case, a_template(kind=Kind.SOLIDARITY)])

    assert language_for(catalogue, case, Kind.APPEAL, "en") is None
