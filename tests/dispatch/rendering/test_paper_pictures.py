"""Postcards, bundles and petitions look as when somebody last looked: golden/*.png.

A missing picture is written, and its test fails until a person has looked at it and committed it.
"""

import pytest

from services.dispatch.rendering.alone import RememberingPress
from services.dispatch.rendering.bundle import Parcel, bind_parcels
from services.dispatch.rendering.cards import CARDS, Card
from services.dispatch.rendering.parcels import ParcelLimits
from services.dispatch.rendering.petition import Petition, Signature, bind_petition
from services.dispatch.rendering.postcard import PostcardPress
from shared.pages import page_picture
from tests.dispatch.rendering.bundles import a_bundle, some_ready
from tests.dispatch.rendering.petitions import a_petition, some_signatures
from tests.dispatch.rendering.postcards import a_card, put_picture
from tests.dispatch.rendering.test_letter_pictures import assert_looks_as

pytestmark = pytest.mark.slow

LANGUAGES = ("en", "ar")


@pytest.fixture(scope="module")
def cards(tmp_path_factory: pytest.TempPathFactory) -> PostcardPress:
    room = tmp_path_factory.mktemp("cards")
    return PostcardPress(room / "work", pictures=put_picture(room / "pictures"))


@pytest.fixture(scope="module")
def press(tmp_path_factory: pytest.TempPathFactory) -> RememberingPress:
    return RememberingPress(tmp_path_factory.mktemp("press"))


@pytest.fixture(scope="module", params=LANGUAGES)
def parcel(press: RememberingPress, request: pytest.FixtureRequest) -> tuple[str, Parcel]:
    bundle = a_bundle(some_ready(press, 60), request.param)
    return request.param, next(bind_parcels(bundle, press, size=ParcelLimits(grams=260)))


@pytest.fixture(scope="module", params=LANGUAGES)
def petition(press: RememberingPress, request: pytest.FixtureRequest) -> tuple[str, Petition]:
    long = Signature(name="Maximiliane Wolfeschlegelsteinhausenberg of Exampleton", country="GS")
    signatures = [*some_signatures(240), long]
    wanted = a_petition(request.param, signatures=signatures[::-1])
    return request.param, bind_petition(wanted, press)


@pytest.mark.parametrize("card", CARDS.values(), ids=CARDS)
@pytest.mark.parametrize("side", ["picture", "message"])
def test_a_postcard_looks_the_same(cards: PostcardPress, card: Card, side: str) -> None:
    pdf = cards.typeset(a_card(card=card)).pdf

    picture = page_picture(pdf, int(side == "message"), dpi=72)
    assert_looks_as(f"postcard-{card.name}-{side}.png", picture)


@pytest.mark.parametrize("language", ["ar", "th", "zh"])
def test_a_postcard_of_another_script_looks_the_same(cards: PostcardPress, language: str) -> None:
    pdf = cards.typeset(a_card(language, address=())).pdf

    assert_looks_as(f"postcard-{language}.png", page_picture(pdf, 1, dpi=72))


@pytest.mark.parametrize(("page", "name"), [*enumerate(("cover", "contents", "letter"))])
def test_a_bundle_looks_the_same(parcel: tuple[str, Parcel], page: int, name: str) -> None:
    language, bound = parcel

    assert_looks_as(f"bundle-{language}-{name}.png", page_picture(bound.pdf, page, dpi=72))


@pytest.mark.parametrize(("page", "name"), [*enumerate(("cover", "totals", "names"))])
def test_a_petition_looks_the_same(petition: tuple[str, Petition], page: int, name: str) -> None:
    language, bound = petition

    assert_looks_as(f"petition-{language}-{name}.png", page_picture(bound.pdf, page, dpi=72))
