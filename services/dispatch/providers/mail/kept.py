"""The connections to a mail relay that are kept for the next email."""

import threading
import time

from services.dispatch.providers.mail.line import Line


class KeptLines:
    """Connections between two emails; the one used last is used next."""

    def __init__(self, *, most_emails: int, idle_s: float) -> None:
        self._most_emails = most_emails  # on one connection; relays have limits of their own
        self._idle_s = idle_s
        self._lines: list[Line] = []
        self._lock = threading.Lock()

    def take(self) -> Line | None:
        """One that was in use a moment ago; those that were not are given up."""
        oldest = time.monotonic() - self._idle_s
        with self._lock:
            old = [line for line in self._lines if line.idle_since < oldest]
            self._lines = [line for line in self._lines if line.idle_since >= oldest]
            found = self._lines.pop() if self._lines else None
        for line in old:
            line.leave()
        return found

    def keep(self, line: Line) -> None:
        if not line.is_open or line.carried >= self._most_emails:
            line.leave()
            return
        with self._lock:
            self._lines.append(line)

    def close(self) -> None:
        with self._lock:
            lines, self._lines = self._lines, []
        for line in lines:
            line.leave()
