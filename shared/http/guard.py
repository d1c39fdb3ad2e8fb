"""The door: whose key is it, is it in force, is it within its rate, does it have the scope.

In: the Authorization header.  Out: the `Client`, or Problem 401, 403, 429.
"""

from collections.abc import Callable, Mapping, Sequence

from shared.api_keys import Client, ClientRegistry, Key, Scope
from shared.clock import Clock, now
from shared.http.limits import Limits
from shared.http.problems import (
    KEY_EXPIRED,
    KEY_INVALID,
    KEY_MISSING,
    KEY_REVOKED,
    SCOPE_MISSING,
    TOO_MANY,
    Problem,
    ProblemKind,
)

#: What any operation with a scope may answer besides its own problems.
KINDS: tuple[ProblemKind, ...] = (
    KEY_MISSING,
    KEY_INVALID,
    KEY_REVOKED,
    KEY_EXPIRED,
    SCOPE_MISSING,
    TOO_MANY,
)
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="writ"'}


class Guard:
    """Lets a request pass or raises Problem.  `note` is told each use of a key."""

    def __init__(
        self,
        registry: ClientRegistry,
        limits: Limits,
        *,
        note: Callable[[Key], None] = lambda _: None,
        clock: Clock = now,
    ) -> None:
        self._registry = registry
        self._limits = limits
        self._note = note
        self._clock = clock

    def recognise(self, authorization: str | None) -> Client:
        """Whose key it is."""
        if not authorization:
            said = "Send the key as `Authorization: Bearer writ_…`"
            raise Problem(KEY_MISSING, said, headers=_CHALLENGE)
        kind, _, text = authorization.partition(" ")
        key = self._registry.find(text.strip()) if kind.lower() == "bearer" else None
        if key is None:
            raise Problem(KEY_INVALID, headers=_CHALLENGE)
        if key.revoked:
            raise Problem(KEY_REVOKED, headers=_CHALLENGE)
        if key.expired(self._clock()):
            raise Problem(KEY_EXPIRED, headers=_CHALLENGE)
        self._note(key)
        return key.client

    def admit(self, client: Client, scopes: Sequence[Scope]) -> None:
        """Takes a request off the client's limit; any one of `scopes` is enough."""
        self._limits.take_request(client)
        if client.scopes.isdisjoint(scopes):
            raise Problem(SCOPE_MISSING, f"This key lacks the scope {' or '.join(scopes)}")

    def headers(self, client: Client) -> Mapping[str, str]:
        """What an answer to this client says of its limits."""
        return self._limits.headers(client)
