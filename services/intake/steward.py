"""Does intake's own chores in time: reminders, imports, what is to be forgotten.

Owns no table.  In: chores, each with its rhythm.  Out: what they do, one process at a time for each
chore, however many stewards run.  A chore does a little and says whether more is waiting: so none
keeps the others from their turn, and a steward that is stopped leaves nothing half done.
"""

import datetime as dt
import math
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import structlog
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from shared.clock import Clock
from shared.database import Database

# The lock's own transaction only waits: it must outlast a chore that takes its time.
_MAY_IDLE = text("SET LOCAL idle_in_transaction_session_timeout = 0")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Chore:
    """`do` opens its own transactions; True: more is waiting, come back at once."""

    name: str
    every_s: float
    do: Callable[[dt.datetime], bool]


class Steward:
    """Does what is longest overdue, one chore after the other."""

    def __init__(self, database: Database, clock: Clock, chores: Sequence[Chore]) -> None:
        self._database = database
        self._clock = clock
        self._next_at = {chore: -math.inf for chore in chores}  # on the monotonic clock

    def run(self, stop: threading.Event) -> None:
        """Works until `stop` is set; outlives a chore that fails and a database that goes away."""
        while not stop.is_set():
            chore, at = min(self._next_at.items(), key=lambda item: item[1])
            if not stop.wait(max(0.0, at - time.monotonic())):
                more = self._do(chore)
                self._next_at[chore] = time.monotonic() + (0.0 if more else chore.every_s)

    def _do(self, chore: Chore) -> bool:
        try:
            with self._alone(chore) as alone:
                return alone and chore.do(self._clock())
        except DBAPIError as error:
            log.warning("database_away", chore=chore.name, error=type(error).__name__)
        except Exception as error:  # its neighbours are still to be done; its words may name people
            trace = traceback.format_tb(error.__traceback__)
            log.error("chore_failed", chore=chore.name, error=type(error).__name__, trace=trace)
        return False

    @contextmanager
    def _alone(self, chore: Chore) -> Iterator[bool]:
        """Whether no other process is at this chore.  On SQLite there is one process."""
        if not self._database.is_postgresql:
            yield True
            return
        with self._database.begin() as connection:
            connection.execute(_MAY_IDLE)
            yield self._database.hold(connection, f"chore {chore.name}")
