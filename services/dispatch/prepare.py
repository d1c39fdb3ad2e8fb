"""Makes a due delivery ready to go: office, holder and address are resolved now, not before.

In: a due delivery with its action, the catalogue.  Out: `Prepared`, a rendered email or letter.
Raises NotNow (due.py): Hold, with a reason for ops, where a person must mend something about it.
"""

import datetime as dt
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from services.dispatch.due import Due, Hold, NotNow, Prepared, emailed, printed
from services.dispatch.prepare_notice import prepare_notice
from services.dispatch.providers.contract import Email, Letter
from services.dispatch.rendering.compose import Composition, compose
from services.dispatch.rendering.email import write_email
from services.dispatch.rendering.faults import LetterFault
from services.dispatch.rendering.letter import LetterPress, LetterRequest
from services.dispatch.rendering.mime import address as named_address
from services.dispatch.rendering.places import country_name, place_date
from shared.catalogue import Campaign, Case, Catalogue, Channel, Holder, Recipient

ADDRESS_LINES = 6
ADDRESS_COLUMNS = 40  # characters in a line: fits every vendor's rule
FROM_NAME = 100  # characters of a supporter's name in a From header


class Preparer:
    """Renders deliveries; one for a process, used by all its threads."""

    def __init__(self, catalogue: Callable[[], Catalogue], press: LetterPress) -> None:
        self._catalogue = catalogue
        self._press = press

    def prepare(self, due: Due, now: dt.datetime) -> Prepared:
        """Raises NotNow."""
        catalogue = self._catalogue()
        try:
            if due.notice is not None:
                return prepare_notice(due, due.notice, catalogue, now)
            entry = _entries(due, catalogue, now.date())
            if due.channel == Channel.EMAIL:
                return _email(due, entry, now)
            return self._letter(due, entry, now)
        except NotNow:
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
            place_date=place_date(entry.campaign.sender.place, now.date(), due.language),
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
        return printed(due, handover, now, holder=entry.holder)


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
    lines = (name, country_name(country, due.language) if country else None)
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
    sender = entry.campaign.sender
    name = due.supporter_name if _shows_name(due, entry.case) else None
    shown = f"{name[:FROM_NAME]} via {entry.campaign.name}" if name else sender.name
    text = write_email(entry.composition, organiser=sender.name)
    email = Email(
        delivery_id=due.id,
        from_=named_address(shown, sender.email),
        to=mailbox.email,
        reply_to=due.supporter_email if due.consent.get("replies") else None,
        subject=text.subject,
        text=text.text,
        html=text.html,
    )
    return emailed(due, email, now, holder=entry.holder)


def _paper_hold(recipient: Recipient, hold: str | None) -> str:
    return hold or recipient.paper_hold or "No postal address is known for this office today."


def _address_lines(entry: _Entries, lines: tuple[str, ...], country: str) -> tuple[str, ...]:
    """Holder, office, street and town, country.  The holder's line gives way where space is short.

    Raises Hold where even then the address has more lines than the window.
    """
    office = textwrap.wrap(entry.recipient.office, ADDRESS_COLUMNS)
    last = country_name(country, "en").upper()
    whole = (*office, *lines, last)
    if len(whole) > ADDRESS_LINES:
        raise Hold(f"The address has {len(whole)} lines; its window holds {ADDRESS_LINES}.")
    if any(len(line) > ADDRESS_COLUMNS for line in whole):
        raise Hold(f"A line of the address is longer than {ADDRESS_COLUMNS} characters.")
    holder = entry.holder.name if entry.holder else ""
    if holder and len(whole) < ADDRESS_LINES and len(holder) <= ADDRESS_COLUMNS:
        return (holder, *whole)
    return whole
