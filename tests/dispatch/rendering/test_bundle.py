"""Bundles: every letter whole and as if alone, on the page that its parcel's contents name."""

import io
import itertools
from collections.abc import Iterable

import pikepdf
import pytest
from PIL import Image, ImageChops

from services.dispatch.rendering import bundle
from services.dispatch.rendering.alone import RememberingPress, SetAlone
from services.dispatch.rendering.bundle import Parcel, bind_parcels
from services.dispatch.rendering.faults import PageFault
from services.dispatch.rendering.parcels import ParcelLimits
from services.dispatch.rendering.parts import Limits
from shared.pages import page_picture
from tests.dispatch.rendering.bundles import a_bundle, one_of_many, some_ready
from tests.dispatch.rendering.digests import pages_of
from tests.dispatch.rendering.listings import rows_of

pytestmark = pytest.mark.slow

MANY = 60
LIGHT = ParcelLimits(grams=60 + 5 * 40)


@pytest.fixture(scope="module")
def press(tmp_path_factory: pytest.TempPathFactory) -> RememberingPress:
    return RememberingPress(tmp_path_factory.mktemp("press"))


@pytest.fixture(scope="module")
def ready(press: RememberingPress) -> list[SetAlone]:
    return some_ready(press, MANY)


@pytest.fixture(scope="module")
def parcels(press: RememberingPress, ready: list[SetAlone]) -> list[Parcel]:
    return list(bind_parcels(a_bundle(ready), press, size=LIGHT))


def only(parcels: Iterable[Parcel]) -> Parcel:
    (parcel,) = parcels
    return parcel


def test_each_letter_stands_on_the_page_that_is_told(
    parcels: list[Parcel], ready: list[SetAlone]
) -> None:
    found = {}
    for parcel in parcels:
        pages = pages_of(parcel.pdf)
        assert len(pages) == parcel.pages
        for place, page in parcel.page_of.items():
            assert f"R{place.int:05}" in pages[page - 1]
            assert f"R{place.int:05}" not in pages[page - 2]
            found[place] = parcel.number

    assert list(found) == [letter.one.id for letter in ready]
    assert {parcel.of for parcel in parcels} == {len(parcels)} == {max(found.values())}


def test_parcels_keep_to_their_weight(parcels: list[Parcel]) -> None:
    assert len(parcels) == 2
    for parcel in parcels:
        assert parcel.sheets == parcel.pages
        assert parcel.grams == 60 + 5 * parcel.sheets <= LIGHT.grams


def test_a_letter_looks_as_if_it_were_alone(parcels: list[Parcel], press: RememberingPress) -> None:
    parcel = parcels[0]
    for number in (1, 2, 3, 5, 9):
        one = one_of_many(number)
        alone = press.typeset(one.letter)
        for page in range(alone.pages):
            bound = page_picture(parcel.pdf, parcel.page_of[one.id] - 1 + page)
            expected = Image.open(io.BytesIO(page_picture(alone.pdf, page)))
            difference = ImageChops.difference(Image.open(io.BytesIO(bound)), expected)
            left, top, right, bottom = difference.getbbox() or (0, 0, 0, 0)
            # The page's number in the upper right corner, and nothing else.
            assert left > expected.width * 0.85
            assert bottom < expected.height * 0.05


def test_the_contents_name_number_name_country_and_page(
    parcels: list[Parcel], ready: list[SetAlone]
) -> None:
    rows = [rows_of(parcel.pdf, 2) for parcel in parcels]

    first = next(iter(parcels[0].page_of.values()))
    assert rows[0][0] == f"1AnaBeispiel1Germany{first}"
    assert rows[0][1].startswith("2AnaBeispiel2")
    assert rows[0][6].startswith("7Namenotgiven")
    assert sum(map(len, rows)) == len(ready)
    assert rows[1][0] == f"{len(rows[0]) + 1}NamenotgivenSwitzerland3"


