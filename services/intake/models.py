"""What intake takes and answers over HTTP.  Validation and /openapi.json come from these models.

They say what shape a request has; what it may mean is decided in accept.py, all at once.
No answer repeats a supporter's name, email or words (but /v1/held, to those who moderate).
"""

import datetime as dt
from enum import StrEnum
from typing import Any
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from shared.api_keys import Mode
from shared.catalogue import Channel, Kind
from shared.http.paging import PageQuery, Word
from shared.http.problems import FaultDocument

MOST_IN_NAME = 200  # characters
MOST_IN_WORDS = 3_000
MOST_IN_REFERENCE = 120
MOST_IN_EMAIL = 254  # RFC 5321, section 4.5.3.1.3, less the angle brackets


def _at_most(size: int) -> dict[str, Any]:
    # Described here, checked in accept.py: so a long name is told together with all other faults.
    return {"maxLength": size}


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Supporter(_Asked):
    """The person who acts."""

    name: str = Field(
        description="As it should stand under the letter", json_schema_extra=_at_most(MOST_IN_NAME)
    )
    email: str | None = Field(
        None,
        description="Where replies may go; never shown without consent",
        json_schema_extra=_at_most(MOST_IN_EMAIL),
    )
    country: str | None = Field(None, description="ISO 3166-1 alpha-2, such as `CH`")
    ref: str | None = Field(
        None,
        description="Your own id for the person; tells one from another where there is no email",
        json_schema_extra=_at_most(MOST_IN_REFERENCE),
    )


class Consent(_Asked):
    """What the supporter agreed to."""

    show_name: bool = Field(default=True, description="The name may stand under the text")
    show_country: bool = Field(default=True, description="The country may stand under the name")
    replies: bool = Field(
        default=False, description="The recipient may answer to the supporter's own email address"
    )
    mailings: bool = Field(
        default=False,
        description="The organiser may write to the supporter again. Confirming an action is not "
        "agreeing to this",
    )


_ACTION_EXAMPLE: dict[str, Any] = {
    "case": "zhang-zhan",
    "channel": "email",
    "supporter": {"name": "Ana Beispiel", "email": "ana@tools.example", "country": "CH"},
    "words": "I read about you in my town, and I will not forget your name.",
    "language": "en",
    "consent": {"show_name": True, "show_country": True, "replies": False, "mailings": False},
    "source": "website",
    "reference": "petition-form-88172",
}


class NewAction(_Asked):
    """One supporter did one thing, once, for one case, by one channel."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ACTION_EXAMPLE]})

    case: str = Field(description="The case's slug; `GET /v1/cases` lists them")
    kind: Kind = Field(
        Kind.APPEAL,
        description="`appeal`: to an authority. `solidarity`: to the person at risk or the family. "
        "`signature`: under a petition. `public_post`: a tweet or a post, counted and never sent",
    )
    channel: Channel = Field(
        description="`email`; `letter` or `postcard`: on paper; `own_post`: the supporter posted "
        "it, so it is counted and never printed. Of a signature `petition`; of a public post "
        "`public`"
    )
    recipients: list[str] | None = Field(
        None, description="Slugs of the case's recipients; without it, all of that kind"
    )
    supporter: Supporter
    words: str | None = Field(
        None,
        description="The supporter's own words, printed exactly as typed, as a paragraph",
        json_schema_extra=_at_most(MOST_IN_WORDS),
    )
    language: str = Field(
        "en",
        description="BCP 47. Of what is sent the case must have a text in it; `pt-BR` may become "
        "`pt`, and never another language",
    )
    consent: Consent = Field(Consent(), description="What may be shown to the recipient")
    source: str | None = Field(
        None,
        description="Where the action was taken: a page, an event",
        json_schema_extra=_at_most(MOST_IN_REFERENCE),
    )
    reference: str | None = Field(
        None,
        description="Your own name for this action; search by it later",
        json_schema_extra=_at_most(MOST_IN_REFERENCE),
    )
    occurred_at: AwareDatetime | None = Field(
        None,
        description="When the supporter acted (RFC 3339); without it, now",
        examples=["2021-12-24T18:00:00+01:00"],
    )


class PostHeaders(BaseModel):
    idempotency_key: str | None = Field(
        None,
        alias="Idempotency-Key",
        description="Makes a repeat safe: the same key and body get the first answer again, for "
        "7 days. 1 to 255 printable ASCII characters, with or without quotes",
        # Described here, checked in idempotency.py: a malformed key has a code of its own.
        json_schema_extra={"pattern": r'^("[ !#-\[\]-~]{1,255}"|[!#-\[\]-~]{1,255})$'},
        examples=["petition-form-88172"],
    )


class Links(BaseModel):
    self: str
    timeline: str = Field(description="What became of it, at the tracking service")


_ID = "01a2029d-8c0a-7d3e-9f6b-3c1de1a0b111"
_ANSWER_EXAMPLE: dict[str, Any] = {
    "id": _ID,
    "status": "accepted",
    "duplicate_of": None,
    "supporter_ref": "q5n4b6ym2xv7c3kd5w8r9tzaeh",
    "mode": "live",
    "case": "zhang-zhan",
    "campaign": "write-for-rights-2021",
    "recipients": ["cn-president"],
    "links": {"self": f"/v1/actions/{_ID}", "timeline": f"/v1/actions/{_ID}/timeline"},
}


class Status(StrEnum):
    """What an action's client is told of it."""

    ACCEPTED = "accepted"  # it will be delivered, or is counted
    UNCONFIRMED = "unconfirmed"  # waits for the supporter's "yes, this was me"
    HELD = "held"  # waits for a person to read it
    DUPLICATE = "duplicate"  # of another action of the same client
    REJECTED = "rejected"  # a person read it and said no
    DISOWNED = "disowned"  # the supporter said "this was not me"
    EXPIRED = "expired"  # nobody confirmed it within 7 days
    INVALID = "invalid"  # not stored: the line of a batch has faults


