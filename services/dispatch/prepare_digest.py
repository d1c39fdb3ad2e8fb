"""Makes a digest ready to go: one email that carries what many people sent to an office that day.

In: a due digest with its entries, the catalogue.  Out: `Prepared`.  Raises NotNow.
"""

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from services.dispatch.due import Due, Hold, Moot, Prepared, emailed
from services.dispatch.office import Office, find_office, open_mailbox
from services.dispatch.providers.contract import Attachment, Email
from services.dispatch.rendering.compose import compose
from services.dispatch.rendering.digest import Digest, WrittenDigest, write_digest
from services.dispatch.rendering.entries import Entry
from services.dispatch.rendering.faults import LetterFault
from services.dispatch.rendering.mime import address as named_address
from services.dispatch.replies import from_name, reply_to
from shared.catalogue import Catalogue, Policy

#: Of the whole message as it travels.  SES takes 40 MB; many an office's server takes 10.
MOST_BYTES: Final = 10_000_000


def prepare_digest(due: Due, catalogue: Catalogue, now: dt.datetime) -> Prepared:
    if not due.entries:
        raise Moot("It was not needed any more: all of its actions were erased.")
    office = find_office(due, catalogue, now.date())
    mailbox = open_mailbox(office, now.date())
    written = _written(due, office, now)
    sender = office.campaign.sender
    email = Email(
        delivery_id=due.id,
        from_=named_address(from_name(office.campaign, None), sender.email),
        to=mailbox.email,
        reply_to=reply_to(office.campaign, due.id, supporter=None),
        subject=written.email.subject,
        text=written.email.text,
        html=written.email.html,
        attachments=tuple(_attached(due, written, now)),
        campaign=due.campaign,
        follow_reading=office.campaign.follow_reading,
    )
    prepared = emailed(due, email, now, holder=office.holder, remark=office.remark)
    if len(prepared.content) > MOST_BYTES:
        raise Hold(f"Its message has {len(prepared.content)} bytes, and may have {MOST_BYTES}.")
    return prepared


def _written(due: Due, office: Office, now: dt.datetime) -> WrittenDigest:
    letter = compose(
        office.template, office.values(), words="", signature=(), reference=str(due.id)
    )
    told = Digest(
        letter=letter,
        salutation=office.salutation,
        kind=due.kind,
        case=office.case.name,
        organiser=office.campaign.organiser,
        people=due.people,
        entries=[_by_policy(entry, office.case.policy) for entry in due.entries],
        now=now,
    )
    try:
        return write_digest(told, sender=office.campaign.sender.name)
    except LetterFault as fault:
        raise Hold(f"The digest's pages cannot be set: {fault}") from fault


def _by_policy(entry: Entry, policy: Policy) -> Entry:
    """Consent was asked when it was read; the case may show even less."""
    return replace(
        entry,
        name=entry.name if policy.show_supporter_name else None,
        country=entry.country if policy.show_supporter_country else None,
    )


def _attached(due: Due, written: WrittenDigest, now: dt.datetime) -> Iterator[Attachment]:
    if written.file is not None:
        yield Attachment(
            filename=f"{due.case[:40]}-{now:%Y-%m-%d}.{written.file.ending}",
            content_type=written.file.content_type,
            content=written.file.content,
        )
