"""Lets go of supporters' data when its time is over: a chore of the steward.

In: each campaign's `retention_days`, counted from an action's acceptance.  Out: erased actions, as
erase.py erases them, and one line of the audit log for each run and campaign.
"""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, false, func, or_, select, update

from services.intake import audit
from services.intake.erase import CHUNK, Erasure
from shared.catalogue import Campaign
from shared.database import Database
from shared.tables.intake import actions, catalogue_entries
from shared.tables.writing_events import reported_counts

ACTOR = "writ"
_DEFAULT_DAYS: int = Campaign.model_fields["retention_days"].default


@dataclass(frozen=True, slots=True)
class Due:
    """Actions of one campaign whose time is over."""

    campaign: str
    days: int
    actions: int


class Retention:
    """Erases a little at a time; a run that was cut off is taken up by the next."""

    def __init__(self, database: Database, *, chunk: int = CHUNK) -> None:
        self._database = database
        self._chunk = chunk
        self._run: Iterator[int] | None = None

    def forget(self, now: dt.datetime) -> bool:
        """Erases the next chunk; True where more is waiting."""
        run, self._run = self._run or self.run(now), None  # None: after an error, a new run
        if next(run, None) is None:
            return False
        self._run = run
        return True

    def run(self, now: dt.datetime) -> Iterator[int]:
        """A whole run, chunk by chunk: how many actions each erased."""
        with self._database.begin() as connection:
            found = due(connection, now)
            _forget_reports(connection, now)
        for one in found:
            erasure, which = Erasure(at=now, chunk=self._chunk), _of(one.campaign, one.days, now)
            with self._database.begin() as connection:
                # Beside the first chunk, with what the run is about to erase: a run that is cut off
                # must not have erased without a word.
                _note(connection, one, now)
                erased = erasure.next(connection, which)
            while erased:
                yield erased.total()
                with self._database.begin() as connection:
                    erased = erasure.next(connection, which)


def due(connection: Connection, now: dt.datetime) -> list[Due]:
    """What the next run would erase, by campaign."""
    days = _days(connection)
    over = [_of(campaign, kept, now) for campaign, kept in days.items()]
    rows = connection.execute(
        select(actions.c.campaign, func.count())
        .where(or_(false(), *over), actions.c.erased_at.is_(None))
        .group_by(actions.c.campaign)
        .order_by(actions.c.campaign)
    )
    return [Due(campaign, days[campaign], number) for campaign, number in rows]


def _days(connection: Connection) -> Mapping[str, int]:
    """Of every campaign there ever was, as it was told last: it may be gone from its pack."""
    told = catalogue_entries.c
    rows = connection.execute(
        select(told.key, told.document).where(told.type == "campaign").order_by(told.version)
    )
    return {row.key: row.document.get("retention_days", _DEFAULT_DAYS) for row in rows}


def _of(campaign: str, days: int, now: dt.datetime) -> ColumnElement[bool]:
    return and_(
        actions.c.campaign == campaign, actions.c.accepted_at < now - dt.timedelta(days=days)
    )


def _note(connection: Connection, one: Due, now: dt.datetime) -> None:
    audit.record(
        connection,
        actor=ACTOR,
        act="retention",
        subject=one.campaign,
        number=one.actions,
        why=f"{one.days} days have passed since they were accepted",
        details={"days": one.days},
        at=now,
    )


def _forget_reports(connection: Connection, now: dt.datetime) -> None:
    """Who reported numbers, and their pictures: people, too.  The numbers stay."""
    for campaign, days in _days(connection).items():
        connection.execute(
            update(reported_counts)
            .where(
                reported_counts.c.campaign == campaign,
                reported_counts.c.reported_at < now - dt.timedelta(days=days),
                or_(
                    reported_counts.c.organiser.is_not(None),
                    reported_counts.c.evidence.is_not(None),
                ),
            )
            .values(organiser=None, evidence=None, evidence_type=None)
        )
