"""Held actions, and who decided on them: look, count, decide; and the audit log."""

import datetime as dt
import struct
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.intake import audit
from services.intake.moderation.decide import (
    Changed,
    HeldAction,
    Seen,
    Selection,
    Verdict,
    decide,
    held,
    preview,
)
from services.intake.moderation.rules import SAYS, Reason
from shared.api_keys import Client, Mode, Scope
from shared.catalogue import Channel, Kind
from shared.clock import Clock
from shared.database import Database
from shared.http.operations import op
from shared.http.paging import Page, PageQuery, Word, read_cursor, write_cursor
from shared.http.problems import Fault, Problem, ProblemKind, invalid

SELECTION_CHANGED = ProblemKind(
    409, "selection_changed", "What is held is not what the preview counted"
)
MOST_NAMED = 1_000
_Why = Annotated[str, Field(min_length=1, max_length=500, pattern=r"^[^\x00-\x1f\x7f]+$")]


class ReasonView(BaseModel):
    code: Reason
    says: str = Field(description="The same, in words")


class HeldView(BaseModel):
    """A held action, with what it takes to decide on it."""

    id: UUID
    client: UUID = Field(description="The tool that handed it in")
    mode: Mode
    campaign: str
    case: str
    kind: Kind
    channel: Channel
    language: str
    reasons: list[ReasonView]
    supporter_name: str | None
    words: str | None = Field(description="As typed. The email address is never told")
    reference: str | None
    accepted_at: dt.datetime


class HeldQuery(PageQuery):
    case: Word | None = Field(None, description="Only actions for this case")
    reason: Reason | None = Field(None, description="Only what is held for this, or for this too")


