"""The lines of an address as Lob's fields: a line stays a line, and the order stays the order.

Lob prints name, company, line 1, line 2, and city, state and ZIP in one line, then the country's
name in English.  So what stands in which field decides nothing on paper, but what Lob checks; of an
address abroad the last line goes as the city, whole.  Source: `address_editable_us` and
`address_editable_intl` in Lob's document, github.com/lob/lob-openapi 1.22.0.
"""

import re
from collections.abc import Mapping, Sequence

from services.dispatch.providers.contract import Refused

LONGEST_NAME = 40  # of the name and of the company
LONGEST_LINE = {True: 64, False: 200}  # of lines 1 and 2: in the USA, and abroad

# They have a state's code of the USA, and no country's at Lob.
TERRITORIES = frozenset({"AS", "FM", "GU", "MH", "MP", "PR", "PW", "VI"})
# Of ISO 3166-1, what the `country_extended` of Lob's document leaves out; PS in so many words.
NOT_SERVED = frozenset(
    {
        *("AM", "AX", "BL", "BV", "CC", "CF", "CX", "GF", "GG", "GP", "HM", "IM", "JE", "MF"),
        *("MQ", "NC", "PF", "PM", "PS", "RE", "SJ", "TF", "UM", "WF", "XK", "YT"),
    }
)
# By the number of lines above the country.
_ABROAD: Mapping[int, tuple[str, ...]] = {
    2: ("name", "address_line1"),
    3: ("name", "address_line1", "address_city"),
    4: ("name", "address_line1", "address_line2", "address_city"),
    5: ("name", "company", "address_line1", "address_line2", "address_city"),
}
_AT_HOME: Mapping[int, tuple[str, ...]] = {
    3: ("name", "address_line1"),
    4: ("name", "company", "address_line1"),
    5: ("name", "company", "address_line1", "address_line2"),
}
_CITY_STATE_ZIP = re.compile(r"(?P<city>\S.*?),?\s+(?P<state>[A-Z]{2})\s+(?P<zip>\d{5}(-\d{4})?)")


def as_fields(lines: Sequence[str], country: str) -> dict[str, str]:
    """What POST /addresses takes.  Raises Refused where Lob's fields cannot hold the address.

    The last line is the country, which Lob prints itself.
    """
    if country in NOT_SERVED:
        raise Refused(f"Lob sends nothing to {country}")
    at_home = country == "US" or country in TERRITORIES
    place = lines[:-1]
    names = (_AT_HOME if at_home else _ABROAD).get(len(place))
    if names is None:
        raise Refused(f"Lob cannot hold an address of {len(lines)} lines in {country}")
    found = {**dict(zip(names, place, strict=False)), "address_country": country}
    if at_home:
        found |= {"address_country": "US", **_city_state_zip(place[-1])}
    _check_lengths(found, at_home=at_home)
    return found


def _city_state_zip(line: str) -> dict[str, str]:
    """Washington, DC 20500"""
    match = _CITY_STATE_ZIP.fullmatch(line.strip())
    if match is None:
        raise Refused("the last line of an address in the USA must be: city, state, ZIP")
    return {f"address_{name}": match[name] for name in ("city", "state", "zip")}


def _check_lengths(found: Mapping[str, str], *, at_home: bool) -> None:
    names, line = ("name", "company"), LONGEST_LINE[at_home]
    limits = {**dict.fromkeys(names, LONGEST_NAME), "address_line1": line, "address_line2": line}
    for name, most in limits.items():
        if len(found.get(name, "")) > most:
            raise Refused(f"Lob's {name} holds {most} characters")
