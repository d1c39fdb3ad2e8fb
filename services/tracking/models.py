"""What the status API takes and answers."""

import datetime as dt
from collections.abc import Mapping
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.tracking.inbound.classify import ReplyKind
from services.tracking.record import Recorded
from services.tracking.words import ShownState
from shared.api_keys import Mode
from shared.catalogue import Channel, Kind, Slug
from shared.http.paging import PageQuery, Word


class IdPath(BaseModel):
    id: UUID


class CampaignPath(BaseModel):
    slug: Slug = Field(description="The campaign's slug", examples=["write-for-rights-2021"])


class ProviderPath(BaseModel):
    provider: Annotated[
        str,
        Field(
            max_length=32,
            description="Who sends it: `ses` (Amazon SES, through SNS), `print_vendor`, `lob` …",
        ),
    ]


class ReceiptTaken(BaseModel):
    recorded: Recorded | None = Field(description="What became of it; null: there was no need")


class DeliveriesQuery(PageQuery):
    state: ShownState | None = Field(None, description="Only those that stand so now")
    case: Word | None = Field(None, description="Only those for this case")
    channel: Channel | None = Field(None, description="Only those by this channel")


class RecipientView(BaseModel):
    """Who is written to.  Addresses are never shown."""

    slug: str
    office: str | None = Field(
        description="The office; null for solidarity: who hands it over is not for publication"
    )


class DeliveryView(BaseModel):
    """One thing handed over once: a carrier for one action or many."""

    id: UUID
    state: ShownState = Field(description="`held`: we must look at it before it leaves")
    reason: str | None = Field(description="A finer word for the state, where there is one")
    since: dt.datetime | None = Field(
        description="When what decided the state happened; `held`: the latest that is known before"
    )
    carrier: str = Field(
        description="`single`: one action on its own. `petition`: all signatures for one "
        "recipient. `digest`: many actions in one email to an office that takes only so many. "
        "`notice`: an email that asks the supporter, and is no delivery of the case"
    )
    mode: Mode = Field(description="`test`: planned and rendered, and nothing is ever sent")
    campaign: str
    case: str
    kind: str
    channel: Channel
    language: str
    recipient: RecipientView
    provider: str | None = Field(description="Who took it, or was last asked to")
    provider_id: str | None = Field(description="Under which number, where it was taken")
    planned_at: dt.datetime
    due_at: dt.datetime = Field(description="Not before this moment is it tried, or tried again")
    handed_over_at: dt.datetime | None
    attempts: int = Field(description="How often it was tried")
    again_of: UUID | None = Field(description="The delivery that came back, in whose place it left")
    again_as: UUID | None = Field(
        description="The delivery that left in its place, after it came back"
    )


class AttemptView(BaseModel):
    number: int
    state: str
    provider: str
    started_at: dt.datetime
    ended_at: dt.datetime | None


class DeliveryDetail(DeliveryView):
    why: str = Field(description="Why this carrier")
    tried: list[AttemptView]
    actions: list[UUID] = Field(
        description="Your own actions that it carries, or did until it was sent again; at most 100"
    )


class ResendBody(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    why: Annotated[
        str,
        Field(
            min_length=1,
            max_length=500,
            pattern=r"^[^\x00-\x1f\x7f]+$",
            description="Kept beside the timeline; name no person",
            examples=["the ministry has a new address"],
        ),
    ]


class ResendAsked(BaseModel):
    """That a delivery is to leave again, and what came of it."""

    command: UUID = Field(description="The same each time you ask for this delivery")
    delivery: UUID
    asked_at: dt.datetime
    effect: str | None = Field(description="What was done, in words; null: nothing yet")
    again_as: UUID | None = Field(description="The delivery that leaves in its place")


class MomentView(BaseModel):
    at: dt.datetime
    word: str = Field(description="What happened, in a word that does not change")
    says: str = Field(description="The same in a sentence for people; may change")
    source: str = Field(description="intake, dispatch, tracking, or the provider that told it")
    delivery: UUID | None


class ReplyView(BaseModel):
    id: UUID
    kind: ReplyKind = Field(
        description="`answer`: a person should read it. `acknowledgement`: the office says that it "
        "has arrived. `auto_reply`: nobody wrote it. `bounce`: a mail server's report"
    )
    received_at: dt.datetime
    text: str | None = Field(
        description="Of an answer alone, where the campaign forwards (`forward` in its pack), the "
        "delivery is a single email and its supporter asked for replies; else null"
    )


class DeliveryReplies(BaseModel):
    delivery: UUID
    replies: list[ReplyView] = Field(description="The oldest first, at most 100")


class Timeline(BaseModel):
    action: UUID
    moments: list[MomentView]


class CaseTallyView(BaseModel):
    case: str
    kind: Kind
    channel: Channel
    actions: int = Field(description="Actions that are carried, or counted, for their supporters")
    apart: Mapping[str, int] = Field(
        description="Actions that are in no other number: `duplicate` (the supporter did the same "
        "before), `unconfirmed`, `held`, `rejected`, `disowned`, `expired`"
    )
    deliveries: Mapping[ShownState, int] = Field(description="Deliveries, by the state shown")


class ReportedView(BaseModel):
    """What organisers say was done, without names.  A claim: no action, no delivery, no proof."""

    case: str
    kind: Kind
    channel: Channel
    number: int = Field(description="As reported; added to nothing else")
    reports: int = Field(description="How many reports say so")


class CampaignTally(BaseModel):
    campaign: str
    mode: str
    as_of: dt.datetime = Field(description="A costly sum, remembered for some seconds")
    cases: list[CaseTallyView]
    reported: list[ReportedView] = Field(
        description="Numbers that organisers reported without names, apart from everything above"
    )
