"""Makes a due delivery ready to go: office, holder and address are resolved now, not before.

In: a due delivery with its action, the catalogue.  Out: `Prepared`, a rendered email or letter.
Holds a delivery, with a reason for ops, where something about it must be mended by a person:

Hold
└── raised for this one delivery; it stops no other
"""

import datetime as dt
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID

from babel import Locale, UnknownLocaleError
from babel.dates import format_date

from services.dispatch.providers.contract import Email, Letter
from services.dispatch.rendering.compose import Composition, compose
from services.dispatch.rendering.email import write_email
from services.dispatch.rendering.faults import LetterFault
from services.dispatch.rendering.letter import LetterPress, LetterRequest
from services.dispatch.rendering.mime import address as named_address
from services.dispatch.rendering.mime import mime_file
from services.dispatch.rendering.scripts import reads_rtl
from shared.catalogue import Campaign, Case, Catalogue, Channel, Holder, Recipient
from shared.clock import new_id

ADDRESS_LINES = 6
ADDRESS_COLUMNS = 40  # characters in a line: fits every vendor's rule
FROM_NAME = 100  # characters of a supporter's name in a From header


class Hold(Exception):
    """This delivery waits for a person.  The message is shown to ops: never a person's data."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A delivery that is due, with the one action that rests on it."""

    id: UUID
    mode: str
    campaign: str
    case: str
    kind: str
    channel: str
    language: str
    recipient: str
    attempts: int
    supporter_name: str | None
    supporter_email: str | None
    supporter_country: str | None
    words: str | None
    consent: Mapping[str, Any]
    unclear_before: bool  # an earlier attempt may have been taken


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    due: Due
    attempt_id: UUID
    handover: Email | Letter
    document: str  # path of what was rendered
    content: bytes
    holder: str | None
    address: str  # really used


class Preparer:
    """Renders deliveries; one for a process, used by all its threads."""

    def __init__(self, catalogue: Callable[[], Catalogue], press: LetterPress) -> None:
        self._catalogue = catalogue
        self._press = press

    def prepare(self, due: Due, now: dt.datetime) -> Prepared:
        """Raises Hold."""
        catalogue = self._catalogue()
        try:
            entry = _entries(due, catalogue, now.date())
            if due.channel == Channel.EMAIL:
                return _email(due, entry, now)
            return self._letter(due, entry, now)
        except Hold:
            raise
        except Exception as error:  # a fault of ours in one delivery must not stop its neighbours
            raise Hold(f"It cannot be rendered: {type(error).__name__}.") from error

    def _letter(self, due: Due, entry: "_Entries", now: dt.datetime) -> Prepared:
        postal = entry.recipient.address_on(now.date())
        if postal is None or postal.hold or entry.recipient.paper_hold:
            raise Hold(_paper_hold(entry.recipient, postal.hold if postal else None))
        lines = _address_lines(entry, postal.lines, postal.country)
        request = LetterRequest(
            composition=entry.composition,
            address=lines,
            sender=entry.campaign.sender.postal,
            place_date=_place_date(entry.campaign.sender.place, now.date(), due.language),
        )
        try:
            letter = self._press.typeset(request)
        except LetterFault as fault:
            raise Hold(f"The letter cannot be printed: {fault}") from fault
        handover = Letter(
            delivery_id=due.id,
            idempotency_key=str(due.id),
            pdf=letter.pdf,
            pages=letter.pages,
            lines=lines,
            country=postal.country,
        )
        return _prepared(due, entry, handover, letter.pdf, now, address="\n".join(lines))


@dataclass(frozen=True, slots=True)
class _Entries:
    """What the catalogue says of one delivery today."""

    campaign: Campaign
    case: Case
    recipient: Recipient
    holder: Holder | None
    composition: Composition


def _entries(due: Due, catalogue: Catalogue, day: dt.date) -> _Entries:
    campaign = catalogue.campaigns.get(due.campaign)
    case = catalogue.cases.get(due.case)
    recipient = catalogue.recipients.get(due.recipient)
    template = catalogue.template(due.case, due.kind, due.language)
    if campaign is None or case is None or recipient is None:
        raise Hold("The campaign, the case or the recipient is no longer in the catalogue.")
    if case.policy.stopped:
        raise Hold("The case is stopped.")
    if due.channel not in case.policy.channels:
        raise Hold(f"The case's policy no longer allows the channel {due.channel}.")
    if template is None:
        raise Hold(f"There is no {due.kind} text in the language {due.language!r} any more.")
    holder = recipient.holder_on(day)
    values = _values(due, case, recipient, holder)
    composition = compose(
        template,
        values,
        words=due.words or "",
        signature=_signature(due, case),
        reference=str(due.id),
    )
    return _Entries(campaign, case, recipient, holder, composition)


