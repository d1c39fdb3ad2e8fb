"""A petition: who agreed is named, everybody is counted, and each name's page is known."""

import io
import re
import time

import pikepdf
import pytest

from services.dispatch.rendering import petition as petition_module
from services.dispatch.rendering.faults import LetterFault, PageFault
from services.dispatch.rendering.inspection import inspect_file
from services.dispatch.rendering.layouts import US_10
from services.dispatch.rendering.letter import LetterPress
from services.dispatch.rendering.parts import Limits
from services.dispatch.rendering.petition import Petition, Signature, bind_petition
from services.dispatch.rendering.phrases import phrases_for
from tests.dispatch.rendering.digests import pages_of
from tests.dispatch.rendering.letters import a_letter
from tests.dispatch.rendering.listings import rows_of
from tests.dispatch.rendering.petitions import a_petition, some_signatures

pytestmark = pytest.mark.slow

MANY = 2_000


@pytest.fixture(scope="module")
def press(tmp_path_factory: pytest.TempPathFactory) -> LetterPress:
    return LetterPress(tmp_path_factory.mktemp("press"))


@pytest.fixture(scope="module")
def large(press: LetterPress) -> Petition:
    return bind_petition(a_petition(signatures=some_signatures(MANY)), press)


@pytest.fixture(scope="module")
def pages(large: Petition) -> list[str]:
    return pages_of(large.pdf)


def test_each_row_holds_its_number_its_name_and_its_country(large: Petition) -> None:
    named = [one for one in some_signatures(MANY) if one.name]
    say = phrases_for("en")

    rows = [
        row for page in range(large.first_page, large.pages + 1) for row in rows_of(large.pdf, page)
    ]

    assert large.named == len(named) == len(rows)
    for number, (one, row) in enumerate(zip(named, rows, strict=True), 1):
        country = "".join(say.country(one.country).split()) if one.country else ""
        assert row.startswith(str(number))
        assert row.endswith(country)
        if one.name and one.name.isascii():  # PDFium gives other scripts back in parts
            assert row == f"{number}{one.name.replace(' ', '')}{country}"


def test_the_page_that_is_told_of_a_name_is_where_it_stands(large: Petition) -> None:
    for number in (1, 100, 101, 1_234, large.named):
        rows = rows_of(large.pdf, large.page_of(number))

        assert any(re.match(rf"{number}\D", row) for row in rows)


def test_all_pages_are_numbered_through(large: Petition, pages: list[str]) -> None:
    assert large.pages == len(pages) == inspect_file(large.pdf)
    for number, page in enumerate(pages[1:], 2):
        assert page.endswith(f"TEST-0001{number}/{len(pages)}")


def test_the_cover_says_how_many_signed_and_where(large: Petition, pages: list[str]) -> None:
    assert "2,000peoplesignedapetitionaboutMikitaZalatarou" in pages[0]
    assert "comefrom10countries" in pages[0]
    assert f"{MANY - large.named}ofthesignaturesarecountedbycountryalone" in pages[0]
    assert "YourExcellency" in pages[0]


def test_the_totals_by_country_make_up_the_whole(large: Petition) -> None:
    rows = [re.fullmatch(r"(.+?)([\d,]+)", row) for row in rows_of(large.pdf, 2)]
    counts = {row[1]: int(row[2].replace(",", "")) for row in rows if row}

    signed = some_signatures(MANY)
    assert counts["Germany"] == sum(one.country == "DE" for one in signed)
    assert counts["notstated"] == sum(one.country is None for one in signed)
    assert counts.pop("Total") == MANY == sum(counts.values())


def test_who_does_not_show_a_name_is_counted_and_not_listed(press: LetterPress) -> None:
    signatures = [Signature(name=None, country="CH"), Signature(name="Ana Beispiel", country=None)]

    petition = bind_petition(a_petition(signatures=signatures), press)

    cover, _, _ = pages_of(petition.pdf)
    assert "1ofthesignaturesiscountedbycountryalone" in cover
    assert rows_of(petition.pdf, 2) == ["Switzerland1", "notstated1", "Total2"]
    assert rows_of(petition.pdf, 3) == ["1AnaBeispiel"]
    assert (petition.signatures, petition.named) == (2, 1)


