"""What looks odd in an address, and may be right: told by `writ pack check`, and never a fault.

A post office knows better than any table, and whoever wrote the pack saw the address in print.  In:
a recipient and its file.  Out: doubts, each at its line.  Of the country's form: postal_forms.py.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from services.intake.packs.postal_forms import PARTS, PostalForm, form_of
from services.intake.packs.source import Fault
from services.intake.packs.toml_file import TomlFile
from shared.addresses import Addressee, AddressParts, PostalAddress, lay_out
from shared.catalogue import Recipient
from shared.countries import country_line

# DVLA, the printer of GOV.UK Notify, refuses a line that starts so (notifications-utils).
_STARTS: Final = tuple('@()=[]"\\/,<>~')
_NO_ABODE: Final = re.compile(r"\W*(nfa|n\.f\.a\.|no fixed (abode|address))\W*", re.IGNORECASE)
# Their numbers are no postcodes.
_BOX: Final = re.compile(
    r"\b(p\.? ?o\.? ?box|box|pmb|private bag|b\.? ?p\.?|apartado|casilla|postfach)\W*\d+",
    re.IGNORECASE,
)
_NUMBER: Final = re.compile(r"\d[\d -]{2,}")


def doubts(file: TomlFile, recipient: Recipient) -> Iterator[Fault]:
    """Of a recipient without faults."""
    yield from _names(file, recipient)
    for number, address in enumerate(recipient.addresses):
        path = ("address", number)
        for line in address.lines:
            if why := _odd_line(line):
                yield file.fault((*path, "lines"), why, near=line)
        for why in _odd_postcode(address):
            yield file.fault((*path, "lines"), why)
        for why in _odd_parts(address.parts, address.country) if address.parts else ():
            yield file.fault((*path, "parts"), why)
        if address.local_lines and lay_out(address, _to(recipient), local=True).without_local:
            why = "`local_lines` are never printed: with the Latin lines they do not fit the window"
            yield file.fault((*path, "local_lines"), why)


def _to(recipient: Recipient) -> Addressee:
    return Addressee(office=recipient.office)


def _names(file: TomlFile, recipient: Recipient) -> Iterator[Fault]:
    """The first lines of every address, which no Latin line stands beside."""
    why = "is printed on the envelope, and is not in Latin letters"
    if not _is_latin(recipient.office):
        yield file.fault(("office",), f"the office's name {why}", near=recipient.office)
    for number, holder in enumerate(recipient.holders):
        if not _is_latin(holder.name):
            yield file.fault(("holder", number, "name"), f"the holder's name {why}")


def _odd_line(line: str) -> str | None:
    if line.startswith(_STARTS):
        return f"a line that starts with {line[0]!r}: some printers refuse it"
    if _NO_ABODE.fullmatch(line):
        return "no fixed abode: nothing arrives there"
    if not any(character.isalnum() for character in line):
        return "a line without a letter or a number"
    if line[-1] in ",;-–/":
        return f"a line that ends in {line[-1]!r}: is something missing?"
    return None


def _odd_postcode(address: PostalAddress) -> Iterator[str]:
    form, country = form_of(address.country), country_line(address.country, columns=99)
    place = form.place_of("Z")
    if form.postcode is None or place is None:
        return
    example = f" (such as {form.example})" if form.example else ""
    # The rows below it in the form may be missing here.
    here, above = address.lines[-1 - place :], address.lines[: -1 - place]
    if any(_has_postcode(line, form) for line in here):
        return
    if any(_has_postcode(line, form) for line in above):
        yield f"the postcode stands above the town; {country} has it beside or below"
    elif any(_NUMBER.search(_BOX.sub("", line)) for line in here):
        yield f"no postcode as {country} writes it{example}"
    elif "Z" in form.required:
        yield f"no postcode; {country} wants one{example}"


def _has_postcode(line: str, form: PostalForm) -> bool:
    assert form.postcode is not None  # asked before
    whole = rf"(?<![\w-])(?:{form.postcode.pattern})(?![\w-])"
    return re.search(whole, _BOX.sub("", line), re.IGNORECASE) is not None


def _odd_parts(parts: AddressParts, code: str) -> Iterator[str]:
    form, country = form_of(code), country_line(code, columns=99)
    said = {letter: getattr(parts, name) for letter, name in PARTS.items()}
    for letter, name in PARTS.items():
        # Of a missing postcode the lines tell.
        if letter in form.required - {"Z"} and not said[letter]:
            yield f"no `{name}`; {country} wants one"
        if said[letter] and form.place_of(letter) is None:
            yield f"`{name}` has no place in an address of {country}: it stands in the last line"
    area, postcode = parts.area, parts.postcode
    if not area or not form.areas:
        return
    if area.casefold() not in form.areas:
        yield f"{country} has no area {area!r} in the list of its post; it is printed as it is"
    elif postcode and (begins := form.areas[area.casefold()]) and not begins.match(postcode):
        yield f"no postcode of {area} begins as {postcode!r} does"


def _is_latin(text: str) -> bool:
    letters = (character for character in text if character.isalpha())
    return all(unicodedata.name(letter, "").startswith("LATIN ") for letter in letters)
