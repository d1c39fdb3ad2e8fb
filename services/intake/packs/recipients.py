"""What must be true of one recipient: reachable, addressed properly, dated without overlap.

In: a `Recipient` and the file it came from.  Out: its faults.  No database, no network.
"""

import datetime as dt
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from zoneinfo import available_timezones

from babel import Locale, UnknownLocaleError
from email_validator import EmailNotValidError, validate_email
from holidays import list_supported_countries

from services.intake.offer import is_country
from services.intake.packs.postal_forms import set_out
from services.intake.packs.source import Fault
from services.intake.packs.toml_file import TomlFile
from shared.addresses import SMALLEST, Addressee, DoesNotFit, PostalAddress, lay_out
from shared.catalogue import Holder, Mailbox, Recipient
from shared.tables.pacing import mailbox_key

_PUNCTUATION = frozenset(" .,:;'’\"“”()/&#°ºª-–+")


def recipient_faults(file: TomlFile, recipient: Recipient) -> list[Fault]:
    return [
        *_place(file, recipient),
        *_reach(file, recipient),
        *_pace(file, recipient),
        *_dated(file, "holder", recipient.holders),
        *_dated(file, "address", recipient.addresses),
        *_dated(file, "mailbox", recipient.mailboxes),
        *_salutations(file, recipient),
    ]


def with_lines(recipient: Recipient) -> Recipient:
    """Addresses that were written by their parts, with their lines in their country's order."""
    addresses = tuple(
        one.model_copy(update={"lines": set_out(one.parts, one.country)}) if one.parts else one
        for one in recipient.addresses
    )
    return recipient.model_copy(update={"addresses": addresses})


def shared_mailbox_faults(recipients: Iterable[tuple[TomlFile, Recipient]]) -> Iterator[Fault]:
    """Offices behind one mailbox keep one pace: else the faster would set it for both."""
    first: dict[str, tuple[TomlFile, Recipient]] = {}
    for file, recipient in recipients:
        for number, mailbox in enumerate(recipient.mailboxes):
            before, other = first.setdefault(mailbox_key(mailbox.email), (file, recipient))
            if differing := _differing(recipient, other):
                why = (
                    f"{before.source.file} names the same mailbox, with another {differing}:"
                    " offices that share a mailbox need the same"
                )
                yield file.fault(("mailbox", number, "email"), why)


def _differing(one: Recipient, other: Recipient) -> str:
    names = ("pace", "time_zone", "country")
    return ", ".join(f"`{name}`" for name in names if getattr(one, name) != getattr(other, name))


def country_fault(file: TomlFile, path: tuple[str | int, ...], code: str) -> Iterator[Fault]:
    if not is_country(code):
        yield file.fault(path, f"unknown country {code!r}: use the two letters of ISO 3166")


def email_fault(file: TomlFile, path: tuple[str | int, ...], email: str) -> Iterator[Fault]:
    try:
        # SES takes no SMTPUTF8; a pack is checked without the network.
        validate_email(email, allow_smtputf8=False, strict=True, check_deliverability=False)
    except EmailNotValidError as error:
        yield file.fault(path, f"not an email address: {error}")


def is_language(tag: str) -> bool:
    return tag.split("-")[0] in Locale("en").languages


def _place(file: TomlFile, recipient: Recipient) -> Iterator[Fault]:
    yield from country_fault(file, ("country",), recipient.country)
    if recipient.time_zone not in available_timezones():
        yield file.fault(("time_zone",), f"unknown time zone {recipient.time_zone!r}")
    if not recipient.languages:
        yield file.fault(("languages",), "name at least one language")
    for language in recipient.languages:
        if not is_language(language):
            yield file.fault(("languages",), f"unknown language {language!r}", near=language)


def _reach(file: TomlFile, recipient: Recipient) -> Iterator[Fault]:
    if not recipient.addresses and not recipient.paper_hold:
        why = "no [[address]]: add one, or say in `paper_hold` why paper must wait"
        yield file.fault((), why)
    for number, address in enumerate(recipient.addresses):
        yield from _address(file, number, address, recipient)
    for number, mailbox in enumerate(recipient.mailboxes):
        yield from email_fault(file, ("mailbox", number, "email"), mailbox.email)


