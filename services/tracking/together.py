"""Takes in one transaction what many threads bring at the same moment.

In: receipts, from any thread.  Out: what became of each, once it is committed.  Whoever comes while
another's transaction runs waits for the next one, and goes with all others who wait: under load a
commit serves many, and alone nobody waits longer.  A receipt that cannot be stored spoils no other.
"""

import threading
from collections.abc import Callable, Sequence

from services.tracking.receipts.contract import Receipt
from services.tracking.record import Recorded

MOST = 100  # callers in one transaction

Take = Callable[[Sequence[Receipt]], list[Recorded | None]]


class Together:
    """One for a process."""

    def __init__(self, take: Take) -> None:
        self._take = take
        self._lock = threading.Lock()
        self._waiting: list[_Caller] = []
        self._led = False  # somebody is at the database for all

    def take(self, given: Sequence[Receipt]) -> list[Recorded | None]:
        """As `Taker.take`.  Raises what it raises."""
        caller = _Caller(given)
        with self._lock:
            self._waiting.append(caller)
            leads, self._led = not self._led, True
        if not leads:
            caller.called.wait()
        if not caller.done:  # the first, or called to lead
            self._lead()
        return caller.outcome()

    def _lead(self) -> None:
        """Serves those who wait, the one who leads first; then calls the next to lead."""
        with self._lock:
            served, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
        try:
            self._serve(served)
        finally:
            for caller in served:
                caller.done = True
                caller.called.set()
            with self._lock:
                if self._waiting:
                    self._waiting[0].called.set()
                else:
                    self._led = False

    def _serve(self, callers: "Sequence[_Caller]") -> None:
        try:
            results = iter(self._take([one for caller in callers for one in caller.given]))
        except Exception as error:
            if len(callers) == 1:
                callers[0].error = error
                return
            for caller in callers:
                self._serve([caller])
        else:
            for caller in callers:
                caller.results = [next(results) for _ in caller.given]


class _Caller:
    def __init__(self, given: Sequence[Receipt]) -> None:
        self.given = given
        self.called = threading.Event()  # served, or to lead
        self.done = False
        self.results: list[Recorded | None] | None = None
        self.error: Exception | None = None

    def outcome(self) -> list[Recorded | None]:
        if self.error is not None:
            raise self.error
        if self.results is None:
            raise RuntimeError("who led was stopped; nothing was committed for this call")
        return self.results