def test_the_cover_says_how_many_from_where_and_from_whom(parcels: list[Parcel]) -> None:
    first, second = (pages_of(parcel.pdf)[0] for parcel in parcels)

    assert "60lettersaboutMikitaZalatarou" in first
    assert "FriendsofLetterssendsyoutheseletters,whichcomefrom4countries,together" in first
    last = len(parcels[0].page_of)
    assert f"Thisisparcel1of2,withletters1to{last}." in first
    assert f"Thisisparcel2of2,withletters{last + 1}to60." in second


def test_one_parcel_alone_does_not_count_parcels(
    press: RememberingPress, ready: list[SetAlone]
) -> None:
    parcel = only(bind_parcels(a_bundle(ready[:5]), press, size=ParcelLimits()))

    cover = pages_of(parcel.pdf)[0]
    assert "5lettersabout" in cover
    assert "parcel" not in cover


def test_printed_on_both_sides_each_letter_begins_a_sheet(
    press: RememberingPress, ready: list[SetAlone]
) -> None:
    parcel = only(bind_parcels(a_bundle(ready[:12]), press, size=ParcelLimits(duplex=True)))

    pages = pages_of(parcel.pdf)
    assert all(page % 2 == 1 for page in parcel.page_of.values())
    assert parcel.pages == len(pages) == 2 + 2 + 24
    assert parcel.sheets == 14
    backs = [page for page in parcel.page_of.values() if page not in {21}]
    assert all(pages[page] == "" for page in backs)  # but of number 9, which has two pages
    assert pages[1] == pages[3] == ""


def test_parts_join_without_a_seam(
    press: RememberingPress, ready: list[SetAlone], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = only(bind_parcels(a_bundle(ready[:12]), press, size=ParcelLimits()))

    monkeypatch.setattr(bundle, "LETTERS_A_PART", 5)
    parted = only(bind_parcels(a_bundle(ready[:12]), press, size=ParcelLimits()))

    assert pages_of(parted.pdf) == pages_of(whole.pdf)
    assert parted.page_of == whole.page_of
    with pikepdf.open(io.BytesIO(parted.pdf)) as document:
        metadata = document.open_metadata()
        assert metadata.pdfa_status == "2U"
        assert metadata["dc:title"] == "12 letters about Mikita Zalatarou"


def test_letters_share_their_fonts(parcels: list[Parcel], press: RememberingPress) -> None:
    alone = sum(len(press.typeset(one_of_many(n).letter).pdf) for n in range(1, MANY + 1))

    assert sum(len(parcel.pdf) for parcel in parcels) < alone / 2


def test_the_same_bundle_is_the_same_bytes(press: RememberingPress, ready: list[SetAlone]) -> None:
    first, again = (
        only(bind_parcels(a_bundle(ready[:3]), press, size=ParcelLimits())) for _ in range(2)
    )

    assert first.pdf == again.pdf


def test_an_arabic_cover_turns_no_letter_around(
    press: RememberingPress, ready: list[SetAlone]
) -> None:
    bundles = (a_bundle(ready[:3], language) for language in ("ar", "en"))
    arabic, english = (only(bind_parcels(one, press, size=ParcelLimits())) for one in bundles)

    for page in range(2, arabic.pages):
        assert page_picture(arabic.pdf, page) == page_picture(english.pdf, page)


def test_progress_is_told_parcel_by_parcel(press: RememberingPress, ready: list[SetAlone]) -> None:
    told: list[tuple[int, int]] = []
    size = ParcelLimits(pages=8)

    bound = bind_parcels(
        a_bundle(ready[:8]), press, size=size, progress=lambda done, of: told.append((done, of))
    )

    parcels = list(bound)
    held = itertools.accumulate(len(parcel.page_of) for parcel in parcels)
    assert told == [(done, 8) for done in held]
    assert all(parcel.pages <= size.pages for parcel in parcels)


def test_a_part_that_takes_too_long_is_ended(
    press: RememberingPress, ready: list[SetAlone]
) -> None:
    bound = bind_parcels(
        a_bundle(ready[:3]), press, size=ParcelLimits(), limits=Limits(seconds=0.01)
    )

    with pytest.raises(PageFault, match="check: set"):
        list(bound)
