"""What preparing takes and gives: a due delivery, and the same ready to go.

In: rows of the tables, opened.  Out: `Prepared`.  Why one does not leave now:

NotNow
├── Hold   a person must look at it first
└── Moot   there is no reason for it any more
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from services.dispatch.providers.contract import Email, Letter
from services.dispatch.rendering.entries import Entry
from services.dispatch.rendering.mime import mime_file
from shared.catalogue import Holder
from shared.clock import new_id


class NotNow(Exception):
    """Of this one delivery; it stops no other.  Shown to ops: the message names no person."""


class Hold(NotNow):
    pass


class Moot(NotNow):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What an email to a supporter asks about."""

    link: str = field(repr=False)
    kind: str
    channel: str
    occurred_at: dt.datetime
    accepted_at: dt.datetime
    waits: bool  # nobody has answered yet


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A delivery that is due, with the one action that rests on it, or a digest with all of its."""

    id: UUID
    carrier: str = "single"
    mode: str
    campaign: str
    case: str
    kind: str
    channel: str
    language: str
    recipient: str
    mailbox: str | None = None  # whose pace it was planned at
    attempts: int
    supporter_name: str | None
    supporter_email: str | None
    supporter_country: str | None
    words: str | None
    consent: Mapping[str, Any]
    unclear_at: frozenset[str] = frozenset()  # the providers that may have taken an earlier attempt
    notice: Notice | None = None  # of an email to the supporter alone
    entries: tuple[Entry, ...] = ()  # of a digest, in the order they were accepted
    people: int = 0  # of a digest: whose actions these are

    @property
    def unclear_before(self) -> bool:
        return bool(self.unclear_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    due: Due
    attempt_id: UUID
    handover: Email | Letter
    document: str  # path of what was rendered
    content: bytes
    holder: str | None
    address: str  # really used
    remark: str | None = None  # what preparing found out, in words for people


def emailed(
    due: Due,
    email: Email,
    now: dt.datetime,
    *,
    holder: Holder | None,
    remark: str | None = None,
) -> Prepared:
    content = mime_file(email, date=now, message_id=str(due.id))
    return Prepared(
        due=due,
        attempt_id=new_id(),
        handover=email,
        document=_document(due, "eml", now),
        content=content,
        holder=holder.name if holder else None,
        address=email.to,
        remark=remark,
    )


def printed(
    due: Due,
    letter: Letter,
    now: dt.datetime,
    *,
    holder: Holder | None,
    remark: str | None = None,
) -> Prepared:
    return Prepared(
        due=due,
        attempt_id=new_id(),
        handover=letter,
        document=_document(due, "pdf", now),
        content=letter.pdf,
        holder=holder.name if holder else None,
        address="\n".join(letter.lines),
        remark=remark,
    )


def _document(due: Due, ending: str, now: dt.datetime) -> str:
    folder = f"{due.campaign}/{due.case}/{due.channel}/{now:%Y-%m-%d}"
    return f"{folder}/{due.id}-{due.attempts + 1}.{ending}"