class SelectionBody(BaseModel):
    """Those held actions that fit all that is said; an empty one means all."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    case: Word | None = None
    reason: Reason | None = None
    actions: Annotated[list[UUID], Field(min_length=1, max_length=MOST_NAMED)] | None = None


class PreviewBody(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    selection: SelectionBody = SelectionBody()


class HeldCounts(BaseModel):
    """What a decision would decide now."""

    number: int = Field(description="Held actions")
    by_case: dict[str, int]
    by_reason: dict[str, int] = Field(description="An action may have several reasons")
    seen: str = Field(description="Hand it to the decision, so that it meets the same actions")


class DecisionBody(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    selection: SelectionBody = Field(description="The one that was previewed")
    seen: str = Field(max_length=200, description="As the preview gave it")
    number: int = Field(ge=0, description="How many you expect, as the preview counted them")
    verdict: Verdict = Field(
        description="`release`: they go their way. `reject`: they are kept, and never delivered"
    )
    why: _Why = Field(description="For the audit log; name no person")


class Decision(BaseModel):
    decided: int = Field(description="How many held actions were released or rejected")


class AuditQuery(PageQuery):
    act: Word | None = Field(None, description="Only this act, such as `actions_released`")
    subject: Word | None = Field(None, description="Only acts on this, such as a client's id")


class EntryView(BaseModel):
    """One act of a person or a key."""

    at: dt.datetime
    actor: str = Field(description="A client's id, or who gave the command")
    act: str
    subject: str = Field(description="An id, or what was chosen")
    number: int = Field(description="Of what it touched")
    why: str
    details: dict[str, Any] = Field(description="Ids and words of ours, never a person's data")


class AuditPage(Page[EntryView]):
    """A page of the audit log, the newest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModerationEdge:
    database: Database
    clock: Clock

    @op("GET", "/v1/held", scope=Scope.ADMIN)
    def list_held(self, query: HeldQuery, client: Client) -> Page[HeldView]:
        """List held actions, the oldest first.

        Of every client, within the key's campaigns; a test key sees what test keys handed in.

        Besides the console this is the one answer that gives back a supporter's name and words:
        nobody can decide on a text unread. The email address is never told. Show it to those who
        decide, and keep no copy.
        """
        mine = Selection(
            mode=client.mode, campaigns=client.campaigns, case=query.case, reason=query.reason
        )
        with self.database.read() as connection:
            found = held(connection, mine, after=_read_place(query.cursor), limit=query.limit)
        following = _write_place(found[-1].id) if found else None
        return Page(data=[_view(one) for one in found], next=following)

    @op("POST", "/v1/held/preview", scope=Scope.ADMIN)
    def preview_held(self, body: PreviewBody, client: Client) -> HeldCounts:
        """Count what a decision would decide.

        Changes nothing. Hand `number` and `seen` to the decision: it meets exactly the actions that
        were counted here, and leaves those that arrive meanwhile to the next one.
        """
        with self.database.read() as connection:
            counts = preview(connection, _selection(body.selection, client))
        return HeldCounts(
            number=counts.seen.number,
            by_case=dict(counts.by_case),
            by_reason=dict(counts.by_reason),
            seen=write_cursor(counts.seen.newest, counts.seen.digest),
        )

    @op("POST", "/v1/held/decisions", scope=Scope.ADMIN, problems=[SELECTION_CHANGED])
    def decide_held(self, body: DecisionBody, client: Client) -> Decision:
        """Release or reject held actions.

        All that the preview counted, or none: when somebody else decided on one of them, the answer
        is 409 `selection_changed` and nothing is done; look again. What is released goes its way as
        if it had never been held. Each decision is in the audit log, with its selection, its number
        and why.
        """
        newest, digest = _read_seen(body.seen)
        try:
            with self.database.begin() as connection:
                decided = decide(
                    connection,
                    _selection(body.selection, client),
                    body.verdict,
                    Seen(body.number, newest, digest),
                    actor=str(client.id),
                    why=body.why,
                    now=self.clock(),
                )
        except Changed:
            raise Problem(SELECTION_CHANGED, "Ask for a preview again; nothing was done") from None
        return Decision(decided=decided)

    @op("GET", "/v1/audit", scope=Scope.ADMIN)
    def list_audit(self, query: AuditQuery, client: Client) -> AuditPage:
        """Read the audit log, the newest first.

        A test key, and one for some campaigns only, sees what it did itself.
        """
        narrow = client.mode is Mode.TEST or client.campaigns is not None
        before = read_cursor(query.cursor, 1)
        with self.database.read() as connection:
            found = audit.read(
                connection,
                actor=str(client.id) if narrow else None,
                act=query.act,
                subject=query.subject,
                before=before[0] if before else None,
                limit=query.limit,
            )
        return AuditPage(
            data=[EntryView.model_validate(one, from_attributes=True) for one in found],
            next=write_cursor(found[-1].seq) if found else None,
        )


def _selection(body: SelectionBody, client: Client) -> Selection:
    return Selection(
        mode=client.mode,
        campaigns=client.campaigns,
        case=body.case,
        reason=body.reason,
        actions=tuple(body.actions) if body.actions is not None else None,
    )


def _view(one: HeldAction) -> HeldView:
    return HeldView(
        id=one.id,
        client=one.client_id,
        mode=one.mode,
        campaign=one.campaign,
        case=one.case,
        kind=Kind(one.kind),
        channel=Channel(one.channel),
        language=one.language,
        reasons=[ReasonView(code=reason, says=SAYS[reason]) for reason in one.reasons],
        supporter_name=one.supporter_name,
        words=one.words,
        reference=one.reference,
        accepted_at=one.accepted_at,
    )


# A cursor holds signed numbers of 64 bits; an id is two.
def _write_place(action_id: UUID) -> str:
    return write_cursor(*struct.unpack(">qq", action_id.bytes))


def _read_place(cursor: str | None) -> UUID | None:
    halves = read_cursor(cursor, 2)
    return UUID(bytes=struct.pack(">qq", *halves)) if halves else None


def _read_seen(seen: str) -> tuple[int, int]:
    try:
        found = read_cursor(seen, 2) or (0, 0)
    except Problem:
        said = "This is not what a preview has given"
        raise invalid([Fault("/seen", "wrong_form", said)]) from None
    return found[0], found[1]
