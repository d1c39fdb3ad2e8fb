"""The door: whose key is it, does it have the scope, is it within its rate.

In: the Authorization header.  Out: the `Client`, or Problem 401, 403, 429.
"""

import math
import threading
import time
from collections.abc import Callable
from uuid import UUID

from shared.api_keys import Client, ClientRegistry, Scope
from shared.http.problems import (
    KEY_INVALID,
    KEY_MISSING,
    KEY_REVOKED,
    SCOPE_MISSING,
    TOO_MANY,
    Problem,
    ProblemKind,
)

#: What any operation with a scope may answer besides its own problems.
KINDS: tuple[ProblemKind, ...] = (KEY_MISSING, KEY_INVALID, KEY_REVOKED, SCOPE_MISSING, TOO_MANY)
_BURST_S = 2  # a bucket holds this many seconds of its rate
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="writ"'}


class Guard:
    """Lets a request pass or raises Problem."""

    def __init__(
        self, registry: ClientRegistry, *, timer: Callable[[], float] = time.monotonic
    ) -> None:
        self._registry = registry
        self._buckets = Buckets(timer)

    def admit(self, authorization: str | None, scope: Scope) -> Client:
        client = self._recognise(authorization)
        if scope not in client.scopes:
            raise Problem(SCOPE_MISSING, f"This key lacks the scope {scope}")
        wait_s = self._buckets.wait_s(client.id, client.rate_per_s)
        if wait_s:
            said = f"This key may make {client.rate_per_s} requests a second"
            raise Problem(TOO_MANY, said, headers={"Retry-After": str(math.ceil(wait_s))})
        return client

    def _recognise(self, authorization: str | None) -> Client:
        if not authorization:
            said = "Send the key as `Authorization: Bearer writ_…`"
            raise Problem(KEY_MISSING, said, headers=_CHALLENGE)
        kind, _, key = authorization.partition(" ")
        client = self._registry.find(key.strip()) if kind.lower() == "bearer" else None
        if client is None:
            raise Problem(KEY_INVALID, headers=_CHALLENGE)
        if client.revoked:
            raise Problem(KEY_REVOKED, headers=_CHALLENGE)
        return client


class Buckets:
    """A token bucket for each client, in this process only: a limit against accidents."""

    def __init__(self, timer: Callable[[], float]) -> None:
        self._timer = timer
        self._lock = threading.Lock()
        self._filled: dict[UUID, tuple[float, float]] = {}  # tokens, and when they were counted

    def wait_s(self, client: UUID, rate_per_s: int) -> float:
        """Takes one token: 0.0; or where there is none, the seconds until there is."""
        if not rate_per_s:
            return 0.0
        with self._lock:
            now = self._timer()
            tokens, since = self._filled.get(client, (rate_per_s * _BURST_S, now))
            tokens = min(rate_per_s * _BURST_S, tokens + (now - since) * rate_per_s)
            taken = 1 if tokens >= 1 else 0
            self._filled[client] = (tokens - taken, now)
        return 0.0 if taken else (1 - tokens) / rate_per_s