def test_a_petition_without_any_name_ends_with_its_totals(press: LetterPress) -> None:
    petition = bind_petition(a_petition(signatures=some_signatures(30, unnamed=1)), press)

    assert (petition.pages, petition.named) == (2, 0)
    with pytest.raises(IndexError):
        petition.page_of(1)


def test_parts_join_without_a_seam(press: LetterPress, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = bind_petition(a_petition(signatures=some_signatures(350)), press)

    monkeypatch.setattr(petition_module, "PAGES_A_PART", 1)
    parted = bind_petition(a_petition(signatures=some_signatures(350)), press)

    assert pages_of(parted.pdf) == pages_of(whole.pdf)
    with pikepdf.open(io.BytesIO(parted.pdf)) as document:
        metadata = document.open_metadata()
        assert metadata.pdfa_status == "2U"
        assert metadata["dc:title"] == "350 people signed a petition about Mikita Zalatarou"


def test_the_same_petition_is_the_same_bytes(press: LetterPress) -> None:
    assert bind_petition(a_petition(), press).pdf == bind_petition(a_petition(), press).pdf


@pytest.mark.parametrize(
    "name",
    ["W" * 200, "Maximiliane " * 9, "王" * 60, "مُحَمَّد " * 20, "A\u0301" * 80],
)
def test_a_name_of_any_length_moves_no_other(press: LetterPress, name: str) -> None:
    around = [Signature(name=f"Ana{place:03}", country="CH") for place in range(140)]
    signatures = [*around[:20], Signature(name=name.strip(), country="GS"), *around[20:]]

    petition = bind_petition(a_petition(signatures=signatures), press)

    rows = [*rows_of(petition.pdf, 3), *rows_of(petition.pdf, 4)]
    others = [row for row in rows if "Ana" in row and "Switzerland" in row]
    numbers = [*range(1, 21), *range(22, 142)]
    assert others == [
        f"{number}{one.name}Switzerland" for number, one in zip(numbers, around, strict=True)
    ]


@pytest.mark.parametrize("name", ["#panic()", "*b* $x$", "</p>\\ @a", "Tashi བོད་"])
def test_what_somebody_typed_is_never_markup_and_keeps_nobody_back(
    press: LetterPress, name: str
) -> None:
    signatures = [Signature(name=name, country="CH"), Signature(name="Ana", country="CH")]

    petition = bind_petition(a_petition(signatures=signatures), press)

    first, second = rows_of(petition.pdf, petition.first_page)
    assert first.startswith(f"1{name.replace(' ', '')}".partition("བ")[0])
    assert second == "2AnaSwitzerland"


def test_an_arabic_petition_runs_from_the_right(press: LetterPress) -> None:
    petition = bind_petition(a_petition("ar"), press)

    assert petition.pages == len(pages_of(petition.pdf)) == 5


def test_progress_is_told_page_by_page(press: LetterPress, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(petition_module, "PAGES_A_PART", 2)
    told: list[tuple[int, int]] = []

    bind_petition(a_petition(), press, progress=lambda done, of: told.append((done, of)))

    assert told == [(1, 5), (2, 5), (4, 5), (5, 5)]


def test_a_part_that_takes_too_long_is_ended(press: LetterPress) -> None:
    began = time.monotonic()

    with pytest.raises(PageFault) as fault:
        bind_petition(a_petition(), press, limits=Limits(seconds=0.01))

    assert fault.value.__cause__ is None
    assert time.monotonic() - began < 60


def test_a_part_that_takes_too_much_memory_is_ended(press: LetterPress) -> None:
    with pytest.raises(LetterFault):
        bind_petition(a_petition(), press, limits=Limits(megabytes=64))


def test_a_petition_on_letter_paper_keeps_its_paper(press: LetterPress) -> None:
    petition = bind_petition(a_petition(cover=a_letter(layout=US_10)), press)

    with pikepdf.open(io.BytesIO(petition.pdf)) as document:
        sizes = {tuple(round(float(edge)) for edge in page.MediaBox) for page in document.pages}
    assert sizes == {(0, 0, 612, 792)}
    assert petition.names_a_page < 100
