"""Keeps mail that came back: each message once, sealed, and what it tells of its delivery.

Owns `replies`.  In: messages as they arrived, whichever way.  Out: what each is and which delivery
it answers; all in one transaction.  Nothing that a person wrote is logged, or kept of a supporter
who was erased.
"""

import datetime as dt
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Connection, exists, select
from sqlalchemy.dialects import postgresql, sqlite

from services.tracking.blame import is_about_one
from services.tracking.inbound.classify import ReplyKind, Verdict, classify
from services.tracking.inbound.match import Match, match
from services.tracking.inbound.read import MAX_BYTES, Mail, read
from services.tracking.receipts.contract import Receipt
from services.tracking.record import Told, tell
from services.tracking.words import EventWord, Fact
from shared.again import RESTS_OR_DID
from shared.clock import Clock, new_id
from shared.database import Database
from shared.privacy import Private
from shared.tables.dispatch import CARRY_ONE, carriages, deliveries
from shared.tables.intake import actions
from shared.tables.replies import replies

SOURCE = "mail"  # of the facts; `replies.source` says which way a message came

# What a delivery report says, in our words; None where it cannot be read.
ReadReport = Callable[[bytes], Receipt | None]

_WORDS = {
    ReplyKind.AUTO_REPLY: EventWord.AUTO_REPLIED,
    ReplyKind.ACKNOWLEDGEMENT: EventWord.ACKNOWLEDGED,
    ReplyKind.ANSWER: EventWord.ANSWERED,
}

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """One message, as a way in gives it."""

    source: str  # ses, maildir, mbox
    content: bytes = field(repr=False)
    envelope: tuple[str, ...] = field(default=(), repr=False)  # whom the server took it in for
    at: dt.datetime | None = None  # when, where the way in knows it
    name: str = ""  # what the way in calls it: a file, a place in a file, a notification


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What became of a message."""

    id: UUID | None  # None: we had it already
    kind: ReplyKind
    match: Match


@dataclass(frozen=True, slots=True)
class _Read:
    arrived: Arrived
    mail: Mail
    verdict: Verdict
    report: Receipt | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailroom:
    """One for a process; safe on any thread."""

    database: Database
    read_report: ReadReport
    clock: Clock

    def keep(self, arrived: Sequence[Arrived]) -> list[Kept]:
        """Returns when they are committed, in the order given.  Raises the database's errors."""
        # In the order of the unique index: who keeps the same at once waits, and never in a circle.
        opened = sorted(
            ((place, self._read(one)) for place, one in enumerate(arrived)),
            key=lambda pair: (pair[1].arrived.source, pair[1].mail.digest),
        )
        now, kept, told = self.clock(), {}, []
        with self.database.begin() as connection:
            for place, one in opened:
                kept[place], facts = self._keep(connection, one, now)
                told += facts
            tell(connection, told, now)
        return [kept[place] for place in range(len(arrived))]

    def keep_each(self, arrived: Sequence[Arrived]) -> list[Kept | None]:
        """As `keep`; but what cannot be kept is None, is in the log, and stops none beside it.

        Raises the database's errors where it is away.
        """
        try:
            return list(self.keep(arrived))
        except Exception as error:
            if not is_about_one(error):
                raise
        return [self._alone(one) for one in arrived]

    def _alone(self, one: Arrived) -> Kept | None:
        try:
            [kept] = self.keep([one])
        except Exception as error:
            if not is_about_one(error):
                raise
            log.error(
                "mail_not_kept",
                source=one.source,
                name=one.name,
                error=type(error).__name__,
                trace=traceback.format_tb(error.__traceback__),
            )
            return None
        return kept

    def _read(self, arrived: Arrived) -> _Read:
        mail = read(arrived.content)
        verdict = classify(mail)
        is_bounce = verdict.kind is ReplyKind.BOUNCE
        report = self.read_report(arrived.content[:MAX_BYTES]) if is_bounce else None
        return _Read(arrived, mail, verdict, report)

    def _keep(
        self, connection: Connection, one: _Read, now: dt.datetime
    ) -> tuple[Kept, list[Told]]:
        named = one.report.delivery_id if one.report else None
        found = match(connection, one.mail, envelope=one.arrived.envelope, reported=named)
        at = min(one.arrived.at or one.mail.received_at or now, now)
        row = self._row(connection, one, found, at)
        is_new = _insert(connection, row)
        kept = Kept(id=row["id"] if is_new else None, kind=one.verdict.kind, match=found)
        fact = _fact(one, at) if is_new and found.delivery_id else None
        if fact is None or found.delivery_id is None:
            return kept, []
        return kept, [Told(None, SOURCE, found.delivery_id, fact)]

    def _row(
        self, connection: Connection, one: _Read, found: Match, at: dt.datetime
    ) -> dict[str, Any]:
        id_ = new_id()
        row = {
            "id": id_,
            "source": one.arrived.source,
            "source_id": one.mail.digest,
            "delivery_id": found.delivery_id,
            "matched_by": found.by.value,
            "kind": one.verdict.kind.value,
            "detail": _detail(one),
            "received_at": at,
        }
        if found.delivery_id and _is_erased(connection, found.delivery_id):
            return row  # it would quote a supporter whose data was erased
        content = one.arrived.content
        return row | {
            "sender": Private(id_, one.mail.sender),
            "subject": Private(id_, one.mail.subject),
            "text": Private(id_, one.mail.text),
            "message": self.database.keyring.seal_bytes(content, column="replies.message", row=id_)
            if len(content) <= MAX_BYTES
            else None,
        }


def _fact(one: _Read, at: dt.datetime) -> Fact | None:
    if one.verdict.kind is ReplyKind.BOUNCE:
        fact = one.report.fact if one.report else None
        return replace(fact, occurred_at=min(fact.occurred_at, at)) if fact else None
    return Fact(word=_WORDS[one.verdict.kind], occurred_at=at, reason=one.verdict.reason)


def _detail(one: _Read) -> str:
    if one.verdict.kind is ReplyKind.BOUNCE and (one.report is None or one.report.fact is None):
        return f"{one.verdict.why} It does not say what became of the delivery."
    return one.verdict.why


def _insert(connection: Connection, row: dict[str, Any]) -> bool:
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    new = (
        dialect.insert(replies)
        .values(row)
        .on_conflict_do_nothing(index_elements=["source", "source_id"])
        .returning(replies.c.id)
    )
    return connection.scalar(new) is not None


def _is_erased(connection: Connection, delivery_id: UUID) -> bool:
    """Whether it carries one action alone, or did, and that was erased."""
    return bool(
        connection.scalar(
            select(
                exists(
                    select(actions.c.id)
                    .join(carriages, carriages.c.action_id == actions.c.id)
                    .join(deliveries, RESTS_OR_DID)
                    .where(
                        deliveries.c.id == delivery_id,
                        deliveries.c.carrier.in_(CARRY_ONE),
                        actions.c.erased_at.is_not(None),
                    )
                )
            )
        )
    )


def say(kept: Iterable[Kept]) -> None:
    """A line in the log for each that is new: ids only."""
    for one in kept:
        if one.id is not None:
            log.info(
                "mail_kept",
                reply_id=str(one.id),
                kind=one.kind.value,
                delivery_id=str(one.match.delivery_id) if one.match.delivery_id else None,
                matched_by=one.match.by.value,
            )
