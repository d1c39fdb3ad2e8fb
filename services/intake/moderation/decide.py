"""Lets a person decide on what is held: look, count, then decide on exactly what was counted.

In: a selection and what a preview saw of it.  Out: how many were decided, all or none, with a line
in the audit log.  A preview freezes its selection: what arrives meanwhile waits for the next one.

Changed   what was seen is not what there is: somebody else decided, or an action came or went
"""

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, Text, cast, select

from services.intake import audit
from services.intake.clear import drop, release
from services.intake.moderation.rules import Reason
from shared.api_keys import Mode
from shared.privacy import Sealed
from shared.tables.intake import Standing, actions

CHUNK = 1_000  # actions in one statement
_DIGEST = (1 << 62) - 1  # the bits of an id that chance chose (RFC 9562, section 5.7)

_SHOWN = (
    "id",
    "client_id",
    "mode",
    "campaign",
    "case",
    "kind",
    "channel",
    "language",
    "held_for",
    "supporter_name",
    "words",
    "reference",
    "accepted_at",
)


class Verdict(StrEnum):
    RELEASE = "release"  # it goes its way
    REJECT = "reject"  # it is kept, and never carried


_ACTS = {Verdict.RELEASE: "actions_released", Verdict.REJECT: "actions_rejected"}


class Changed(Exception):
    """What was seen is not what there is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Those held actions that fit all that is said; None: any."""

    mode: Mode | None = None
    campaigns: frozenset[str] | None = None  # those that whoever asks may know of
    case: str | None = None
    reason: Reason | None = None
    actions: tuple[UUID, ...] | None = None

    def details(self) -> dict[str, Any]:
        """For the audit log."""
        said = {
            "mode": self.mode,
            "campaigns": sorted(self.campaigns) if self.campaigns is not None else None,
            "case": self.case,
            "reason": self.reason,
            "actions": [str(one) for one in self.actions] if self.actions is not None else None,
        }
        return {name: value for name, value in said.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Seen:
    """What a preview counted: enough to know the same actions again."""

    number: int
    newest: int  # the highest `seq`; 0 where nothing was held
    digest: int  # of the ids


@dataclass(frozen=True, slots=True)
class Counts:
    seen: Seen
    by_case: Mapping[str, int]
    by_reason: Mapping[str, int]  # an action with two reasons is counted under both


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldAction:
    """What a person needs in order to decide.  Not the email address."""

    id: UUID
    client_id: UUID
    mode: Mode
    campaign: str
    case: str
    kind: str
    channel: str
    language: str
    reasons: tuple[Reason, ...]
    supporter_name: str | None = field(repr=False)
    words: str | None = field(repr=False)
    reference: str | None
    accepted_at: dt.datetime


def held(
    connection: Connection, selection: Selection, *, after: UUID | None = None, limit: int
) -> list[HeldAction]:
    """The oldest first, opened; `after` is the id of the last one that was seen."""
    wanted = select(*(actions.c[name] for name in _SHOWN)).where(*_fitting(selection))
    if after is not None:
        wanted = wanted.where(actions.c.id > after)
    rows = connection.execute(wanted.order_by(actions.c.id).limit(limit))
    return [_opened(row) for row in rows]


def preview(connection: Connection, selection: Selection) -> Counts:
    """Counts what a decision would decide now."""
    columns = (actions.c.id, actions.c.seq, actions.c.case, actions.c.held_for)
    by_case, by_reason = Counter[str](), Counter[str]()
    number = newest = digest = 0
    wanted = select(*columns).where(*_fitting(selection))
    for row in connection.execute(wanted, execution_options={"yield_per": CHUNK}):
        number, newest, digest = number + 1, max(newest, row.seq), digest + row.id.int
        by_case[row.case] += 1
        by_reason.update(row.held_for)
    return Counts(
        Seen(number, newest, digest & _DIGEST),
        dict(sorted(by_case.items())),
        dict(sorted(by_reason.items())),
    )


def decide(
    connection: Connection,
    selection: Selection,
    verdict: Verdict,
    seen: Seen,
    *,
    actor: str,
    why: str,
    now: dt.datetime,
) -> int:
    """How many were decided, which is the number seen.  Raises Changed, and then none was."""
    ids = _locked(connection, selection, seen)
    decided = 0
    for some in _chunks(ids):
        if verdict is Verdict.RELEASE:
            decided += release(connection, some, now)
        else:
            decided += drop(connection, some, Standing.REJECTED, now)
    audit.record(
        connection,
        actor=actor,
        act=_ACTS[verdict],
        subject=_subject(selection),
        number=decided,
        why=why,
        details=selection.details() | {"newest": seen.newest},
        at=now,
    )
    return decided


def _locked(connection: Connection, selection: Selection, seen: Seen) -> list[UUID]:
    """The ids that the preview saw, locked against any other decision."""
    wanted = (
        select(actions.c.id)
        .where(*_fitting(selection), actions.c.seq <= seen.newest)
        .order_by(actions.c.seq)
        .with_for_update()
    )
    ids = list(connection.scalars(wanted))
    # An action of before may come late (its transaction was slow, it became a first, or it was
    # confirmed) while another goes: only the ids tell.
    if (len(ids), sum(one.int for one in ids) & _DIGEST) != (seen.number, seen.digest):
        raise Changed
    return ids


def _fitting(selection: Selection) -> Iterator[ColumnElement[bool]]:
    yield actions.c.standing == Standing.HELD
    yield actions.c.erased_at.is_(None)  # nothing is left to be read, or to be sent
    if selection.mode is not None:
        yield actions.c.mode == selection.mode
    if selection.campaigns is not None:
        yield actions.c.campaign.in_(selection.campaigns)
    if selection.case is not None:
        yield actions.c.case == selection.case
    if selection.reason is not None:
        # Both engines write a JSON list with its words in quotes.
        yield cast(actions.c.held_for, Text).contains(f'"{selection.reason}"', autoescape=True)
    if selection.actions is not None:
        yield actions.c.id.in_(selection.actions)


def _opened(row: Row[Any]) -> HeldAction:
    fields = dict(row._mapping)
    held_for = fields.pop("held_for")
    for name in ("supporter_name", "words"):
        sealed: Sealed | None = fields[name]
        fields[name] = None if sealed is None else sealed.open(row.id)
    return HeldAction(**fields, reasons=tuple(Reason(one) for one in held_for))


def _subject(selection: Selection) -> str:
    """What was chosen, in a few words."""
    ids = selection.actions
    if ids is not None:
        return str(ids[0]) if len(ids) == 1 else f"{len(ids)} held actions"
    words = [one for one in (selection.case, selection.reason) if one is not None]
    return f"held: {', '.join(words)}" if words else "all that was held"


def _chunks(ids: Sequence[UUID]) -> Iterator[Sequence[UUID]]:
    return (ids[at : at + CHUNK] for at in range(0, len(ids), CHUNK))
