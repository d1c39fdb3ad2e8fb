"""Posts the receipts that are owed to tracking, each until it is taken (2xx).

Runs a few threads, each with its own connection kept alive.  In: what the store says is due.
Out: POSTs to `{tracking_url}/v1/receipts/{provider}`, or messages in a queue.  Never in order, at
least once.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ldexp
from urllib.parse import urlsplit

import structlog
import urllib3

from services.sandbox.faults import FaultBook
from services.sandbox.store import Claimed, Store

THREADS = 8  # most of a post is waiting for tracking's answer
BATCH = 20
IDLE_S = 0.05
TIMEOUT_S = 10.0
MAX_WAIT_S = 60.0  # between two tries of one receipt that is refused
AWAY_S = 2.0  # at most, between two tries to reach tracking at all

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Post:
    """One HTTP request, written and signed."""

    headers: Mapping[str, str]
    body: bytes


Writers = Mapping[str, Callable[[Claimed], Post]]  # by provider
Queues = Mapping[str, Callable[..., object]]  # by provider: what puts bodies into its queue


def wait_s(attempts: int) -> float:
    """Seconds until a receipt is tried again that was refused `attempts` times before."""
    return min(ldexp(0.5, min(attempts, 10)), MAX_WAIT_S)


class Postman:
    """Takes receipts to one address until told to stop."""

    def __init__(
        self,
        store: Store,
        faults: FaultBook,
        *,
        writers: Writers,
        tracking_url: str,
        queues: Queues,
    ) -> None:
        self._store = store
        self._faults = faults
        self._writers = writers
        self._queues = queues
        self._tracking_url = tracking_url
        self._path = urlsplit(tracking_url).path.rstrip("/") + "/v1/receipts/"
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        self._stopping.clear()
        self._threads = [
            threading.Thread(target=self._walk, name=f"postman-{number}", daemon=True)
            for number in range(THREADS)
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Return when what is in the postmen's hands is posted or given back."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _walk(self) -> None:
        unanswered = 0
        with urllib3.connection_from_url(self._tracking_url, timeout=TIMEOUT_S) as http:
            while not self._stopping.is_set():
                batch = self._store.claim(time.time(), limit=BATCH)
                unanswered = 0 if self._carry(batch, http) else unanswered + 1
                if unanswered:
                    self._stopping.wait(min(wait_s(unanswered), AWAY_S))
                elif not batch:
                    self._stopping.wait(IDLE_S)

    def _carry(self, batch: list[Claimed], http: urllib3.HTTPConnectionPool) -> bool:
        """Post a batch and settle it; False when nobody answers, which ends the round."""
        refused: list[Claimed] = []
        posted = [one for one in batch if one.about.provider in self._queues]
        self._put(posted)
        batch = [*posted, *(one for one in batch if one.about.provider not in self._queues)]
        try:
            for claimed in batch[len(posted) :]:
                (posted if self._post(claimed, http) else refused).append(claimed)
        except urllib3.exceptions.HTTPError as error:
            log.warning("tracking_does_not_answer", error=type(error).__name__)
        untried = batch[len(posted) + len(refused) :]
        now = time.time()
        if batch:
            again = [(one, now + wait_s(one.attempts)) for one in refused]
            self._store.settle(posted=posted, refused=again, untried=untried)
        return not untried

    def _put(self, batch: list[Claimed]) -> None:
        """Into their providers' queues, each provider's together."""
        for provider, put in self._queues.items():
            bodies = [
                self._writers[provider](one).body.decode()
                for one in batch
                if one.about.provider == provider
                for _ in range(self._times())
            ]
            if bodies:
                put(*bodies)

    def _post(self, claimed: Claimed, http: urllib3.HTTPConnectionPool) -> bool:
        """Whether one receipt is done with: taken, or lost on purpose."""
        provider, status = claimed.about.provider, 200
        for _ in range(self._times()):
            post = self._writers[provider](claimed)
            path = self._path + provider
            status = http.urlopen("POST", path, post.body, post.headers, retries=False).status
        if not 200 <= status < 300:
            log.warning("receipt_refused", event_id=claimed.receipt.event_id, status=status)
            return False
        return True

    def _times(self) -> int:
        """How often one receipt is sent: once, unless the faults lose or repeat it."""
        faults = self._faults.faults.receipts
        if self._faults.happens(faults.drop):
            return 0
        return 2 if self._faults.happens(faults.duplicate) else 1
