"""What flows and what stands still, on one page: figures for the console's first view.

In: a mode and the time.  Out: `Overview`, made of the tally and some short looks at the queues.
"""

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select, text

from services.tracking.queries.reported import Reported, reported
from services.tracking.queries.tally import CaseTally, tally
from services.tracking.words import ShownState
from shared.tables.dispatch import DeliveryState, deliveries
from shared.tables.intake import actions
from shared.tables.pacing import stops

LATELY = dt.timedelta(hours=1)
_HELD = "deliveries.state = 'due' AND deliveries.held_reason IS NOT NULL"
_WAITING = "deliveries.state = 'due' AND deliveries.held_reason IS NULL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """Everything of one mode, at one moment."""

    mode: str
    at: dt.datetime
    cases: Sequence[CaseTally]
    oldest_due: dt.datetime | None  # None: nothing that is due waits
    oldest_unknown: dt.datetime | None
    held: Sequence[tuple[str, int]]  # why, and how many deliveries; the most first
    stopped: int  # addresses and recipients that get nothing more
    reported: Sequence[Reported]  # by organisers, without names: claims, in no other figure
    other_mode: bool  # there are actions of the other mode, too

    @property
    def actions(self) -> int:
        return sum(one.actions for one in self.cases)

    @property
    def actions_lately(self) -> int:
        return sum(one.actions_lately for one in self.cases)

    @property
    def handed_over_lately(self) -> int:
        return sum(one.handed_over_lately for one in self.cases)

    @property
    def by_state(self) -> Counter[ShownState]:
        return sum((one.deliveries for one in self.cases), Counter[ShownState]())

    @property
    def by_channel(self) -> Mapping[str, Counter[ShownState]]:
        found: dict[str, Counter[ShownState]] = {}
        for one in self.cases:
            found.setdefault(one.channel, Counter()).update(one.deliveries)
        return dict(sorted(found.items()))


def overview(connection: Connection, *, mode: str, now: dt.datetime) -> Overview:
    """Reads every row once; remember it for a while."""
    return Overview(
        mode=mode,
        at=now,
        cases=tally(connection, mode=mode, since=now - LATELY),
        oldest_due=_oldest(connection, mode, _WAITING, until=now),
        oldest_unknown=_oldest(
            connection, mode, f"deliveries.state = '{DeliveryState.UNKNOWN.value}'"
        ),
        held=_held(connection, mode),
        stopped=_stopped(connection) if mode == "live" else 0,
        reported=reported(connection, mode=mode),
        other_mode=_is_there(connection, "test" if mode == "live" else "live"),
    )


def _oldest(
    connection: Connection, mode: str, where: str, *, until: dt.datetime | None = None
) -> dt.datetime | None:
    query = select(func.min(deliveries.c.next_attempt_at)).where(
        text(where), deliveries.c.mode == mode
    )
    if until is not None:
        query = query.where(deliveries.c.next_attempt_at <= until)
    found: dt.datetime | None = connection.scalar(query)
    return found


def _held(connection: Connection, mode: str) -> list[tuple[str, int]]:
    number = func.count().label("number")
    query: Any = (
        select(deliveries.c.held_reason, number)
        .where(text(_HELD), deliveries.c.mode == mode)
        .group_by(deliveries.c.held_reason)
        .order_by(number.desc(), deliveries.c.held_reason)
        .limit(20)
    )
    return [(row[0], row[1]) for row in connection.execute(query)]


def _stopped(connection: Connection) -> int:
    in_force = select(func.count()).select_from(stops).where(stops.c.lifted_at.is_(None))
    return connection.scalar(in_force) or 0


def _is_there(connection: Connection, mode: str) -> bool:
    return (
        connection.scalar(select(actions.c.id).where(actions.c.mode == mode).limit(1)) is not None
    )
