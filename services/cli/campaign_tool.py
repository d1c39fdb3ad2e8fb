"""Submits actions the way a campaign tool does: over HTTP, several at once, each with its key.

A call that fails for want of an answer is repeated with the same Idempotency-Key: nothing doubles.
Each repeat waits longer than the one before, and as long as `Retry-After` says.
"""

import json
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import urllib3

_AGAIN = frozenset({409, 429, 500, 502, 503, 504})


@dataclass(slots=True)
class Submitted:
    """What became of the submissions; `accepted` are the ids that were answered with 202."""

    submitted: int = 0
    accepted: list[str] = field(default_factory=list)
    rejected: int = 0
    unanswered: int = 0


class CampaignTool:
    def __init__(
        self, api_url: str, key: str, *, run: str, threads: int = 6, tries: int = 6
    ) -> None:
        """`run` makes the idempotency keys of this run its own."""
        self._url = f"{api_url}/v1/actions"
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        self._run = run
        self._threads = threads
        self._http = urllib3.PoolManager(maxsize=threads, timeout=urllib3.Timeout(30))
        self._retry = urllib3.Retry(
            tries - 1,
            allowed_methods={"POST"},  # the key makes it safe
            status_forcelist=_AGAIN,
            backoff_factor=0.2,  # seconds: 0, 0.4, 0.8, 1.6 …
            backoff_jitter=0.1,  # so that those who failed together do not come back together
            redirect=False,
            raise_on_status=False,
        )
        self._lock = threading.Lock()
        self.result = Submitted()

    def submit(
        self, actions: Iterable[dict[str, Any]], *, on_answer: Callable[[], None] = lambda: None
    ) -> Submitted:
        """Submits all of them, and returns when the last is answered."""
        with ThreadPoolExecutor(self._threads) as pool:
            for _ in pool.map(self._submit_one, enumerate(actions)):
                on_answer()
        return self.result

    def _submit_one(self, numbered: tuple[int, dict[str, Any]]) -> None:
        number, action = numbered
        headers = {**self._headers, "Idempotency-Key": f"{self._run}-{number}"}
        answer = self._answer(json.dumps(action).encode(), headers)
        with self._lock:
            self.result.submitted += 1
            if answer is None:
                self.result.unanswered += 1
            elif answer.status == 202:
                self.result.accepted.append(answer.json()["id"])
            else:
                self.result.rejected += 1

    def _answer(self, body: bytes, headers: dict[str, str]) -> urllib3.BaseHTTPResponse | None:
        try:
            answer = self._http.request(
                "POST", self._url, body=body, headers=headers, retries=self._retry
            )
        except urllib3.exceptions.HTTPError:
            return None
        return None if answer.status in _AGAIN else answer
