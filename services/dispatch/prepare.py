"""Makes a due delivery ready to go: office, holder and address are resolved now, not before.

In: a due delivery with its action, the catalogue.  Out: `Prepared`, a rendered email or letter.
Raises NotNow (due.py): Hold, with a reason for ops, where a person must mend something about it.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from services.dispatch.addressing import remarks, set_out
from services.dispatch.due import Due, Hold, NotNow, Prepared, emailed, printed
from services.dispatch.office import Office, find_office, open_mailbox
from services.dispatch.prepare_digest import prepare_digest
from services.dispatch.prepare_notice import prepare_notice
from services.dispatch.providers.capability import Capability, Format
from services.dispatch.providers.contract import Email, Letter
from services.dispatch.rendering.compose import Composition, compose
from services.dispatch.rendering.email import write_email
from services.dispatch.rendering.faults import LetterFault
from services.dispatch.rendering.layouts import DIN_5008_B, Layout
from services.dispatch.rendering.letter import LetterPress, LetterRequest
from services.dispatch.rendering.mime import address as named_address
from services.dispatch.rendering.places import country_name, place_date
from services.dispatch.replies import from_name, reply_to
from shared.addresses import Addressee
from shared.catalogue import Case, Catalogue, Channel, Recipient

_FORMATS = {(210, 297): Format.A4, (215.9, 279.4): Format.US_LETTER}


def _any_vendor(_due: Due) -> Capability | None:
    return None


class Preparer:
    """Renders deliveries; one for a process, used by all its threads."""

    def __init__(
        self,
        catalogue: Callable[[], Catalogue],
        press: LetterPress,
        vendor_of: Callable[[Due], Capability | None] = _any_vendor,
        layout: Layout = DIN_5008_B,
    ) -> None:
        """`vendor_of`: who prints a letter, as far as that is known; None: whoever it may be.
        `layout`: the paper and the envelope of whoever that is.
        """
        self._catalogue = catalogue
        self._press = press
        self._vendor_of = vendor_of
        self._layout = layout

    def prepare(self, due: Due, now: dt.datetime) -> Prepared:
        """Raises NotNow."""
        catalogue = self._catalogue()
        try:
            if due.notice is not None:
                return prepare_notice(due, due.notice, catalogue, now)
            if due.carrier == "digest":
                return prepare_digest(due, catalogue, now)
            message = _message(due, catalogue, now.date())
            if due.channel == Channel.EMAIL:
                return _email(due, message, now)
            return self._letter(due, message, now)
        except NotNow:
            raise
        except Exception as error:  # a fault of ours in one delivery must not stop its neighbours
            raise Hold(f"It cannot be rendered: {type(error).__name__}.") from error

    def _letter(self, due: Due, message: "_Message", now: dt.datetime) -> Prepared:
        office = message.office
        postal = office.recipient.address_on(now.date())
        if postal is None or postal.hold or office.recipient.paper_hold:
            raise Hold(_paper_hold(office.recipient, postal.hold if postal else None))
        vendor = self._vendor_of(due)
        _check_country(postal.country, vendor)
        block = set_out(postal, _addressee(office), vendor)
        request = LetterRequest(
            composition=message.composition,
            address=block.lines,
            sender=office.campaign.sender.postal,
            place_date=place_date(office.campaign.sender.place, now.date(), office.language),
            layout=self._layout,
        )
        try:
            letter = self._press.typeset(request)
        except LetterFault as fault:
            raise Hold(f"The letter cannot be printed: {fault}") from fault
        format_ = _FORMATS[self._layout.width, self._layout.height]
        _check_pages(letter.pages, format_, vendor)
        handover = Letter(
            delivery_id=due.id,
            idempotency_key=str(due.id),
            pdf=letter.pdf,
            pages=letter.pages,
            lines=block.lines,
            country=postal.country,
            format=format_,
        )
        said = " ".join(filter(None, (office.remark, *remarks(block))))
        return printed(due, handover, now, holder=office.holder, remark=said or None)


@dataclass(frozen=True, slots=True)
class _Message:
    """What one action says to one office today."""

    office: Office
    composition: Composition


def _message(due: Due, catalogue: Catalogue, day: dt.date) -> _Message:
    office = find_office(due, catalogue, day)
    signature = _signature(due, office.case, office.language)
    composition = compose(
        office.template,
        {
            **office.values(),
            "supporter": signature[0] if _shows_name(due, office.case) else "",
            "country": signature[-1] if _shows_country(due, office.case) else "",
        },
        words=due.words or "",
        signature=signature,
        reference=str(due.id),
    )
    return _Message(office, composition)


def _signature(due: Due, case: Case, language: str) -> tuple[str, ...]:
    name = due.supporter_name if _shows_name(due, case) else None
    country = due.supporter_country if _shows_country(due, case) else None
    lines = (name, country_name(country, language) if country else None)
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


def _email(due: Due, message: _Message, now: dt.datetime) -> Prepared:
    office = message.office
    mailbox = open_mailbox(office, now.date())
    sender = office.campaign.sender
    name = due.supporter_name if _shows_name(due, office.case) else None
    answers = due.supporter_email if due.consent.get("replies") else None
    text = write_email(message.composition, organiser=sender.name)
    email = Email(
        delivery_id=due.id,
        from_=named_address(from_name(office.campaign, name), sender.email),
        to=mailbox.email,
        reply_to=reply_to(office.campaign, due.id, supporter=answers),
        subject=text.subject,
        text=text.text,
        html=text.html,
        campaign=due.campaign,
        follow_reading=office.campaign.follow_reading,
    )
    return emailed(due, email, now, holder=office.holder, remark=office.remark)


def _paper_hold(recipient: Recipient, hold: str | None) -> str:
    return hold or recipient.paper_hold or "No postal address is known for this office today."


def _check_country(country: str, vendor: Capability | None) -> None:
    """Raises Hold."""
    if vendor and not vendor.serves(country):
        raise Hold(
            f"The print vendor sends nothing to {country_name(country, 'en')}: it takes another "
            "vendor, or a way round in the case's paper_fallback."
        )


def _check_pages(pages: int, format_: Format, vendor: Capability | None) -> None:
    """Raises Hold."""
    if vendor and not vendor.prints(format_, pages):
        most = vendor.most_pages.get(format_, 0)
        raise Hold(f"The letter has {pages} pages of {format_}; its vendor prints {most} at most.")


def _addressee(office: Office) -> Addressee:
    return Addressee(
        office=office.recipient.office,
        holder=office.holder.name if office.holder else "",
        country_names=office.campaign.sender.country_names,
    )
