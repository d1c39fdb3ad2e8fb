"""Decides whether an action can be taken, and makes of it what is stored.

In: what a client asks, who the client is, the catalogue.  Out: `Action`, or `Refused` with every
fault at once.  It stores nothing: see take.py.
"""

import datetime as dt
from dataclasses import dataclass, field
from uuid import UUID

from email_validator import EmailNotValidError, validate_email

from services.intake.duplicates import Addressed
from services.intake.identity import handle, one_person
from services.intake.models import (
    MOST_IN_EMAIL,
    MOST_IN_NAME,
    MOST_IN_REFERENCE,
    MOST_IN_WORDS,
    NewAction,
    Supporter,
)
from services.intake.offer import (
    LANGUAGE_TAG,
    allows,
    is_country,
    language_for,
    languages,
    recipients_of,
    why_closed,
)
from shared.api_keys import Client, Mode
from shared.catalogue import CARRIED, CHANNELS_OF, WRITTEN, Case, Catalogue, Kind
from shared.clock import new_id
from shared.faults import Faults
from shared.privacy import identity
from shared.tables.intake import Standing
from shared.text import CODES as TEXT_CODES
from shared.text import Unclean, clean_line, clean_words, is_blank

FUTURE_ALLOWED = dt.timedelta(minutes=5)  # clocks differ

