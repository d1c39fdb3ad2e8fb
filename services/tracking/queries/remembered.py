"""Remembers costly answers for as long as they are worth: ten times what they cost, at least 2 s.

So however many people watch, and however large the tables have grown, figures take at most a tenth
of one connection.  In: a key and a way to find out.  Out: the answer, perhaps a little old: while
one finds out, the others get the one before, and their threads stay free for receipts.
"""

import threading
import time
from collections.abc import Callable, Hashable
from typing import Any, TypeVar, cast

_AT_LEAST_S = 2.0
_COSTS = 10
_MOST_KEPT = 200

A = TypeVar("A")


class Remembered:
    """One for a process; safe on any thread."""

    def __init__(
        self, *, timer: Callable[[], float] = time.monotonic, at_least_s: float = _AT_LEAST_S
    ) -> None:
        self._timer = timer
        self._at_least_s = at_least_s
        self._answers: dict[Hashable, tuple[float, Any]] = {}
        self._finding: dict[Hashable, threading.Lock] = {}
        self._lock = threading.Lock()

    def get(self, key: Hashable, find: Callable[[], A]) -> A:
        """The answer to `key`.  One caller finds out; only where there is none yet, others wait."""
        with self._lock:
            if len(self._finding) > _MOST_KEPT:
                self._answers.clear()
                self._finding.clear()
            finding = self._finding.setdefault(key, threading.Lock())
            kept = self._answers.get(key)
        if kept is None:
            finding.acquire()
        elif not finding.acquire(blocking=False):
            return cast(A, kept[1])
        try:
            return self._found(key, find)
        finally:
            finding.release()

    def _found(self, key: Hashable, find: Callable[[], A]) -> A:
        kept = self._answers.get(key)
        if kept is not None and self._timer() < kept[0]:
            return cast(A, kept[1])
        began = self._timer()
        answer = find()
        ended = self._timer()
        self._answers[key] = ended + max(self._at_least_s, _COSTS * (ended - began)), answer
        return answer
