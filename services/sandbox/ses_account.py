"""The account at SES: what it may send, what it has sent, and how it answers `GetAccount`.

In: numbers of recipients that somebody wants to send to.  Out: None, or why not, by the fault's
name.  Source: "Service quotas" in the SES developer guide: both quotas count recipients, the day's
is one of 24 rolling hours, the rate may be exceeded in short bursts, and all that does not send
may be asked once a second.
"""

import threading
import time
from collections import Counter
from typing import Any

from services.sandbox.faults import FaultBook
from services.sandbox.settings import SandboxSettings
from services.sandbox.store import Store

DAY_S = 24 * 3600
ASK_EVERY_S = 1.0


class Account:
    """Counts what is sent; refuses nothing unless that is asked for.  Safe between threads."""

    def __init__(self, settings: SandboxSettings, store: Store, faults: FaultBook) -> None:
        self._settings = settings
        self._store = store
        self._faults = faults
        self._lock = threading.Lock()
        self._by_minute: Counter[int] | None = None  # read from the store when first needed
        self._room = 0.0  # recipients that may be sent to at once
        self._room_at = float("-inf")
        self._asked_at = float("-inf")

    def admit(self, recipients: int, now: float) -> str | None:
        """Count them in, or say by which fault they are refused."""
        state = self._faults.faults.account
        if state.enforcement == "SHUTDOWN":
            return "suspended"
        if not state.sending_enabled:
            return "paused"
        max_24h, rate, enforced = self._limits()
        with self._lock:
            sent = self._sent(now)
            if enforced and 0 <= max_24h <= sent.total():
                return "quota"
            if enforced and not self._has_room(rate):
                return "throttle"
            self._room -= recipients if enforced else 0
            sent[int(now // 60)] += recipients
        return None

    def may_ask(self) -> bool:
        """Whether GetAccount may be answered now."""
        now = time.monotonic()
        with self._lock:
            early = self._limits()[2] and now - self._asked_at < ASK_EVERY_S
            if not early:
                self._asked_at = now
        return not early

    def answer(self, now: float) -> dict[str, Any]:
        """The JSON of GetAccount."""
        state = self._faults.faults.account
        max_24h, rate, _ = self._limits()
        with self._lock:
            sent = self._sent(now).total()
        return {
            "DedicatedIpAutoWarmupEnabled": False,
            "EnforcementStatus": state.enforcement,
            "ProductionAccessEnabled": True,
            "SendQuota": {
                "Max24HourSend": float(max_24h),
                "MaxSendRate": float(rate),
                "SentLast24Hours": float(sent),
            },
            "SendingEnabled": state.sending_enabled and state.enforcement != "SHUTDOWN",
            "SuppressionAttributes": {"SuppressedReasons": ["COMPLAINT"]},
        }

    def _limits(self) -> tuple[float, float, bool]:
        """Recipients in 24 hours (-1: unlimited) and in a second, and whether that counts."""
        settings, state = self._settings, self._faults.faults.account
        return (
            settings.ses_max_24h if state.max_24h is None else state.max_24h,
            settings.ses_rate_per_s if state.max_rate_per_s is None else state.max_rate_per_s,
            settings.ses_enforced if state.enforced is None else state.enforced,
        )

    def _has_room(self, rate: float) -> bool:
        """A call passes while anything is left, and may leave less than nothing behind."""
        now, most = time.monotonic(), max(rate, 1.0)
        self._room = min(self._room + (now - self._room_at) * rate, most)
        self._room_at = now
        return self._room >= 1

    def _sent(self, now: float) -> Counter[int]:
        """Recipients of the last 24 hours, by minute."""
        oldest = int((now - DAY_S) // 60)
        if self._by_minute is None:
            self._by_minute = Counter(self._store.recipients_by_minute("ses", oldest * 60))
        for minute in [minute for minute in self._by_minute if minute < oldest]:
            del self._by_minute[minute]
        return self._by_minute