def _values(due: Due, case: Case, recipient: Recipient, holder: Holder | None) -> Mapping[str, str]:
    salutation = (holder.salutations if holder else {}).get(due.language)
    salutation = salutation or recipient.salutations.get(due.language)
    if not salutation:
        raise Hold(f"No salutation is known in the language {due.language!r} for this office.")
    signature = _signature(due, case)
    return {
        "salutation": salutation,
        "holder": holder.name if holder else recipient.office,
        "office": recipient.office,
        "case": case.name,
        "supporter": signature[0] if _shows_name(due, case) else "",
        "country": signature[-1] if _shows_country(due, case) else "",
    }


def _signature(due: Due, case: Case) -> tuple[str, ...]:
    name = due.supporter_name if _shows_name(due, case) else None
    country = due.supporter_country if _shows_country(due, case) else None
    lines = (name, _country_name(country, due.language) if country else None)
    return tuple(line for line in lines if line)


def _shows_name(due: Due, case: Case) -> bool:
    return bool(
        due.supporter_name and due.consent.get("show_name") and case.policy.show_supporter_name
    )


def _shows_country(due: Due, case: Case) -> bool:
    return bool(
        due.supporter_country
        and due.consent.get("show_country")
        and case.policy.show_supporter_country
    )


def _email(due: Due, entry: _Entries, now: dt.datetime) -> Prepared:
    mailbox = entry.recipient.mailbox_on(now.date())
    if mailbox is None:
        raise Hold("No mailbox is known for this office today.")
    if mailbox.hold:
        raise Hold(mailbox.hold)
    text = write_email(entry.composition, organiser=entry.campaign.sender.name)
    sender = entry.campaign.sender
    name = due.supporter_name if _shows_name(due, entry.case) else None
    shown = f"{name[:FROM_NAME]} via {entry.campaign.name}" if name else sender.name
    email = Email(
        delivery_id=due.id,
        from_=named_address(shown, sender.email),
        to=mailbox.email,
        reply_to=due.supporter_email if due.consent.get("replies") else None,
        subject=text.subject,
        text=text.text,
        html=text.html,
    )
    content = mime_file(
        from_=email.from_,
        to=email.to,
        reply_to=email.reply_to,
        subject=email.subject,
        text=email.text,
        html=email.html,
        date=now,
        message_id=str(due.id),
    )
    return _prepared(due, entry, email, content, now, address=mailbox.email)


def _prepared(
    due: Due,
    entry: _Entries,
    handover: Email | Letter,
    content: bytes,
    now: dt.datetime,
    *,
    address: str,
) -> Prepared:
    ending = "eml" if due.channel == Channel.EMAIL else "pdf"
    folder = f"{due.campaign}/{due.case}/{due.channel}/{now:%Y-%m-%d}"
    return Prepared(
        due=due,
        attempt_id=new_id(),
        handover=handover,
        document=f"{folder}/{due.id}-{due.attempts + 1}.{ending}",
        content=content,
        holder=entry.holder.name if entry.holder else None,
        address=address,
    )


def _paper_hold(recipient: Recipient, hold: str | None) -> str:
    return hold or recipient.paper_hold or "No postal address is known for this office today."


def _address_lines(entry: _Entries, lines: tuple[str, ...], country: str) -> tuple[str, ...]:
    """Holder, office, street and town, country.  The holder's line gives way where space is short.

    Raises Hold where even then the address has more lines than the window.
    """
    office = textwrap.wrap(entry.recipient.office, ADDRESS_COLUMNS)
    last = _country_name(country, "en").upper()
    whole = (*office, *lines, last)
    if len(whole) > ADDRESS_LINES:
        raise Hold(f"The address has {len(whole)} lines; its window holds {ADDRESS_LINES}.")
    if any(len(line) > ADDRESS_COLUMNS for line in whole):
        raise Hold(f"A line of the address is longer than {ADDRESS_COLUMNS} characters.")
    holder = entry.holder.name if entry.holder else ""
    if holder and len(whole) < ADDRESS_LINES and len(holder) <= ADDRESS_COLUMNS:
        return (holder, *whole)
    return whole


def _place_date(place: str, day: dt.date, language: str) -> str:
    """In an Arabic or Hebrew line each in an isolate (UAX #9): a Latin town would jumble its date.

    Only there: the PDF spells out every space of a letter whose font has drawn an isolate as one.
    """
    locale = Locale("en", "GB") if language == "en" else _locale(language)
    parts = (place, format_date(day, "long", locale))
    if reads_rtl("".join(parts)):
        parts = (f"\u2068{parts[0]}\u2069", f"\u2068{parts[1]}\u2069")
    return ", ".join(parts)


def _country_name(country: str, language: str) -> str:
    return str(_locale(language).territories.get(country, country))


@lru_cache(maxsize=64)
def _locale(language: str) -> Locale:
    try:
        return Locale.parse(language, sep="-")
    except (UnknownLocaleError, ValueError):
        return Locale("en")
