"""A `paper_fallback` leads to a recipient who can get its letters, or the pack has a fault."""

from pathlib import Path

import pytest

from services.intake.packs.read import PackFaults, read_pack
from shared.catalogue import Catalogue
from tests.intake.small_pack import APPEAL, CARD, CASE, SMALL, a_pack

EMBASSY = "recipients/embassy.toml"
AN_EMBASSY = """\
kind = "authority"
office = "Embassy of Belarus"
country = "CH"
languages = ["en"]
time_zone = "Europe/Zurich"
source = "https://source.example"
salutations = { en = "Dear Ambassador" }
[[address]]
lines = ["1 Road", "3000 Bern"]
country = "CH"
source = "https://source.example"
"""
FALLBACK = '[[policy.paper_fallback]]\nby = "embassy"\nto = "embassy"\n'


def with_fallback(folder: Path, told: str = FALLBACK, embassy: str | None = AN_EMBASSY) -> Path:
    return a_pack(folder, {CASE: SMALL[CASE] + told, EMBASSY: embassy})


def faults(folder: Path) -> list[tuple[str, int, str]]:
    with pytest.raises(PackFaults) as found:
        read_pack(folder)
    return [(one.file, one.line, one.message) for one in found.value.faults]


def test_a_case_may_name_its_embassy_and_no_case_need_write_to_it(tmp_path: Path) -> None:
    told = FALLBACK + 'instead_of = "office"\n'

    catalogue = Catalogue(read_pack(with_fallback(tmp_path, told)).entries)

    [fallback] = catalogue.cases["ada"].policy.fallbacks("office")
    assert (fallback.by, fallback.to) == ("embassy", "embassy")
    assert catalogue.cases["ada"].policy.fallbacks("ada") == ()
    assert "embassy" in catalogue.recipients


@pytest.mark.parametrize(
    ("told", "says"),
    [
        (FALLBACK.replace('to = "embassy"', 'to = "consulate"'), "unknown recipient `consulate`"),
        (FALLBACK + 'instead_of = "minister"\n', "the case does not write to `minister`"),
        (FALLBACK.replace('to = "embassy"', 'to = "ada"'), "`ada` takes no paper"),
        (
            FALLBACK.replace('to = "embassy"', 'to = "office"') + 'instead_of = "office"\n',
            "`office` cannot stand in for itself",
        ),
        # A message to the person at risk must never reach the power that holds them.
        (FALLBACK + 'instead_of = "ada"\n', "is of the kind authority, and stands in for none"),
        (FALLBACK.replace('by = "embassy"', 'by = "friends"'), "'embassy' or 'section'"),
    ],
)
def test_a_fallback_that_leads_nowhere_is_a_fault(told: str, says: str, tmp_path: Path) -> None:
    found = faults(with_fallback(tmp_path, told))

    [line] = [line for file, line, message in found if file == CASE and says in message]
    assert line >= 13


@pytest.mark.parametrize(
    "embassy",
    [
        AN_EMBASSY.replace("[[address]]", 'paper_hold = "moved"\n[[address]]'),
        AN_EMBASSY.partition("[[address]]")[0] + 'paper_hold = "unknown"\n',
    ],
)
def test_an_embassy_that_takes_no_paper_is_no_way_round(embassy: str, tmp_path: Path) -> None:
    found = faults(with_fallback(tmp_path, embassy=embassy))

    assert [message for _, _, message in found] == ["`embassy` takes no paper: it needs an address"]


def test_an_embassy_is_addressed_in_every_language_of_the_appeals(tmp_path: Path) -> None:
    embassy = AN_EMBASSY.replace("{ en", "{ fr")

    assert faults(with_fallback(tmp_path, embassy=embassy)) == [
        (EMBASSY, 7, f"no salutation in 'en', which {APPEAL} needs")
    ]
    assert CARD in SMALL  # its messages of solidarity do not go there


def test_a_fallback_with_faults_of_its_own_is_told_once(tmp_path: Path) -> None:
    found = faults(with_fallback(tmp_path, embassy="kind = 1\n"))

    assert {file for file, _, _ in found} == {EMBASSY}
