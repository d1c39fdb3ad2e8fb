"""Finds what a delivery needs of the catalogue today: case and office, holder, text, salutation.

In: a due delivery, the catalogue, the day.  Out: `Office`.  Raises Hold, with a reason for ops,
where a person must mend something about it.
"""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from services.dispatch.due import Due, Hold
from shared.catalogue import Campaign, Case, Catalogue, Holder, Mailbox, Recipient, Template

ENGLISH = "en"  # every case has its texts in it


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    campaign: Campaign
    case: Case
    recipient: Recipient
    holder: Holder | None
    template: Template
    salutation: str
    remark: str | None  # why it is written in another language than was asked for

    @property
    def language(self) -> str:
        return self.template.language

    def values(self) -> Mapping[str, str]:
        """What a text may say, but for the supporter (shared/catalogue.py lists it)."""
        return {
            "salutation": self.salutation,
            "holder": self.holder.name if self.holder else self.recipient.office,
            "office": self.recipient.office,
            "case": self.case.name,
        }


def find_office(due: Due, catalogue: Catalogue, day: dt.date) -> Office:
    """Raises Hold."""
    campaign = catalogue.campaigns.get(due.campaign)
    case = catalogue.cases.get(due.case)
    recipient = catalogue.recipients.get(due.recipient)
    if campaign is None or case is None or recipient is None:
        raise Hold("The campaign, the case or the recipient is no longer in the catalogue.")
    if case.policy.stopped:
        raise Hold("The case is stopped.")
    if due.channel not in case.policy.channels:
        raise Hold(f"The case's policy no longer allows the channel {due.channel}.")
    template, remark = _text(due, catalogue, recipient)
    holder = recipient.holder_on(day)
    return Office(
        campaign=campaign,
        case=case,
        recipient=recipient,
        holder=holder,
        template=template,
        salutation=_salutation(holder, recipient, template.language),
        remark=remark,
    )


def open_mailbox(office: Office, day: dt.date) -> Mailbox:
    """Raises Hold."""
    mailbox = office.recipient.mailbox_on(day)
    if mailbox is None:
        raise Hold("No mailbox is known for this office today.")
    if mailbox.hold:
        raise Hold(mailbox.hold)
    return mailbox


def _text(due: Due, catalogue: Catalogue, recipient: Recipient) -> tuple[Template, str | None]:
    """The case's text in the language asked for, or in the next best, and why."""
    if exact := catalogue.template(due.case, due.kind, due.language):  # nearly always
        return exact, None
    for language, why in _next_best(due.language, recipient):
        if found := catalogue.template(due.case, due.kind, language):
            remark = f"There is no {due.kind} text in {due.language!r}: written in {language!r}"
            return found, f"{remark}, {why}."
    raise Hold(f"There is no {due.kind} text in {due.language!r}, nor in any language instead.")


def _next_best(language: str, recipient: Recipient) -> Iterator[tuple[str, str]]:
    parts = language.split("-")
    for length in range(len(parts) - 1, 0, -1):
        yield "-".join(parts[:length]), "of which it is a form"
    for other in recipient.languages:
        yield other, "in which this office may be written to"
    yield ENGLISH, "which every case has"


def _salutation(holder: Holder | None, recipient: Recipient, language: str) -> str:
    """In the text's own language, or in the one of which it is a form; the holder's first."""
    known = [holder.salutations] if holder else []
    for wanted in dict.fromkeys((language, language.partition("-")[0])):
        for salutations in (*known, recipient.salutations):
            if found := salutations.get(wanted):
                return found
    raise Hold(f"No salutation is known in the language {language!r} for this office.")
