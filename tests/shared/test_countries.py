"""The last line of an address: a table of our own, in English and French capitals."""

import json
from pathlib import Path

import pytest

import shared.countries
from services.intake.offer import is_country
from shared.countries import CountryNames, country_line, is_named

TABLE: dict[str, list[str]] = json.loads(
    Path(shared.countries.__file__).with_name("countries.json").read_text(encoding="utf-8")
)


@pytest.mark.parametrize(
    ("country", "names", "line"),
    [
        ("EG", CountryNames.ENGLISH, "EGYPT"),
        ("EG", CountryNames.FRENCH, "ÉGYPTE"),
        ("EG", CountryNames.BOTH, "EGYPT / ÉGYPTE"),
        ("FR", CountryNames.BOTH, "FRANCE"),
        ("CF", CountryNames.BOTH, "CENTRAL AFRICAN REPUBLIC"),  # both are longer than a line
        ("PS", CountryNames.ENGLISH, "PALESTINE"),
        ("MM", CountryNames.ENGLISH, "MYANMAR"),
        ("CD", CountryNames.ENGLISH, "DEMOCRATIC REPUBLIC OF THE CONGO"),
        ("\u2014", CountryNames.BOTH, "\u2014"),  # a preview hides where it goes
    ],
)
def test_a_country_is_named_as_its_post_asks(country: str, names: CountryNames, line: str) -> None:
    assert country_line(country, names, columns=40) == line


def test_every_country_that_a_pack_may_name_has_its_names() -> None:
    assert [code for code in TABLE if not is_country(code)] == []
    letters = [chr(n) for n in range(ord("A"), ord("Z") + 1)]
    codes = [a + b for a in letters for b in letters]
    assert [code for code in codes if is_country(code) and not is_named(code)] == []


def test_every_name_is_in_capitals_and_fits_a_line() -> None:
    names = [name for both in TABLE.values() for name in both]

    assert [name for name in names if name != name.upper() or len(name) > 40] == []
    assert [*TABLE] == sorted(TABLE)
