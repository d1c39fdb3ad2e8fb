"""What intake takes and answers over HTTP.  Validation and /openapi.json come from these models.

They say what shape a request has; what it may mean is decided in accept.py, all at once.
No answer repeats a supporter's name, email or words: a stolen key reads nobody's mind.
"""

import datetime as dt
from typing import Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from shared.api_keys import Mode
from shared.catalogue import Channel, Kind
from shared.http.paging import PageQuery, Word

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


class Consent(_Asked):
    """What the supporter agreed to have shown to the recipient."""

    show_name: bool = Field(default=True, description="The name may stand under the text")
    show_country: bool = Field(default=True, description="The country may stand under the name")
    replies: bool = Field(
        default=False, description="The recipient may answer to the supporter's own email address"
    )


_ACTION_EXAMPLE: dict[str, Any] = {
    "case": "zhang-zhan",
    "channel": "email",
    "supporter": {"name": "Ana Beispiel", "email": "ana@tools.example", "country": "CH"},
    "words": "I read about you in my town, and I will not forget your name.",
    "language": "en",
    "consent": {"show_name": True, "show_country": True, "replies": False},
    "source": "website",
    "reference": "petition-form-88172",
}


class NewAction(_Asked):
    """One supporter did one thing, once, for one case, by one channel."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ACTION_EXAMPLE]})

    case: str = Field(description="The case's slug; `GET /v1/cases` lists them")
    kind: Kind = Field(
        Kind.APPEAL,
        description="`appeal`: to an authority. `solidarity`: to the person at risk or the family",
    )
    channel: Channel = Field(description="`email`, or `letter`: on paper")
    recipients: list[str] | None = Field(
        None, description="Slugs of the case's recipients; without it, all of that kind"
    )
    supporter: Supporter
    words: str | None = Field(
        None,
        description="The supporter's own words, printed exactly as typed, as a paragraph",
        json_schema_extra=_at_most(MOST_IN_WORDS),
    )
    language: str = Field("en", description="Of the letter; the case must have a text in it")
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
        None, description="When the supporter acted (RFC 3339); without it, now"
    )


class PostHeaders(BaseModel):
    idempotency_key: str | None = Field(
        None,
        alias="Idempotency-Key",
        description="Makes a repeat safe: the same key and body get the first answer again, for "
        "7 days. 1 to 255 printable ASCII characters, with or without quotes",
    )


class Links(BaseModel):
    self: str
    timeline: str = Field(description="What became of it, at the tracking service")


_ID = "01a2029d-8c0a-7d3e-9f6b-3c1de1a0b111"
_ANSWER_EXAMPLE: dict[str, Any] = {
    "id": _ID,
    "status": "accepted",
    "mode": "live",
    "case": "zhang-zhan",
    "campaign": "write-for-rights-2021",
    "recipients": ["cn-president"],
    "links": {"self": f"/v1/actions/{_ID}", "timeline": f"/v1/actions/{_ID}/timeline"},
}


class AcceptedAction(BaseModel):
    """An action that is stored for good and will be delivered."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ANSWER_EXAMPLE]})

    id: UUID
    status: Literal["accepted"] = "accepted"
    mode: Mode = Field(description="`test`: planned and rendered, never sent")
    case: str
    campaign: str
    recipients: list[str]
    links: Links


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
                    "consent": {"show_name": True, "show_country": True, "replies": False},
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
    """Whom an action may be addressed to.  Addresses are never shown."""

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
