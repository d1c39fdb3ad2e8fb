"""What becomes of actions that wait for their supporter: a yes, a no, a reminder, or too late.

Owns no table: clear.py moves actions, and what is to be sent goes to `notices`.  Nothing but a
supporter's own yes makes such an action leave.
"""

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, and_, exists, select, text

from services.intake import clear
from services.intake.confirmation.confirm import REMINDED_AFTER, Confirmations, NoticeKind
from shared.database import Database, insert_new
from shared.spoken import ANSWERED_WITHIN
from shared.tables.intake import Standing, actions, notices

CHUNK = 500  # actions in one transaction
# In the words of its partial index: with a parameter in their place no engine would dare to use it.
_WAITING = text("actions.standing = 'unconfirmed'")
_LAST_WORD = dt.timedelta(hours=24)  # who is reminded has so long to answer

_LOOKED_AT = (
    *(actions.c[name] for name in ("id", "campaign", "case", "kind", "channel", "language")),
    *(actions.c[name] for name in ("consent", "occurred_at", "accepted_at", "confirmed_at")),
    *(actions.c[name] for name in ("standing", "erased_at")),
)


class Waits(StrEnum):
    """How far an action is, as its supporter sees it."""

    OPEN = "open"  # nobody has answered
    CONFIRMED = "confirmed"
    DISOWNED = "disowned"
    EXPIRED = "expired"
    OVER = "over"  # there is nothing to answer any more


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a supporter is asked about.  Nobody's name: a link may be passed on."""

    action_id: UUID
    waits: Waits
    campaign: str
    case: str
    kind: str
    channel: str
    language: str
    mailings: bool  # agreed to, apart from this
    occurred_at: dt.datetime
    until: dt.datetime  # an answer counts
    confirmed_at: dt.datetime | None


def look(connection: Connection, action_id: UUID, now: dt.datetime) -> Question | None:
    """The question about one action, answered or not; None where there is no such action."""
    row = connection.execute(select(*_LOOKED_AT).where(actions.c.id == action_id)).one_or_none()
    if row is None or row.erased_at is not None:
        return None
    return Question(
        action_id=row.id,
        waits=_waits(row, now),
        campaign=row.campaign,
        case=row.case,
        kind=row.kind,
        channel=row.channel,
        language=row.language,
        mailings=bool(row.consent.get("mailings")),
        occurred_at=row.occurred_at,
        until=row.accepted_at + ANSWERED_WITHIN,
        confirmed_at=row.confirmed_at,
    )


def answer(connection: Connection, action_id: UUID, now: dt.datetime, *, yes: bool) -> None:
    """Takes a supporter's answer; one that comes twice, or too late, changes nothing."""
    asked = look(connection, action_id, now)
    if asked is None or asked.waits is not Waits.OPEN:
        return
    if yes:
        clear.confirm(connection, action_id, now)
    else:
        clear.drop(connection, [action_id], Standing.DISOWNED, now)


def expire(database: Database, now: dt.datetime) -> bool:
    """Lets go of those that nobody answered in time; True where more are waiting."""
    late = (
        select(actions.c.id)
        .where(_WAITING, actions.c.accepted_at <= now - ANSWERED_WITHIN)
        .order_by(actions.c.accepted_at)
        .limit(CHUNK)
    )
    with database.begin() as connection:
        ids = connection.scalars(late).all()
        clear.drop(connection, ids, Standing.EXPIRED, now)
    return len(ids) == CHUNK


class Reminders:
    """Asks once more, once each."""

    def __init__(self, database: Database, confirmations: Confirmations) -> None:
        self._database = database
        self._confirmations = confirmations
        # Those before it were reminded: else they would all be read again every time.
        self._from = dt.datetime.min.replace(tzinfo=dt.UTC)

    def remind(self, now: dt.datetime) -> bool:
        """Makes the next reminders; True where more are waiting."""
        with self._database.begin() as connection:
            rows = self._unreminded(connection, now)
            made = [self._confirmations.notice(row.id, NoticeKind.REMIND, now) for row in rows]
            if made:
                insert_new(connection, notices, made)
        if rows:
            self._from = rows[-1].accepted_at
        return len(rows) == CHUNK

    def _unreminded(self, connection: Connection, now: dt.datetime) -> list[Any]:
        reminded = exists().where(
            notices.c.action_id == actions.c.id, notices.c.kind == NoticeKind.REMIND
        )
        first = max(self._from, now - ANSWERED_WITHIN + _LAST_WORD)
        wanted = and_(
            _WAITING,
            actions.c.accepted_at >= first,
            actions.c.accepted_at <= now - REMINDED_AFTER,
            actions.c.erased_at.is_(None),
            ~reminded,
        )
        query = select(actions.c.id, actions.c.accepted_at).where(wanted)
        return [*connection.execute(query.order_by(actions.c.accepted_at).limit(CHUNK))]


def _waits(row: Any, now: dt.datetime) -> Waits:
    if row.confirmed_at is not None:
        return Waits.CONFIRMED
    if row.standing == Standing.UNCONFIRMED and now < row.accepted_at + ANSWERED_WITHIN:
        return Waits.OPEN
    return _OVER.get(Standing(row.standing), Waits.OVER)


_OVER = {
    Standing.UNCONFIRMED: Waits.EXPIRED,  # its time is up, and it was not yet let go
    Standing.EXPIRED: Waits.EXPIRED,
    Standing.DISOWNED: Waits.DISOWNED,
}