def _pace(file: TomlFile, recipient: Recipient) -> Iterator[Fault]:
    """A region has holidays of its own only where the calendar of its country knows it."""
    region, country = recipient.pace.region, recipient.country
    known = list_supported_countries().get(country, [])
    if region is not None and region not in known:
        there = ", ".join(sorted(known)) or "none"
        why = f"{country} has no region {region!r} with holidays of its own; there are: {there}"
        yield file.fault(("pace", "region"), why)


def _address(
    file: TomlFile, number: int, address: PostalAddress, recipient: Recipient
) -> Iterator[Fault]:
    yield from country_fault(file, ("address", number, "country"), address.country)
    key = "parts" if address.parts else "lines"
    path = ("address", number, key)
    if address.parts and "lines" in file.data["address"][number]:
        yield file.fault(path, "write `lines` or `parts`, not both")
    languages = ("en", *recipient.languages)
    countries = {_country_names(one).get(address.country, "").casefold() for one in languages}
    odd = False
    for line in address.lines:
        if reason := _unfit_line(line, countries):
            odd = True
            yield file.fault(path, reason, near=line)
    if not address.lines:
        yield file.fault(path, "an address without lines")
    elif not odd:
        yield from _fits(file, path, address, recipient)
    yield from _local(file, number, address)


def _fits(
    file: TomlFile, path: tuple[str | int, ...], address: PostalAddress, recipient: Recipient
) -> Iterator[Fault]:
    try:
        lay_out(address, Addressee(office=recipient.office))
    except DoesNotFit as fault:
        yield file.fault(path, f"with the office's lines and the country's: {fault}")


def _local(file: TomlFile, number: int, address: PostalAddress) -> Iterator[Fault]:
    path = ("address", number, "local_lines")
    for line in address.local_lines:
        if reason := _misfit(line):
            yield file.fault(path, reason, near=line)
    if address.local_lines and all(map(_is_postal, "".join(address.local_lines))):
        yield file.fault(path, "`local_lines` are for another script than the Latin one")


def _unfit_line(line: str, countries: Collection[str]) -> str | None:
    if line.casefold() in countries:
        return "leave the country's line out: it is added"
    if reason := _misfit(line):
        return reason
    odd = next((c for c in line if not _is_postal(c)), None)
    return odd and f"U+{ord(odd):04X} is not fit for post: write addresses in Latin letters"


def _misfit(line: str) -> str | None:
    if not line.strip() or line != line.strip():
        return "an empty line, or a space at its start or end"
    if len(line) > SMALLEST.columns:
        return f"a line of {len(line)} characters; at most {SMALLEST.columns} fit the window"
    return None


def _is_postal(character: str) -> bool:
    if character in _PUNCTUATION or character in "0123456789":
        return True
    return character.isalpha() and unicodedata.name(character, "").startswith("LATIN ")


def _dated(
    file: TomlFile, name: str, dated: Sequence[Holder] | Sequence[PostalAddress] | Sequence[Mailbox]
) -> Iterator[Fault]:
    spans = [(one.since or dt.date.min, one.until or dt.date.max) for one in dated]
    for number, (since, until) in enumerate(spans):
        if until < since:
            yield file.fault((name, number, "until"), "`until` lies before `since`")
        clash = any(since <= other[1] and other[0] <= until for other in spans[:number])
        if clash:
            why = f"this [[{name}]] overlaps an earlier one: give both their `since` and `until`"
            yield file.fault((name, number), why)


def _salutations(file: TomlFile, recipient: Recipient) -> Iterator[Fault]:
    yield from _salutation_faults(file, ("salutations",), recipient.salutations)
    for number, holder in enumerate(recipient.holders):
        path = ("holder", number, "salutations")
        yield from _salutation_faults(file, path, holder.salutations)


def _salutation_faults(
    file: TomlFile, path: tuple[str | int, ...], salutations: Mapping[str, str]
) -> Iterator[Fault]:
    for language, salutation in salutations.items():
        here = (*path, language)
        if not is_language(language):
            yield file.fault(here, f"unknown language {language!r}")
        if not salutation.strip():
            yield file.fault(here, "an empty salutation")
        elif salutation.rstrip()[-1] in ",:;!，：！،":
            why = "end a salutation without a mark: the text behind it adds its own"
            yield file.fault(here, why, near=salutation)


@cache
def _country_names(language: str) -> Mapping[str, str]:
    try:
        return Locale.parse(language, sep="-").territories
    except UnknownLocaleError:
        return {}  # a language that Babel has no words of
