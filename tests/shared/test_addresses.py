"""An address is laid out in the room there is, or the reason names the line and quotes nothing."""

import re
from typing import Any

import pytest

from shared.addresses import Addressee, DoesNotFit, PostalAddress, Room, lay_out
from shared.countries import CountryNames


def an_address(*lines: str, **changes: Any) -> PostalAddress:
    fields = {"lines": lines or ("1 Road", "220000 Minsk"), "country": "BY", "source": "invented"}
    return PostalAddress(**fields | changes)


OFFICE = Addressee(office="Prosecutor General", holder="A. Holder")
CHINESE = ("中国北京市西城区", "中南海")


def test_holder_office_address_and_country_stand_in_this_order() -> None:
    block = lay_out(an_address(), OFFICE)

    assert block.lines == ("A. Holder", "Prosecutor General", "1 Road", "220000 Minsk", "BELARUS")
    assert not block.without_holder


@pytest.mark.parametrize("holder", ["A. Holder", "H" * 41])
def test_a_holder_without_room_gives_way(holder: str) -> None:
    lines = ("a", "b", "c", "d") if len(holder) < 40 else ("a",)

    block = lay_out(an_address(*lines), Addressee(office="Office", holder=holder))

    assert block.lines == ("Office", *lines, "BELARUS")
    assert block.without_holder


def test_a_long_name_of_an_office_takes_the_lines_it_needs() -> None:
    office = "Ministry of Justice, Department of Prisons and Probation"

    block = lay_out(an_address("1 Road"), Addressee(office=office))

    assert block.lines[:2] == ("Ministry of Justice", "Department of Prisons and Probation")


@pytest.mark.parametrize(
    ("line", "printed"),
    [
        (
            "Esquina Nápoles, Colonia Italia, C.P. 77035",
            ("Esquina Nápoles, Colonia Italia", "C.P. 77035"),
        ),
        (
            "Government House on the long Nakhon Pathom Road",
            ("Government House on the long Nakhon", "Pathom Road"),
        ),
        ("Government House,  1 Road, x", ("Government House,  1 Road, x",)),  # as it was written
    ],
)
def test_a_line_that_is_too_long_goes_on_in_the_next(line: str, printed: tuple[str, ...]) -> None:
    block = lay_out(an_address(line), Addressee(office="Office"))

    assert block.lines[1:-1] == printed


def test_a_vendor_with_narrower_lines_gets_narrower_lines() -> None:
    room = Room(lines=5, columns=12)

    block = lay_out(an_address("1 Invented Road"), Addressee(office="Office"), room)

    assert block.lines == ("Office", "1 Invented", "Road", "BELARUS")


@pytest.mark.parametrize(
    ("lines", "office", "reason"),
    [
        (("a", "x" * 41), "Office", "Line 2 of the address is longer than 40 characters, and has"),
        (("a", " "), "Office", "Line 2 of the address is empty."),
        (("a",), "O" * 41, "A word of the office's name is longer than 40 characters."),
        (("a", "b", "c", "d", "e"), "Office", "The address has 7 lines; its window holds 6."),
        (("a", "b b " * 12, "c", "d"), "Office", "Too long for one line: line 2 of the address."),
        (("a", "b", "c", "d"), "Office " * 6, "The office's name takes 2."),
    ],
)
def test_what_does_not_fit_names_the_line(lines: tuple[str, ...], office: str, reason: str) -> None:
    with pytest.raises(DoesNotFit, match=re.escape(reason)) as found:
        lay_out(an_address(*lines), Addressee(office=office))

    assert not any(line in str(found.value) for line in lines if len(line) > 1)


def test_the_country_is_named_as_the_post_that_takes_it_asks() -> None:
    to = Addressee(office="Bureau", country_names=CountryNames.FRENCH)

    assert lay_out(an_address(), to).lines[-1] == "BÉLARUS"


def test_the_countrys_own_script_stands_above_where_all_of_it_finds_room() -> None:
    address = an_address("Zhongnanhai", "Beijing 100017", country="CN", local_lines=CHINESE)
    full = an_address("a", "b", "c", country="CN", local_lines=CHINESE)
    to = Addressee(office="President")

    assert lay_out(address, to, local=True).lines == (*CHINESE, *lay_out(address, to).lines)
    assert lay_out(full, to, local=True).lines == lay_out(full, to).lines
    assert lay_out(full, to, local=True).without_local
    assert not lay_out(full, to).without_local
