"""Decides whether an action can be taken, and makes of it what is stored.

Owns the table `actions`.  In: what a client asks, who the client is, the catalogue.  Out: `Action`,
or `Refused` with every fault at once.  Nothing is stored unless everything is right.
"""

import datetime as dt
from dataclasses import dataclass, field, fields
from uuid import UUID

from email_validator import EmailNotValidError, validate_email
from sqlalchemy import Connection, insert

from services.intake.models import (
    MOST_IN_EMAIL,
    MOST_IN_NAME,
    MOST_IN_REFERENCE,
    MOST_IN_WORDS,
    NewAction,
    Supporter,
)
from services.intake.offer import is_country, languages, recipients_of, why_closed
from shared.api_keys import Client, Mode
from shared.catalogue import Case, Catalogue
from shared.clock import new_id
from shared.faults import Faults
from shared.privacy import identity
from shared.tables.intake import actions
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
    recipients: tuple[str, ...]
    supporter_identity: bytes
    supporter_name: str = field(repr=False)
    supporter_email: str | None = field(repr=False)
    supporter_country: str | None
    words: str | None = field(repr=False)
    consent: dict[str, bool]
    source: str | None
    reference: str | None
    occurred_at: dt.datetime
    accepted_at: dt.datetime


_COLUMNS = tuple(one.name for one in fields(Action))


def accept(
    asked: NewAction, client: Client, *, catalogue: Catalogue, identity_key: bytes, at: dt.datetime
) -> Action:
    """Checks everything; raises Refused with every fault."""
    check = _Check(asked, Faults())
    supporter = check.supporter()
    words = check.words()
    source = check.line("/source", asked.source, MOST_IN_REFERENCE)
    reference = check.line("/reference", asked.reference, MOST_IN_REFERENCE)
    case = check.case(catalogue, at)
    recipients = check.offer(catalogue, case) if case else ()
    check.faults.raise_any()
    assert case is not None  # else there had been a fault
    action_id = new_id()
    return Action(
        id=action_id,
        client_id=client.id,
        mode=client.mode,
        campaign=case.campaign,
        case=case.slug,
        kind=asked.kind,
        channel=asked.channel,
        language=asked.language,
        recipients=recipients,
        supporter_identity=identity(identity_key, _canonical(supporter, client.id, action_id)),
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


def store(connection: Connection, action: Action) -> None:
    # Not dataclasses.asdict: it copies deeply, a tenth of the whole request's cost.
    connection.execute(insert(actions), {name: getattr(action, name) for name in _COLUMNS})


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
        return Supporter(name=name or "", email=self._email(), country=given.country)

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

    def case(self, catalogue: Catalogue, at: dt.datetime) -> Case | None:
        case = catalogue.cases.get(self.asked.case)
        if case is None:
            self.faults.add("/case", "unknown_case", "No case has this slug")
            return None
        campaign = catalogue.campaigns[case.campaign]
        if closed := why_closed(case, campaign, at.date()):
            self.faults.add("/case", closed, FAULT_CODES[closed])
        occurred_at = self.asked.occurred_at or at
        if occurred_at > at + FUTURE_ALLOWED:
            said = "An action cannot have happened in the future"
            self.faults.add("/occurred_at", "in_the_future", said)
        elif occurred_at < dt.datetime.combine(campaign.opens, dt.time(), dt.UTC) and not closed:
            said = f"The campaign began on {campaign.opens}"
            self.faults.add("/occurred_at", "before_campaign", said)
        return case

    def offer(self, catalogue: Catalogue, case: Case) -> tuple[str, ...]:
        """The recipients, when the case offers what is asked."""
        asked, policy = self.asked, case.policy
        if asked.channel not in policy.channels:
            said = f"This case takes: {', '.join(policy.channels)}"
            self.faults.add("/channel", "channel_not_allowed", said)
        offered = recipients_of(case, asked.kind)
        if asked.kind not in policy.kinds or not offered:
            self.faults.add("/kind", "kind_not_allowed", FAULT_CODES["kind_not_allowed"])
            return ()
        if not catalogue.template(case.slug, asked.kind, asked.language):
            there = ", ".join(languages(catalogue, case, asked.kind)) or "none"
            said = f"This case has no {asked.kind} in this language; there are: {there}"
            self.faults.add("/language", "language_without_template", said)
        return self._recipients(offered)

    def _recipients(self, offered: tuple[str, ...]) -> tuple[str, ...]:
        given = self.asked.recipients
        if given is None:
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


def _canonical(supporter: Supporter, client_id: UUID, action_id: UUID) -> str:
    """What stays the same when the same person acts again.  Without an email it stands alone."""
    if supporter.email:
        return f"email:{supporter.email.lower()}"
    return f"alone:{supporter.name}|{supporter.country}|{client_id}|{action_id}"
