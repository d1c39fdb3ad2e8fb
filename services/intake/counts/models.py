"""What is taken and answered about reported counts.  Organisers' names go one way, as all names."""

import datetime as dt
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.intake.models import MOST_IN_NAME, MOST_IN_REFERENCE
from shared.api_keys import Mode
from shared.catalogue import Channel, Kind
from shared.http.paging import PageQuery, Word

MOST_COUNTED = 1_000_000  # in one pile; more is a slip of the pen
_NUMBER = "How many: letters, cards, signatures, posts; never people"

_EXAMPLE: dict[str, Any] = {
    "case": "zhang-zhan",
    "kind": "appeal",
    "channel": "letter",
    "organiser": "Kirchenfeld school, Bern",
    "event_on": "2026-11-20",
    "reference": "event-2291",
}


def _at_most(size: int) -> dict[str, Any]:
    return {"maxLength": size}  # described here, checked in counts.py with all other faults


class NewCoverSheet(BaseModel):
    """A pile that will be sent in, with its number or before anybody counted it."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, json_schema_extra={"examples": [_EXAMPLE]}
    )

    case: str = Field(description="The case's slug; `GET /v1/cases` lists them")
    kind: Kind = Field(Kind.APPEAL, description="What they are")
    channel: Channel = Field(description="How they go: `letter`, `postcard`, `petition` …")
    number: int | None = Field(
        None, ge=1, le=MOST_COUNTED, description=f"{_NUMBER}. Without it: a box to write it in"
    )
    organiser: str = Field(
        description="Who held the event, so that it can be asked about",
        json_schema_extra=_at_most(MOST_IN_NAME),
        repr=False,
    )
    event_on: dt.date = Field(description="The day of the event")
    reference: str | None = Field(
        None,
        description="Your own name for it, unique among yours: makes a repeat safe",
        json_schema_extra=_at_most(MOST_IN_REFERENCE),
    )


class NewCount(NewCoverSheet):
    """A number without names, as an organiser reports it."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE | {"number": 120}]})

    number: int = Field(ge=1, le=MOST_COUNTED, description=_NUMBER)


class CountPath(BaseModel):
    id: UUID = Field(description="As the answer to `POST /v1/counts` gave it")


class SheetQuery(BaseModel, extra="forbid"):
    language: Annotated[str, Field(max_length=35)] = Field(
        "en", description="In which the page is written: ar, en, es, fr, ru, th, uk or zh"
    )


class CountsQuery(PageQuery):
    case: Word | None = Field(None, description="Only counts for this case")
    reference: Word | None = Field(None, description="Only the count with this reference of yours")


class CountLinks(BaseModel):
    self: str
    cover_sheet: str = Field(description="A page to print and put on top of the pile")
    evidence: str | None = Field(description="The picture, where there is one")


_ID = "01a2029d-8c0a-7d3e-9f6b-3c1de1a0b111"
_VIEW_EXAMPLE: dict[str, Any] = {
    "id": _ID,
    "mode": "live",
    "campaign": "write-for-rights-2021",
    "case": "zhang-zhan",
    "kind": "appeal",
    "channel": "letter",
    "number": 120,
    "event_on": "2026-11-20",
    "reference": "event-2291",
    "reported_at": "2026-11-22T09:30:00Z",
    "withdrawn_at": None,
    "links": {
        "self": f"/v1/counts/{_ID}",
        "cover_sheet": f"/v1/counts/{_ID}/cover-sheet",
        "evidence": None,
    },
}


class CountView(BaseModel):
    """A reported number.  It is no action, proves nothing, and is never added to what is proven."""

    model_config = ConfigDict(json_schema_extra={"examples": [_VIEW_EXAMPLE]})

    id: UUID
    mode: Mode
    campaign: str
    case: str
    kind: Kind
    channel: Channel
    number: int | None = Field(description="null: nobody has reported it yet")
    event_on: dt.date
    reference: str | None
    reported_at: dt.datetime
    withdrawn_at: dt.datetime | None = Field(description="Since then it counts nowhere")
    links: CountLinks
