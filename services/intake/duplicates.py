"""Says when a supporter's second action is the first once more: docs/decisions/0009.

In: an action that was checked, the catalogue of the day.  Out: a key that both would share.
"""

import datetime as dt
from dataclasses import dataclass

from services.intake.identity import same_thing
from services.intake.models import NewAction
from shared.api_keys import Mode
from shared.catalogue import Case, Catalogue, Channel, Duplicates


@dataclass(frozen=True, slots=True)
class Addressed:
    """One action on its way: to whom, by what, at which address."""

    catalogue: Catalogue
    case: Case
    asked: NewAction
    recipients: tuple[str, ...]
    day: dt.date

    def key(self, key: bytes, person: bytes, mode: Mode) -> bytes | None:
        rule = self.case.policy.duplicates
        if rule is Duplicates.ALLOWED:
            return None
        channel = "" if rule is Duplicates.PER_KIND else self.asked.channel
        # The address too: what is sent again to a corrected one is no duplicate.
        to = [f"{slug}={self._address(slug, channel)}" for slug in sorted(self.recipients)]
        return same_thing(key, person, mode, self.case.slug, self.asked.kind, channel, *to)

    def _address(self, slug: str, channel: str) -> str:
        recipient = self.catalogue.recipients[slug]
        mailbox, postal = recipient.mailbox_on(self.day), recipient.address_on(self.day)
        email = mailbox.email if mailbox else ""
        paper = "/".join(postal.lines) if postal else ""
        return {Channel.EMAIL: email, "": f"{email}|{paper}"}.get(channel, paper)
