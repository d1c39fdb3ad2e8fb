"""What Writ does with files when nobody waits: two chores of the steward, a little at a time.

In: imports that are `checking` or `running`.  Out: how far they are.  One that cannot go on ends as
`failed`, and says why; none keeps the others from their turn.
"""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement, Select, func, select

from services.intake.imports.check import check
from services.intake.imports.desk import Desk, tell
from services.intake.imports.keeping import Import, ImportState, end, find
from services.intake.imports.run import DayUsedUp, run
from services.intake.imports.unreadable import FileFault, RowFault
from shared.database import DATABASE_AWAY
from shared.tables.intake import actions
from shared.tables.writing_events import imports

SLICE_S = 20.0  # of one import, before another has its turn
NOT_STARTED = dt.timedelta(days=7)
NOT_MOVED = dt.timedelta(days=7)
NOT_RECEIVED = dt.timedelta(hours=1)
_AT_WORK = (ImportState.CHECKING, ImportState.RUNNING)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Importer:
    desk: Desk
    # The days that clients used up, by import: no file is read each second until midnight.
    _used_up: dict[UUID, dt.date] = field(default_factory=dict, compare=False, repr=False)

    def work(self, _now: dt.datetime) -> bool:
        """Works on what is least far, so that a small file overtakes.  True: more is waiting."""
        wanted = select(imports).where(imports.c.state.in_(_AT_WORK))
        waiting = self._find(wanted.order_by(imports.c.done, imports.c.created_at))
        # One that waits for its client's next day keeps no other from its turn.
        return any(self._turn(one) for one in waiting)

    def give_up(self, now: dt.datetime) -> bool:
        """Forgets files that came in part, nobody started, or stand still.  False: all of them."""
        for condition, code in (
            (_since(ImportState.RECEIVING, now - NOT_RECEIVED), "not_whole"),
            (_since(ImportState.READY, now - NOT_STARTED), "not_started"),
        ):
            for one in self._find(select(imports).where(condition)):
                said = FileFault(code).detail
                with self.desk.database.begin() as connection:
                    end(connection, one, ImportState.CANCELLED, fault=said, ended_at=now)
        self._give_up_what_stands_still(now)
        return False

    def advance(self, import_id: UUID) -> bool:
        """Works on one import for a while.  True: it goes on; False: it ended, or waits."""
        today = self.desk.taker.clock().date()
        if self._used_up.get(import_id) == today:
            return False
        self._used_up.pop(import_id, None)
        for one in self._find(select(imports).where(imports.c.id == import_id)):
            step = {ImportState.CHECKING: check, ImportState.RUNNING: run}.get(one.state)
            with self._failing(import_id):
                return step is not None and step(self.desk, one, self.desk.timer() + SLICE_S)
        return False

    def _turn(self, one: Import) -> bool:
        more = self.advance(one.id)
        log.info("import", import_id=str(one.id), state=one.state, done=one.done, more=more)
        return more

    @contextmanager
    def _failing(self, import_id: UUID) -> Iterator[None]:
        """A fault of the file ends the import; so does one of ours, or it would come for ever."""
        try:
            yield
        except DayUsedUp:
            self._used_up[import_id] = self.desk.taker.clock().date()
        except FileFault as fault:
            self._fail(import_id, fault)
        except Exception as error:
            if not isinstance(error, DATABASE_AWAY):
                self._fail(import_id, FileFault("broken"))
            raise

    def _fail(self, import_id: UUID, fault: FileFault) -> None:
        for one in self._find(select(imports).where(imports.c.id == import_id)):
            if one.state not in _AT_WORK:  # somebody else ended it, and its file is gone
                return
            with self.desk.database.begin() as connection:
                at = self.desk.taker.clock()
                end(connection, one, ImportState.FAILED, fault=fault.detail, ended_at=at)
                if fault.row is not None:
                    tell(connection, one, [RowFault(fault.row, None, fault.code, fault.detail)])

    def _give_up_what_stands_still(self, now: dt.datetime) -> None:
        before = now - NOT_MOVED
        began = func.coalesce(imports.c.started_at, imports.c.created_at)
        moved = select(actions.c.id).where(
            actions.c.import_id == imports.c.id, actions.c.accepted_at >= before
        )
        still = imports.c.state.in_(_AT_WORK) & (began < before) & ~moved.exists()
        for one in self._find(select(imports).where(still)):
            self._fail(one.id, FileFault("not_moving"))

    def _find(self, wanted: Select[Any]) -> list[Import]:
        with self.desk.database.read() as connection:
            return list(find(connection, wanted))


def _since(state: ImportState, at: dt.datetime) -> ColumnElement[bool]:
    return (imports.c.state == state) & (imports.c.created_at < at)
