"""What a client may do in a stretch of time, and the headers that tell it.

In: a client's limits, and a store that counts (shares.py).  Out: Problem 429, and the headers of
draft-ietf-httpapi-ratelimit-headers-11: `RateLimit-Policy` says what the limits are, `RateLimit`
what is left, both as structured fields (RFC 9651).  Windows are fixed: ten seconds for requests,
the day in UTC for actions.  A limit of 0 is none, costs nothing and has no headers.
"""

import datetime as dt
import math
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from shared.api_keys import Client
from shared.clock import Clock, now
from shared.http.problems import TOO_MANY, Problem, ProblemKind
from shared.http.shares import Share, Store, Window

DAILY_CAP = ProblemKind(429, "daily_cap_reached", "The key's actions of the day are used up")


class Limit(StrEnum):
    REQUESTS = "requests"  # whatever they ask for
    ACTIONS = "actions"  # taken, one by one or many in a request


WINDOW_S: Mapping[Limit, int] = {Limit.REQUESTS: 10, Limit.ACTIONS: 86_400}
#: The draft's own unit is requests; its registry has none for what we count besides.
_UNIT: Mapping[Limit, str] = {Limit.REQUESTS: "", Limit.ACTIONS: ';qu="actions"'}


@dataclass(slots=True)
class Taken:
    """Actions taken from a day; those that were not stored in the end are put back."""

    stored: int


class Limits:
    """Keeps the limits of all clients.  Asks its store outside of the caller's transactions.

    So never call it inside one: a thread that holds a connection must not wait for another.
    """

    def __init__(
        self, store: Store, *, kept: Collection[Limit] = tuple(Limit), clock: Clock = now
    ) -> None:
        self._store = store
        self._kept = frozenset(kept)
        self._clock = clock
        self._shares: dict[tuple[UUID, Limit], Share] = {}

    def take_request(self, client: Client) -> None:
        """One request.  Raises Problem 429."""
        limits = self._of(client)
        if not limits:
            return
        at = self._clock()
        for limit, most in limits.items():
            window, share = self._now(client, limit, at)
            if limit is not Limit.REQUESTS:
                share.look(window, most)
            elif not share.take(window, 1, most):
                said = f"This key may make {most} requests in {WINDOW_S[limit]} seconds"
                raise Problem(TOO_MANY, said, headers=_retry_after(limit, at))

    @contextmanager
    def actions(self, client: Client, number: int = 1) -> Iterator[Taken]:
        """Takes `number` actions from the day, all or none, for as long as storing them lasts.

        Set `stored` where fewer were; an exception puts all back.  Raises Problem 429.
        """
        most, taken = self._of(client).get(Limit.ACTIONS, 0), Taken(number)
        if not most:
            yield taken
            return
        at = self._clock()
        window, share = self._now(client, Limit.ACTIONS, at)
        if not share.take(window, number, most):
            raise _daily_cap(number, share.left(window, most), most, at)
        try:
            yield taken
        except BaseException:
            taken.stored = 0
            raise
        finally:
            share.put_back(window, number - taken.stored)

    def headers(self, client: Client) -> dict[str, str]:
        """What an answer to this client says of its limits.  Asks nobody."""
        limits = self._of(client)
        if not limits:
            return {}
        at = self._clock()
        policies, left = [], []
        for limit, most in limits.items():
            window, share = self._now(client, limit, at)
            policies.append(f'"{limit}";q={most};w={WINDOW_S[limit]}{_UNIT[limit]}')
            left.append(f'"{limit}";r={share.left(window, most)};t={_ends_in_s(limit, at)}')
        return {"RateLimit-Policy": ", ".join(policies), "RateLimit": ", ".join(left)}

    def _of(self, client: Client) -> dict[Limit, int]:
        requests = client.rate_per_s * WINDOW_S[Limit.REQUESTS]
        both = {Limit.REQUESTS: requests, Limit.ACTIONS: client.daily_actions}
        return {limit: most for limit, most in both.items() if most and limit in self._kept}

    def _now(self, client: Client, limit: Limit, at: dt.datetime) -> tuple[Window, Share]:
        share = self._shares.get((client.id, limit))
        if share is None:
            share = self._shares.setdefault((client.id, limit), Share(self._store))
        seconds = int(at.timestamp())
        return Window(client.id, limit, seconds - seconds % WINDOW_S[limit]), share


def _ends_in_s(limit: Limit, at: dt.datetime) -> int:
    length = WINDOW_S[limit]
    return math.ceil(length - at.timestamp() % length)


def _retry_after(limit: Limit, at: dt.datetime) -> dict[str, str]:
    return {"Retry-After": str(_ends_in_s(limit, at))}


def _daily_cap(number: int, left: int, most: int, at: dt.datetime) -> Problem:
    said = (
        f"This key may hand in {most} actions a day, until midnight UTC; {left} are left,"
        f" {number} were sent, and none was taken"
    )
    return Problem(DAILY_CAP, said, headers=_retry_after(Limit.ACTIONS, at))