class AcceptedAction(BaseModel):
    """An action that is stored for good."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ANSWER_EXAMPLE]})

    id: UUID
    status: Status = Field(
        description="`accepted`: will be delivered, or is counted. `unconfirmed`: waits for its "
        "supporter. `held`: waits for a person to read it. `duplicate`: of another action of "
        "yours. `rejected`, `disowned`, `expired`: will never be delivered",
    )
    duplicate_of: UUID | None = Field(description="Your action that came first, or null")
    supporter_ref: str = Field(
        description="Your handle on the supporter: equal when the same person acts again through "
        "you; `DELETE /v1/supporters/{ref}` forgets the person"
    )
    mode: Mode = Field(description="`test`: planned and rendered, never sent")
    case: str
    campaign: str
    recipients: list[str]
    links: Links


class BatchResult(BaseModel):
    """What became of one line of a batch."""

    line: int = Field(
        description="1 is the first. Every line of the body is counted, also a blank one, which has"
        " no result; of an array, every element"
    )
    status: Status
    id: UUID | None = Field(None, description="Of the action; null where it is `invalid`")
    duplicate_of: UUID | None = Field(None, description="Your action that came first")
    supporter_ref: str | None = None
    errors: list[FaultDocument] = Field(
        default=[], description="Every fault of an `invalid` line, with pointers into the line"
    )


class BatchAnswer(BaseModel):
    """A result for each line, in order."""

    stored: int = Field(description="How many lines are stored for good")
    invalid: int = Field(description="How many lines were not, and have `errors`")
    results: list[BatchResult]


class ActionView(AcceptedAction):
    """An action as its client may see it again: without the supporter's name, email and words."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                _ANSWER_EXAMPLE
                | {
                    "kind": "appeal",
                    "channel": "email",
                    "language": "en",
                    "consent": {
                        "show_name": True,
                        "show_country": True,
                        "replies": False,
                        "mailings": False,
                    },
                    "source": "website",
                    "reference": "petition-form-88172",
                    "occurred_at": "2026-11-22T09:30:00Z",
                    "accepted_at": "2026-11-22T09:30:01Z",
                }
            ]
        }
    )

    kind: Kind
    channel: Channel
    language: str
    consent: Consent
    source: str | None
    reference: str | None
    occurred_at: dt.datetime
    accepted_at: dt.datetime


class ActionPath(BaseModel):
    id: UUID = Field(description="As the answer to `POST /v1/actions` gave it")


class ActionsQuery(PageQuery):
    case: Word | None = Field(None, description="Only actions for this case")
    reference: Word | None = Field(None, description="Only actions with this reference of yours")


class RecipientView(BaseModel):
    """Who is written to.  Addresses are never shown."""

    slug: str
    office: str | None = Field(
        description="The office; null for solidarity: who hands it over is not for publication"
    )


class TextsView(BaseModel):
    """What may be sent to one kind of recipient."""

    kind: Kind
    languages: list[str] = Field(description="In which the case has a text")
    recipients: list[RecipientView]


class CaseView(BaseModel):
    """A case for which actions are taken now."""

    slug: str
    campaign: str
    name: str
    country: str = Field(description="ISO 3166-1 alpha-2")
    summary: str
    ask: str
    channels: list[Channel]
    kinds: list[TextsView]


class Cases(BaseModel):
    data: list[CaseView]
