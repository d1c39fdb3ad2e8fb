"""Letters of many people for the tests, in every language, some of two pages."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from services.dispatch.rendering.alone import OneOfMany, RememberingPress, SetAlone, set_alone
from services.dispatch.rendering.bundle import BundleRequest
from tests.dispatch.rendering.letters import SAMPLES, a_letter, paragraphs

COUNTRIES = ("CH", "DE", None, "EG", "GB")
EACH_NINTH = 9


def one_of_many(number: int, **changes: Any) -> OneOfMany:
    languages = list(SAMPLES)
    long = {"blocks": paragraphs(9)} if number % EACH_NINTH == 0 else {}
    fields: dict[str, Any] = {
        "id": UUID(int=number),
        "letter": a_letter(
            "en" if long else languages[number % len(languages)], reference=f"R{number:05}", **long
        ),
        "name": None if number % 7 == 0 else f"Ana Beispiel {number}",
        "country": COUNTRIES[number % len(COUNTRIES)],
    }
    return OneOfMany(**fields | changes)


def some_ready(press: RememberingPress, number: int) -> list[SetAlone]:
    ready, faults = set_alone(map(one_of_many, range(1, number + 1)), press)
    assert not faults
    return ready


def a_bundle(letters: Sequence[SetAlone], language: str = "en", **changes: Any) -> BundleRequest:
    fields: dict[str, Any] = {
        "cover": a_letter(language),
        "case": "Mikita Zalatarou",
        "organiser": "Friends of Letters",
        "letters": letters,
    }
    return BundleRequest(**fields | changes)
