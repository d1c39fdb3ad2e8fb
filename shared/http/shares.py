"""Shares of a limit: how processes keep one limit together without asking each other each time.

In: a store that counts what was taken of a window.  A process takes a share of a window in advance
and gives out of it; shares become smaller as the window empties, and the last are single, so that
the limit is met exactly and never exceeded.  What a process took and did not give out is lost when
the window ends: where several processes serve a client it may get a little less, never more.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

_FIRST = 20  # a share is at most this part of the whole …
_LATER = 4  # … and this part of what is left
_FRESH_S = 10.0  # how long what was seen in the store is told without looking again


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of time in which one client's one limit holds."""

    client: UUID
    limit: str
    began: int  # Unix seconds


class Store(Protocol):
    """Counts what was taken, for all who share a limit."""

    def take(self, window: Window, number: int, most: int) -> int | None:
        """Takes `number` and says how many are taken now; None: then it would be above `most`."""

    def taken(self, window: Window) -> int:
        """How many are taken."""


class OwnStore:
    """For a service that must not write the shared table: each process counts for itself."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken: dict[tuple[UUID, str], tuple[int, int]] = {}  # the newest window, and how many

    def take(self, window: Window, number: int, most: int) -> int | None:
        with self._lock:
            taken = self.taken(window) + number
            if taken > most:
                return None
            self._taken[window.client, window.limit] = window.began, taken
            return taken

    def taken(self, window: Window) -> int:
        began, taken = self._taken.get((window.client, window.limit), (0, 0))
        return taken if began == window.began else 0


class Share:
    """What this process holds of one client's one limit.  May be used by many threads."""

    def __init__(self, store: Store, *, timer: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._timer = timer
        self._lock = threading.Lock()
        self._window: Window | None = None
        self._most = 0
        self._held = 0
        self._taken = 0  # by all, when we last looked: it only grows
        self._looked_at = -_FRESH_S

    def take(self, window: Window, number: int, most: int) -> bool:
        """Takes all of `number`, or nothing."""
        with self._lock:
            self._enter(window, most)
            if self._held < number and not self._fetch(window, number - self._held):
                return False
            self._held -= number
            return True

    def put_back(self, window: Window, number: int) -> None:
        """For what was taken and not used.  A window that has ended has no use for it."""
        with self._lock:
            if window == self._window:
                self._held += number

    def look(self, window: Window, most: int) -> None:
        """Renews what `left` knows, where that is old."""
        with self._lock:
            self._enter(window, most)
            if self._timer() - self._looked_at >= _FRESH_S:
                self._saw(self._store.taken(window))

    def left(self, window: Window, most: int) -> int:
        """About how many are left: others may have taken since.  Asks nobody."""
        if (window, most) != (self._window, self._most):
            return most
        return max(0, most - self._taken) + self._held

    def _enter(self, window: Window, most: int) -> None:
        if (window, most) != (self._window, self._most):
            self._window, self._most = window, most
            self._held = self._taken = 0
            self._looked_at = -_FRESH_S

    def _fetch(self, window: Window, lacking: int) -> bool:
        while lacking <= (left := self._most - self._taken):
            wanted = max(lacking, min(self._most // _FIRST, left // _LATER))
            taken = self._store.take(window, wanted, self._most)
            if taken is not None:
                self._held += wanted
                self._saw(taken)
                return True
            # Less is left than we thought: with what is truly taken the next try is for less.
            self._saw(self._store.taken(window))
        return False

    def _saw(self, taken: int) -> None:
        self._taken, self._looked_at = taken, self._timer()
