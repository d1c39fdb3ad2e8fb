"""Petitions for the tests: invented signers, one in ten with a name of another script."""

import random
from typing import Any

from services.dispatch.rendering.petition import PetitionRequest, Signature
from tests.dispatch.rendering.letters import a_letter

FIRST = ("Ana", "Ben", "Charlotte", "Đặng Thị", "Ewa", "Günther", "José", "Łukasz", "Siân", "Zoë")
LAST = ("Beispiel", "Example", "Ivanova", "Kowalska-Nowak", "O’Neill", "Sørensen", "Testperson")
OTHERS = (
    "Екатерина Щербакова",
    "ليلى منصور",
    "דוד כהן",
    "王小明",
    "さくら",
    "김민수",
    "Ελένη Παπαδοπούλου",
    "မောင်မောင်",
    "प्रिया शर्मा",
    "አበበ በቀለ",
    "สมชาย ใจดี",
)
COUNTRIES = ("DE", "FR", "CH", "GB", "US", "BA", "VC", "CN", "EG", "TH", None)


def some_signatures(number: int, *, unnamed: float = 0.05) -> list[Signature]:
    """The same for the same number; every name is another."""
    chance = random.Random(number)
    return [
        Signature(
            name=None if chance.random() < unnamed else _name(chance, place),
            country=chance.choices(COUNTRIES, range(len(COUNTRIES), 0, -1))[0],
        )
        for place in range(number)
    ]


def _name(chance: random.Random, place: int) -> str:
    if chance.random() < 0.1:
        return f"{chance.choice(OTHERS)} {place:x}"
    return f"{chance.choice(FIRST)} {chance.choice(LAST)} {place:x}"


def a_petition(language: str = "en", **changes: Any) -> PetitionRequest:
    fields: dict[str, Any] = {
        "cover": a_letter(language),
        "case": "Mikita Zalatarou",
        "organiser": "Friends of Letters",
        "signatures": some_signatures(260),
    }
    return PetitionRequest(**fields | changes)