FAULT_CODES = {
    **TEXT_CODES,
    "unknown_case": "No case has this slug; `GET /v1/cases` lists them.",
    "case_stopped": "Actions for this case were stopped.",
    "campaign_not_open": "The campaign has not begun.",
    "campaign_closed": "The campaign has ended.",
    "channel_not_allowed": "The case's policy does not allow this channel.",
    "channel_not_of_kind": "An action of this kind does not go by this channel.",
    "campaign_not_allowed": "This key is for other campaigns.",
    "unknown_language": "This is no language tag (BCP 47), such as `en` or `pt-BR`.",
    "email_needed": "The campaign asks each supporter for a confirmation, by email.",
    "kind_not_allowed": "The case takes no actions of this kind.",
    "unknown_recipient": "The slug is none of this case's recipients of this kind.",
    "repeated": "A recipient, or a parameter, was given more than once.",
    "empty": "Nothing is there that could be read.",
    "language_without_template": "The case has no text of this kind in this language; "
    "`detail` lists those it has.",
    "email_invalid": "The email address cannot be written to.",
    "unknown_country": "No country has this code (ISO 3166-1 alpha-2, in capitals).",
    "replies_without_email": "Replies were agreed to, but there is no email address for them.",
    "in_the_future": "The moment lies more than 5 minutes ahead.",
    "before_campaign": "The moment lies before the campaign began.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One row of `actions`, checked and clean."""

    id: UUID
    client_id: UUID
    mode: Mode
    campaign: str
    case: str
    kind: str
    channel: str
    language: str
    standing: Standing
    held_for: tuple[str, ...] = ()
    duplicate_key: bytes | None
    duplicate_of: UUID | None = None
    recipients: tuple[str, ...]
    supporter_identity: bytes
    supporter_ref: str
    supporter_name: str = field(repr=False)
    supporter_email: str | None = field(repr=False)
    supporter_country: str | None
    words: str | None = field(repr=False)
    consent: dict[str, bool]
    source: str | None
    reference: str | None
    occurred_at: dt.datetime
    accepted_at: dt.datetime
    import_id: UUID | None = None
    import_row: int | None = None


def accept(
    asked: NewAction, client: Client, *, catalogue: Catalogue, identity_key: bytes, at: dt.datetime
) -> Action:
    """Checks everything; raises Refused with every fault."""
    check = _Check(asked, Faults())
    supporter = check.supporter()
    words = check.words()
    source = check.line("/source", asked.source, MOST_IN_REFERENCE)
    reference = check.line("/reference", asked.reference, MOST_IN_REFERENCE)
    case = check.case(catalogue, client, at)
    offer = check.offer(catalogue, case) if case else None
    check.faults.raise_any()
    assert case is not None  # else there had been a fault
    assert offer is not None
    action_id = new_id()
    person = identity(identity_key, one_person(supporter, client.id, action_id))
    asks = catalogue.campaigns[case.campaign].confirmation
    to = Addressed(catalogue, case, asked, offer.recipients, at.date())
    return Action(
        id=action_id,
        client_id=client.id,
        mode=client.mode,
        campaign=case.campaign,
        case=case.slug,
        kind=asked.kind,
        channel=asked.channel,
        language=offer.language,
        standing=Standing.UNCONFIRMED if asks else standing_of(asked.channel),
        duplicate_key=to.key(identity_key, person, client.mode)
        if supporter.email or supporter.ref
        else None,  # nobody else is this person
        recipients=offer.recipients,
        supporter_identity=person,
        supporter_ref=handle(identity_key, client.id, person),
        supporter_name=supporter.name,
        supporter_email=supporter.email,
        supporter_country=supporter.country,
        words=words,
        consent=asked.consent.model_dump(),
        source=source,
        reference=reference,
        occurred_at=asked.occurred_at or at,
        accepted_at=at,
    )


def standing_of(channel: str) -> Standing:
    """Of an action that nothing stands against."""
    return Standing.CLEAR if channel in CARRIED else Standing.COUNTED


@dataclass(frozen=True, slots=True)
class _Offer:
    """What the case offers of what is asked."""

    recipients: tuple[str, ...]
    language: str


@dataclass(frozen=True, slots=True)
class _Check:
    """The rules, one method for each part of what is asked; faults gather on the way."""

    asked: NewAction
    faults: Faults

    def supporter(self) -> Supporter:
        given = self.asked.supporter
        name = self.line("/supporter/name", given.name, MOST_IN_NAME)
        if name is None and not self._has_fault("/supporter/name"):
            self.faults.add("/supporter/name", "empty", "A name is needed")
        if given.country is not None and not is_country(given.country):
            self.faults.add("/supporter/country", "unknown_country", "No country has this code")
        ref = self.line("/supporter/ref", given.ref, MOST_IN_REFERENCE)
        return Supporter(name=name or "", email=self._email(), country=given.country, ref=ref)

    def words(self) -> str | None:
        given = self.asked.words
        if given is None:
            return None
        try:
            words = clean_words(given)
        except Unclean as error:
            self.faults.add("/words", error.code, error.detail)
            return None
        return self._fitting("/words", words, MOST_IN_WORDS)

    def line(self, pointer: str, given: str | None, size: int) -> str | None:
        """The clean line; None where there is none, or where it has a fault."""
        if given is None:
            return None
        try:
            line = clean_line(given)
        except Unclean as error:
            self.faults.add(pointer, error.code, error.detail)
            return None
        return self._fitting(pointer, line, size)

    def case(self, catalogue: Catalogue, client: Client, at: dt.datetime) -> Case | None:
        case = catalogue.cases.get(self.asked.case)
        if case is None:
            self.faults.add("/case", "unknown_case", "No case has this slug")
            return None
        campaign = catalogue.campaigns[case.campaign]
        if not client.may(case.campaign):
            said = FAULT_CODES["campaign_not_allowed"]
            self.faults.add("/case", "campaign_not_allowed", said)
        if closed := why_closed(case, campaign, at.date()):
            self.faults.add("/case", closed, FAULT_CODES[closed])
        occurred_at = self.asked.occurred_at or at
        if occurred_at > at + FUTURE_ALLOWED:
            said = "An action cannot have happened in the future"
            self.faults.add("/occurred_at", "in_the_future", said)
        elif occurred_at < dt.datetime.combine(campaign.opens, dt.time(), dt.UTC) and not closed:
            said = f"The campaign began on {campaign.opens}"
            self.faults.add("/occurred_at", "before_campaign", said)
        if campaign.confirmation and not self.asked.supporter.email:
            self.faults.add("/supporter/email", "email_needed", FAULT_CODES["email_needed"])
        return case

    def offer(self, catalogue: Catalogue, case: Case) -> _Offer:
        """Whom the action reaches in which language, when the case offers what is asked."""
        asked = self.asked
        self._channel(case)
        offered = recipients_of(case, asked.kind)
        unreachable = not offered and asked.kind is not Kind.PUBLIC_POST
        if asked.kind not in case.policy.kinds or unreachable:
            self.faults.add("/kind", "kind_not_allowed", FAULT_CODES["kind_not_allowed"])
            return _Offer((), asked.language)
        return _Offer(self._recipients(offered), self._language(catalogue, case))

    def _channel(self, case: Case) -> None:
        asked = self.asked
        if asked.channel not in CHANNELS_OF[asked.kind]:
            said = f"An action of this kind goes by: {', '.join(CHANNELS_OF[asked.kind])}"
            self.faults.add("/channel", "channel_not_of_kind", said)
        elif asked.kind in WRITTEN and not allows(case.policy, asked.channel):
            said = f"This case takes: {', '.join(case.policy.channels)}"
            self.faults.add("/channel", "channel_not_allowed", said)

    def _language(self, catalogue: Catalogue, case: Case) -> str:
        """The text's language; of what is not written in a text of the case, the one given."""
        asked = self.asked
        if asked.kind not in WRITTEN or asked.channel not in CARRIED:
            if not LANGUAGE_TAG.fullmatch(asked.language):
                self.faults.add("/language", "unknown_language", FAULT_CODES["unknown_language"])
            return asked.language
        if language := language_for(catalogue, case, asked.kind, asked.language):
            return language
        there = ", ".join(languages(catalogue, case, asked.kind)) or "none"
        said = f"This case has no {asked.kind} in this language; there are: {there}"
        self.faults.add("/language", "language_without_template", said)
        return asked.language

    def _recipients(self, offered: tuple[str, ...]) -> tuple[str, ...]:
        given = self.asked.recipients
        if given is None or not offered:
            return offered
        if not given:
            self.faults.add("/recipients", "empty", "Name at least one, or leave the field out")
        seen: set[str] = set()
        for number, slug in enumerate(given):
            if slug not in offered:
                said = f"This case's recipients of this kind are: {', '.join(offered)}"
                self.faults.add(f"/recipients/{number}", "unknown_recipient", said)
            elif slug in seen:
                said = "This recipient was named before"
                self.faults.add(f"/recipients/{number}", "repeated", said)
            seen.add(slug)
        return tuple(given)

    def _email(self) -> str | None:
        """The address as SES takes it: ASCII, the domain in punycode."""
        email = self.line("/supporter/email", self.asked.supporter.email, MOST_IN_EMAIL)
        if email is None:
            if self.asked.consent.replies and not self._has_fault("/supporter/email"):
                said = FAULT_CODES["replies_without_email"]
                self.faults.add("/consent/replies", "replies_without_email", said)
            return None
        try:
            checked = validate_email(
                email, allow_smtputf8=False, strict=True, check_deliverability=False
            )
        except EmailNotValidError:  # its words quote the address
            said = "This is no email address that mail can be sent to"
            self.faults.add("/supporter/email", "email_invalid", said)
            return None
        return checked.ascii_email

    def _fitting(self, pointer: str, text: str, size: int) -> str | None:
        if len(text) > size:
            self.faults.add(pointer, "too_long", f"{len(text)} characters; at most {size:,} fit")
        return None if is_blank(text) else text

    def _has_fault(self, pointer: str) -> bool:
        return any(one.pointer == pointer for one in self.faults.found)
