"""What looks odd in an address is told at its line, and a pack with doubts is a good pack."""

from pathlib import Path

import pytest

from services.intake.packs.read import read_pack
from shared.catalogue import Catalogue
from tests.intake.small_pack import OFFICE, SMALL, a_pack
from tests.intake.test_packs import REAL

LINES = '[\n  "Street 1",\n  "220000 Town",\n]\ncountry = "BY"'


def an_office(folder: Path, lines: str, country: str, *, more: str = "", old: str = LINES) -> Path:
    """The small pack with another address of its office."""
    assert old in SMALL[OFFICE]
    told = f'{lines}\ncountry = "{country}"\n{more}'
    return a_pack(folder, {OFFICE: SMALL[OFFICE].replace(old, told)})


def doubts(folder: Path) -> list[tuple[int, str]]:
    return [(one.line, one.message) for one in read_pack(folder).doubts if one.file == OFFICE]


def test_the_real_pack_has_one() -> None:
    [doubt] = read_pack(REAL).doubts

    assert str(doubt) == (
        "recipients/mx-roo-attorney-general.toml:22: the postcode stands above the town; MEXICO"
        " has it beside or below"
    )


@pytest.mark.parametrize(
    ("lines", "country", "line", "told"),
    [
        ('["Street 1", "Warszawa"]', "PL", 20, "no postcode; POLAND wants one (such as 00-950)"),
        ('["Street 1", "00950 Warszawa"]', "PL", 20, "no postcode as POLAND writes it"),
        ('["Street 1", "00-950", "Woj. Maz.", "Warszawa"]', "PL", 20, "above the town"),
        ('["PO Box 12345", "Kyiv"]', "UA", 20, "no postcode; UKRAINE wants one"),
        ('["1 Road", "Cairo 123"]', "EG", 20, "no postcode as EGYPT writes it"),
        ('[\n"Street 1",\n"(220000 Town)",\n]', "BY", 22, "a line that starts with '('"),
        ('[\n"NFA",\n"220000 Town"]', "BY", 21, "no fixed abode"),
        ('["No fixed address", "220000 Town"]', "BY", 20, "no fixed abode"),
        ('[\n"–",\n"220000 Town"]', "BY", 21, "without a letter or a number"),
        ('[\n"Street 1,",\n"220000 Town"]', "BY", 21, "a line that ends in ','"),
    ],
)
def test_what_looks_odd_is_told_at_its_line(
    lines: str, country: str, line: int, told: str, tmp_path: Path
) -> None:
    found = doubts(an_office(tmp_path, lines, country))

    assert [number for number, says in found if told in says] == [line], found


@pytest.mark.parametrize(
    ("lines", "country"),
    [
        ('["Street 1", "220000 Town"]', "BY"),
        ('["Street 1", "220000 Town", "Vobl."]', "BY"),
        ('["PO Box 10399", "Kharkiv", "61005"]', "UA"),
        ('["Al Ittihadia Palace", "Cairo"]', "EG"),
        ('["PMB 192, Abuja"]', "NG"),
        ('["PO Box 1", "Asmara"]', "ER"),
        ('["1 Main Street", "Ramallah P600"]', "PS"),
        ('["1 Road", "London", "ec1y 8sy"]', "GB"),
    ],
)
def test_what_is_as_it_should_be_raises_no_doubt(lines: str, country: str, tmp_path: Path) -> None:
    assert doubts(an_office(tmp_path, lines, country)) == []


def parts(told: str) -> str:
    return f"{{ {told} }}"


@pytest.mark.parametrize(
    ("written", "country", "told"),
    [
        ('street = ["1"], town = "Cairo", area = "Cairo"', "EG", "EGYPT has no area 'Cairo'"),
        ('street = ["1"], town = "Abuja", area = "FCT"', "NG", "NIGERIA has no area 'FCT'"),
        ('street = ["1"], town = "A", postcode = "06700"', "MX", "no `area`; MEXICO wants one"),
        (
            'street = ["1"], town = "A", area = "CDMX", postcode = "77035"',
            "MX",
            "no postcode of CDMX begins as '77035' does",
        ),
        ('street = ["1"], town = "Ramallah", postcode = "P6"', "PS", "`postcode` has no place"),
    ],
)
def test_parts_that_a_country_does_not_know_are_printed_and_told(
    written: str, country: str, told: str, tmp_path: Path
) -> None:
    folder = an_office(tmp_path, parts(written), country, old=f"lines = {LINES}", more="")
    text = (folder / OFFICE).read_text().replace("{ street", "parts = { street")
    (folder / OFFICE).write_text(text)

    [said] = [says for line, says in doubts(folder) if line == 20 and told in says]

    address = Catalogue(read_pack(folder).entries).recipients["office"].addresses[0]
    assert address.parts is not None
    wanted = address.parts.area or address.parts.postcode or ""
    assert wanted.casefold() in " ".join(address.lines).casefold(), said


def test_names_in_another_script_are_told(tmp_path: Path) -> None:
    text = SMALL[OFFICE].replace('"The Office"', '"Прокуратура"').replace("Second Holder", "Вторая")
    folder = a_pack(tmp_path, {OFFICE: text})

    assert [(line, says.partition(" is ")[0]) for line, says in doubts(folder)] == [
        (2, "the office's name"),
        (15, "the holder's name"),
    ]


def test_a_local_script_without_room_is_told(tmp_path: Path) -> None:
    lines = '["a", "b", "c", "220000 Town"]'
    local = 'local_lines = ["220000, г. Минск", "ул. Новая 1"]\n'

    fits = an_office(tmp_path / "fits", '["Street 1", "220000 Town"]', "BY", more=local)
    full = an_office(tmp_path / "full", lines, "BY", more=local)

    assert doubts(fits) == []
    [(line, says)] = doubts(full)
    assert (line, says[:32]) == (22, "`local_lines` are never printed:")
