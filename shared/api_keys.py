"""API keys: their form, how they are looked up, and what they allow.

A key is `writ_live_` or `writ_test_`, 32 random letters and digits, and 6 that check the rest, so
that a typo is told without the database and a leaked key can be found by scanners.  Only its
SHA-256 is stored: 190 random bits need no slow hash (OWASP ASVS 6.5.2).
In: the table `api_clients`, which intake writes (services/intake/clients.py).  Out: `Client`.
"""

import hashlib
import re
import secrets
import string
import threading
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from sqlalchemy import select

from shared.database import Database
from shared.tables.intake import api_clients

_LETTERS = string.digits + string.ascii_uppercase + string.ascii_lowercase
_RANDOM, _CHECK = 32, 6
_FORM = re.compile(rf"writ_(live|test)_[0-9A-Za-z]{{{_RANDOM + _CHECK}}}")
_START = len("writ_live_") + 4  # to recognise a key in a list without knowing it
TRUSTED_S = 5.0  # how long a key is believed before the table is asked again
_MOST_KEPT = 10_000


class Mode(StrEnum):
    LIVE = "live"  # delivered
    TEST = "test"  # planned and rendered, never sent


class Scope(StrEnum):
    ACTIONS_WRITE = "actions:write"  # hand in actions
    ACTIONS_READ = "actions:read"  # look at the client's own actions, and at the cases
    DELIVERIES_READ = "deliveries:read"  # follow the deliveries of the client's own actions
    TALLY_READ = "tally:read"  # the sums of a campaign


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """Who a key stands for."""

    id: UUID
    mode: Mode
    scopes: frozenset[str]
    rate_per_s: int  # 0: not limited
    revoked: bool


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key just made.  `text` is shown to a person once and stored nowhere."""

    text: str = field(repr=False)
    start: str
    hash: bytes


def new_key(mode: Mode) -> NewKey:
    body = f"writ_{mode}_" + "".join(secrets.choice(_LETTERS) for _ in range(_RANDOM))
    text = body + _checksum(body)
    return NewKey(text, text[:_START], key_hash(text))


def is_well_formed(text: str) -> bool:
    """Whether the form and the check letters are right.  Says nothing about its being known."""
    return bool(_FORM.fullmatch(text)) and _checksum(text[:-_CHECK]) == text[-_CHECK:]


def key_hash(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


class ClientRegistry:
    """Finds the client of a key; believes what it found for a few seconds."""

    def __init__(
        self,
        database: Database,
        *,
        trusted_s: float = TRUSTED_S,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._trusted_s = trusted_s
        self._timer = timer
        self._kept: dict[bytes, tuple[float, Client | None]] = {}
        self._lock = threading.Lock()

    def find(self, key: str) -> Client | None:
        """The client, revoked or not; None where nobody has this key."""
        if not is_well_formed(key):
            return None
        hashed = key_hash(key)
        kept = self._kept.get(hashed)
        if kept is not None and kept[0] > self._timer():
            return kept[1]
        client = self._look_up(hashed)
        self._keep(hashed, client)
        return client

    def _keep(self, hashed: bytes, client: Client | None) -> None:
        with self._lock:
            if len(self._kept) >= _MOST_KEPT:  # somebody is guessing: start over, never grow
                self._kept.clear()
            self._kept[hashed] = (self._timer() + self._trusted_s, client)

    def _look_up(self, hashed: bytes) -> Client | None:
        wanted = select(
            api_clients.c.id,
            api_clients.c.mode,
            api_clients.c.scopes,
            api_clients.c.rate_per_s,
            api_clients.c.revoked_at,
        ).where(api_clients.c.key_hash == hashed)
        with self._database.read() as connection:
            row = connection.execute(wanted).one_or_none()
        if row is None:
            return None
        return Client(
            id=row.id,
            mode=Mode(row.mode),
            scopes=frozenset(row.scopes),
            rate_per_s=row.rate_per_s,
            revoked=row.revoked_at is not None,
        )


def _checksum(body: str) -> str:
    number, letters = zlib.crc32(body.encode()), ""
    for _ in range(_CHECK):  # 62**6 > 2**32: six letters hold every CRC
        number, digit = divmod(number, len(_LETTERS))
        letters = _LETTERS[digit] + letters
    return letters
