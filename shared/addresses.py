"""A postal address, and how it stands in an envelope's window: name, street to town, country.

In: an address of the catalogue, and the room there is.  Out: the lines as printed, or DoesNotFit,
which names the line.  Both `writ pack check` and dispatch lay addresses out, so that what a pack
was checked for is what is printed.  Nothing is shortened and no letter is changed.
"""

import datetime as dt
import operator
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from shared.countries import Country, CountryNames, country_line


class AddressParts(BaseModel):
    """An address by its parts, in Latin letters; packs are read in the country's order."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    street: tuple[str, ...]  # and what stands above it: a building, a floor, a PO box
    district: str | None = None
    town: str | None = None
    area: str | None = None  # a province, a state, a governorate
    postcode: str | None = None


Region = Annotated[str, Field(pattern=r"^[A-Z0-9]{1,3}$")]


class PostalAddress(BaseModel):
    """Street to town.  With the office above and the country below it fits an envelope's window:
    at most 6 lines of at most 40 characters, which `writ pack check` sees to.

    `exclude_if`: a catalogue that does not use what is new can be read by the version before.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    lines: tuple[str, ...] = ()  # in Latin letters, for the post; the reader makes them of `parts`
    parts: Annotated[AddressParts | None, Field(exclude_if=operator.not_)] = None
    # The same in the country's own script, for the postman.
    local_lines: Annotated[tuple[str, ...], Field(exclude_if=operator.not_)] = ()
    country: Country
    # ISO 3166-2, without the country: "43".
    region: Annotated[Region | None, Field(exclude_if=operator.not_)] = None
    since: dt.date | None = None
    until: dt.date | None = None
    hold: str | None = None  # why nothing may be posted here, in words for ops; None: it may
    source: str


class DoesNotFit(Exception):
    """The address and the window; names a line by its number, and never what it says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What a window shows, or a vendor's form takes."""

    lines: int  # the country included
    columns: int  # characters in a line


SMALLEST: Final = Room(lines=6, columns=40)  # fits every vendor's rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressee:
    """Whom the post is for."""

    office: str
    holder: str = ""  # gives way where there is no room
    country_names: CountryNames = CountryNames.ENGLISH


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """The lines as printed, from the top, and what found no room."""

    lines: tuple[str, ...]
    without_holder: bool = False
    without_local: bool = False


def lay_out(
    postal: PostalAddress, to: Addressee, room: Room = SMALLEST, *, local: bool = False
) -> Block:
    """The address in the room there is.  Raises DoesNotFit.

    `local`: the lines in the country's own script stand above the Latin ones, where all of them
    find room: a sorting machine reads from below upwards, country, town and postcode first.
    """
    office = _office(to.office, room)
    street = _street(postal.lines, room)
    last = country_line(postal.country, to.country_names, columns=room.columns)
    lines = (*office, *street, last)
    if len(lines) > room.lines:
        raise DoesNotFit(_too_many(lines, office, postal.lines, street, room=room))
    with_holder = _has_room(lines, (to.holder,), room) if to.holder else False
    if with_holder:
        lines = (to.holder, *lines)
    own = postal.local_lines if local else ()
    with_own = _has_room(lines, own, room)
    return Block(
        lines=(*own, *lines) if with_own else lines,
        without_holder=bool(to.holder) and not with_holder,
        without_local=bool(own) and not with_own,
    )


def _has_room(lines: Sequence[str], more: Sequence[str], room: Room) -> bool:
    fits = all(len(line) <= room.columns for line in more)
    return fits and len(lines) + len(more) <= room.lines


def _office(office: str, room: Room) -> tuple[str, ...]:
    lines = tuple(_broken(office, room.columns))
    if any(len(line) > room.columns for line in lines):
        raise DoesNotFit(f"A word of the office's name is longer than {room.columns} characters.")
    return lines


def _street(lines: Sequence[str], room: Room) -> tuple[str, ...]:
    """The address's own lines; one that is too long goes on in the next."""
    return tuple(
        part for number, line in enumerate(lines, 1) for part in _parts(number, line, room)
    )


def _parts(number: int, line: str, room: Room) -> Iterator[str]:
    if not line.strip():
        raise DoesNotFit(f"Line {number} of the address is empty.")
    if len(line) <= room.columns:  # as it was written, to the last space
        yield line
        return
    for part in _broken(line, room.columns):
        if len(part) > room.columns:
            raise DoesNotFit(
                f"Line {number} of the address is longer than {room.columns} characters,"
                " and has no place to break."
            )
        yield part


def _broken(line: str, columns: int) -> list[str]:
    """In as few lines as it needs: at the last comma that leaves two short ones, or at spaces."""
    if len(line) <= columns:
        return [line] if line.strip() else []
    for at in reversed([at for at, sign in enumerate(line) if sign == ","]):
        before, after = line[:at].strip(), line[at + 1 :].strip()
        if before and after and max(len(before), len(after)) <= columns:
            return [before, after]
    return textwrap.wrap(line, columns, break_long_words=False, break_on_hyphens=False)


def _too_many(
    lines: Sequence[str],
    office: Sequence[str],
    written: Sequence[str],
    street: Sequence[str],
    *,
    room: Room,
) -> str:
    said = [f"The address has {len(lines)} lines; its window holds {room.lines}."]
    if len(office) > 1:
        said.append(f"The office's name takes {len(office)}.")
    long = [str(number) for number, line in enumerate(written, 1) if len(line) > room.columns]
    if len(street) > len(written):
        said.append(f"Too long for one line: line {', '.join(long)} of the address.")
    return " ".join(said)
