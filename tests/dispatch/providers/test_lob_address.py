"""What stands on which line, and what Lob cannot hold."""

import pytest
from babel import Locale

from services.dispatch.providers.contract import Refused
from services.dispatch.providers.lob_address import NOT_SERVED, TERRITORIES, as_fields
from tests import lob_document

OFFICE, HOLDER, STREET, TOWN = "Office of the Minister", "A. Holder", "1 Main Street", "1234 Town"
# No countries: groups, test codes, islands that another country's code covers.
_NO_COUNTRIES = {"AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "ZZ"}


@pytest.mark.parametrize(
    ("lines", "fields"),
    [
        ((OFFICE, TOWN), ["name", "address_line1"]),
        ((OFFICE, STREET, TOWN), ["name", "address_line1", "address_city"]),
        ((OFFICE, "3rd", STREET, TOWN), ["name", "address_line1", "address_line2", "address_city"]),
        (
            (HOLDER, OFFICE, "3rd", STREET, TOWN),
            ["name", "company", "address_line1", "address_line2", "address_city"],
        ),
    ],
)
def test_abroad_every_line_stays_a_line(lines: tuple[str, ...], fields: list[str]) -> None:
    found = as_fields((*lines, "NORWAY"), "NO")

    assert found.pop("address_country") == "NO"
    assert list(found) == fields
    assert tuple(found.values()) == lines


@pytest.mark.parametrize("lines", [(OFFICE,), (OFFICE, *(STREET,) * 5)])
def test_an_address_that_has_no_place_in_the_fields_is_refused(lines: tuple[str, ...]) -> None:
    with pytest.raises(Refused, match="cannot hold an address of"):
        as_fields((*lines, "NORWAY"), "NO")


@pytest.mark.parametrize(
    ("last", "city", "state", "zip_"),
    [
        ("Washington, DC 20500", "Washington", "DC", "20500"),
        ("SALT LAKE CITY UT 84114-2220", "SALT LAKE CITY", "UT", "84114-2220"),
    ],
)
def test_in_the_usa_the_last_line_is_parted(last: str, city: str, state: str, zip_: str) -> None:
    assert as_fields((HOLDER, OFFICE, STREET, last, "UNITED STATES"), "US") == {
        "name": HOLDER,
        "company": OFFICE,
        "address_line1": STREET,
        "address_city": city,
        "address_state": state,
        "address_zip": zip_,
        "address_country": "US",
    }


def test_a_territory_is_addressed_as_a_state() -> None:
    found = as_fields((OFFICE, STREET, "San Juan PR 00901", "PUERTO RICO"), "PR")

    assert (found["address_country"], found["address_state"]) == ("US", "PR")


@pytest.mark.parametrize("last", ["Washington", "20500 Washington DC", "Washington dc 20500"])
def test_in_the_usa_another_last_line_is_refused(last: str) -> None:
    with pytest.raises(Refused, match="city, state, ZIP"):
        as_fields((OFFICE, STREET, last, "UNITED STATES"), "US")


@pytest.mark.parametrize(
    ("lines", "country", "name"),
    [
        (("x" * 41, STREET, TOWN, "NORWAY"), "NO", "name"),
        ((HOLDER, "x" * 41, "3rd", STREET, TOWN, "NORWAY"), "NO", "company"),
        ((OFFICE, "x" * 201, TOWN, "NORWAY"), "NO", "address_line1"),
        ((OFFICE, "x" * 65, "Reno NV 89501", "UNITED STATES"), "US", "address_line1"),
    ],
)
def test_a_line_that_is_too_long_is_named_and_not_quoted(
    lines: tuple[str, ...], country: str, name: str
) -> None:
    with pytest.raises(Refused, match=rf"^Lob's {name} holds \d+ characters$"):
        as_fields(lines, country)


def test_where_lob_sends_nothing_is_said_before_the_call() -> None:
    with pytest.raises(Refused, match="nothing to PS"):
        as_fields((OFFICE, STREET, TOWN, "PALESTINE"), "PS")


def test_the_countries_are_those_of_the_document() -> None:
    taken = set(lob_document.schema("country_extended")["enum"])
    codes = map(str, Locale("en").territories)
    all_of_them = {code for code in codes if len(code) == 2 and code.isalpha()}

    assert all_of_them - taken - _NO_COUNTRIES == NOT_SERVED | TERRITORIES | {"US"}
    assert not NOT_SERVED & taken


@pytest.mark.parametrize("country", ["ER", "BY", "CN", "US", "PR", "GB"])
@pytest.mark.parametrize("number", [3, 4, 5])
def test_the_document_takes_every_form_of_an_address(country: str, number: int) -> None:
    at_home = country in {"US", "PR"}
    last = "Reno NV 89501" if at_home else TOWN
    lines = (HOLDER, OFFICE, "3rd floor", STREET)[4 - number + 1 :]

    fields = as_fields((*lines, last, "COUNTRY"), country)

    assert lob_document.faults("address_editable", fields) == []
