"""The parts of an address stand in the order of its country.  Nothing is dropped or translated.

The countries are those in which the package that brings the data goes wrong by itself.
"""

from typing import Any

import pytest

from services.intake.packs.postal_forms import form_of, set_out
from shared.addresses import AddressParts


def lines(country: str, **parts: Any) -> tuple[str, ...]:
    return set_out(AddressParts(**{"street": ("1 Road",)} | parts), country)


@pytest.mark.parametrize(
    ("country", "parts", "printed"),
    [
        # Its form has no place for a postcode: it stands behind the town.
        ("PS", {"town": "Ramallah", "postcode": "P600"}, ("RAMALLAH P600",)),
        ("PS", {"town": "Ramallah"}, ("RAMALLAH",)),
        (
            "GT",
            {"town": "Ciudad de Guatemala", "postcode": "01001"},
            ("01001- CIUDAD DE GUATEMALA",),
        ),
        ("GT", {"town": "Ciudad de Guatemala"}, ("CIUDAD DE GUATEMALA",)),  # no dash in front
        # "Kyiv" stays Kyiv.
        ("UA", {"town": "Kyiv", "postcode": "01001"}, ("KYIV", "01001")),
        ("EG", {"area": "Cairo", "postcode": "11599"}, ("Cairo", "11599")),
        # No comma in front where the district is missing.
        (
            "TH",
            {"town": "Dusit", "area": "Bangkok", "postcode": "10300"},
            ("Dusit", "BANGKOK 10300"),
        ),
        (
            "TH",
            {"district": "Chitralada", "town": "Dusit", "area": "Bangkok"},
            ("Chitralada, Dusit", "BANGKOK"),
        ),
        ("NG", {"town": "Abuja", "area": "FCT"}, ("ABUJA", "FCT")),
        ("ER", {"town": "Asmara"}, ("ASMARA",)),
        (
            "MX",
            {"town": "Cuauhtémoc", "area": "CDMX", "postcode": "06700"},
            ("06700 CUAUHTÉMOC, CDMX",),
        ),
        # The town is no district, and stands all the same.
        (
            "CN",
            {"town": "Beijing", "area": "Beijing Shi", "postcode": "100017"},
            ("Beijing", "BEIJING SHI, 100017"),
        ),
        ("CH", {"town": "Bern", "postcode": "3000"}, ("CH-3000 Bern",)),
        ("CH", {"town": "Bern"}, ("Bern",)),
        ("US", {"town": "Springfield", "postcode": "62701"}, ("SPRINGFIELD 62701",)),
        # Jersey's form names Jersey, which the country's line does.
        ("JE", {"town": "St Helier", "postcode": "JE1 1AA"}, ("ST HELIER", "JE1 1AA")),
        ("IC", {"town": "Las Palmas"}, ("LAS PALMAS",)),  # nothing is known: the common form
    ],
)
def test_parts_stand_as_their_country_has_them(
    country: str, parts: dict[str, str], printed: tuple[str, ...]
) -> None:
    assert lines(country, **parts) == ("1 Road", *printed)


def test_where_the_province_comes_first_it_does() -> None:
    assert lines("IR", town="Tehran", area="Tehran Province", postcode="11936-12345") == (
        "Tehran Province",
        "TEHRAN",  # and no comma behind it
        "1 Road",
        "11936-12345",
    )


def test_lines_of_the_street_stay_lines() -> None:
    street = ("Government House", "1 Nakhon Pathom Road")

    assert lines("TH", street=street, area="Bangkok")[:2] == street


def test_a_form_tells_what_a_country_asks_for() -> None:
    mexico, eritrea = form_of("MX"), form_of("ER")

    assert mexico.required == {"A", "C", "S", "Z"}
    assert (mexico.place_of("Z"), mexico.place_of("D"), mexico.example) == (0, 1, "02860")
    assert (eritrea.postcode, eritrea.place_of("Z")) == (None, None)
    begins = mexico.areas["ciudad de méxico"]
    assert begins
    assert begins.match("06700")
    assert not begins.match("77035")
