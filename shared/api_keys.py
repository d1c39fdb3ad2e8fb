"""API keys: their form, how they are looked up, and what they allow.

A key is `writ_live_` or `writ_test_`, 32 random letters and digits, and 6 that check the rest, so
that a typo is told without the database and a leaked key can be found by scanners.  Only its
SHA-256 is stored: 190 random bits need no slow hash (OWASP ASVS 6.5.2).
In: the tables that services/intake/clients/ writes.  Out: `Key` and its `Client`.
"""

import datetime as dt
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

from sqlalchemy import RowMapping, select

from shared.database import Database
from shared.tables.intake import api_clients, api_keys

_LETTERS = string.digits + string.ascii_uppercase + string.ascii_lowercase
_RANDOM, _CHECK = 32, 6
_FORM = re.compile(rf"writ_(live|test)_[0-9A-Za-z]{{{_RANDOM + _CHECK}}}")
_SHOWN = len("writ_live_") + 4  # letters, to recognise a key without knowing it
TRUSTED_S = 5.0  # how long a key is believed before the table is asked again
_MOST_KEPT = 10_000


class Mode(StrEnum):
    LIVE = "live"  # delivered
    TEST = "test"  # planned and rendered, never sent


class Scope(StrEnum):
    # hand in actions: one, many, files, counts; previews; erase their supporters; send again
    SUBMIT = "submit"
    READ = "read"  # follow the client's own actions and their deliveries; the sums of a campaign
    CATALOGUE = "catalogue"  # what campaigns ask: cases, texts, recipients' offices
    FINANCE = "finance"  # print orders, and what they cost
    ADMIN = "admin"  # every client's: moderation, the audit log


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """Who a key stands for, and what they may."""

    id: UUID
    mode: Mode
    scopes: frozenset[str]
    campaigns: frozenset[str] | None = None  # None: every campaign
    rate_per_s: int = 0  # requests; 0: not limited
    daily_actions: int = 0  # accepted in a day (UTC); 0: not limited

    def may(self, campaign: str) -> bool:
        """Whether the client works for this campaign."""
        return self.campaigns is None or campaign in self.campaigns


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A key that was made once, in force or not.  Of a revoked client every key is revoked."""

    id: UUID
    client: Client
    revoked: bool = False
    expires_at: dt.datetime | None = None

    def expired(self, at: dt.datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= at


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key just made.  `text` is shown to a person once and stored nowhere."""

    text: str = field(repr=False)
    start: str
    hash: bytes


def new_key(mode: Mode) -> NewKey:
    body = f"writ_{mode}_" + "".join(secrets.choice(_LETTERS) for _ in range(_RANDOM))
    text = body + _checksum(body)
    return NewKey(text, shown(text), key_hash(text))


def shown(text: str) -> str:
    """How a key begins: what may be seen of it in lists and logs."""
    return text[:_SHOWN]


def is_well_formed(text: str) -> bool:
    """Whether the form and the check letters are right.  Says nothing about its being known."""
    return bool(_FORM.fullmatch(text)) and _checksum(text[:-_CHECK]) == text[-_CHECK:]


def key_hash(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


_KNOWN = select(
    api_keys.c.id.label("key_id"),
    api_keys.c.expires_at,
    api_keys.c.revoked_at,
    api_clients.c.id,
    api_clients.c.mode,
    api_clients.c.scopes,
    api_clients.c.campaigns,
    api_clients.c.rate_per_s,
    api_clients.c.daily_actions,
    api_clients.c.revoked_at.label("client_revoked_at"),
).join_from(api_keys, api_clients, api_clients.c.id == api_keys.c.client_id)


class ClientRegistry:
    """Finds a key and its client; believes what it found for a few seconds."""

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
        self._kept: dict[bytes, tuple[float, Key | None]] = {}
        self._lock = threading.Lock()

    def find(self, text: str) -> Key | None:
        """The key, in force or not; None where it was never made."""
        if not is_well_formed(text):
            return None
        hashed = key_hash(text)
        kept = self._kept.get(hashed)
        if kept is not None and kept[0] > self._timer():
            return kept[1]
        key = self._look_up(hashed)
        self._keep(hashed, key)
        return key

    def _keep(self, hashed: bytes, key: Key | None) -> None:
        with self._lock:
            if len(self._kept) >= _MOST_KEPT:  # somebody is guessing: start over, never grow
                self._kept.clear()
            self._kept[hashed] = (self._timer() + self._trusted_s, key)

    def _look_up(self, hashed: bytes) -> Key | None:
        wanted = _KNOWN.where(api_keys.c.key_hash == hashed)
        with self._database.read() as connection:
            row = connection.execute(wanted).mappings().one_or_none()
        return None if row is None else _key(row)


def _key(row: RowMapping) -> Key:
    return Key(
        id=row["key_id"],
        client=Client(
            id=row["id"],
            mode=Mode(row["mode"]),
            scopes=frozenset(row["scopes"]),
            campaigns=None if row["campaigns"] is None else frozenset(row["campaigns"]),
            rate_per_s=row["rate_per_s"],
            daily_actions=row["daily_actions"],
        ),
        revoked=row["revoked_at"] is not None or row["client_revoked_at"] is not None,
        expires_at=row["expires_at"],
    )


def _checksum(body: str) -> str:
    number, letters = zlib.crc32(body.encode()), ""
    for _ in range(_CHECK):  # 62**6 > 2**32: six letters hold every CRC
        number, digit = divmod(number, len(_LETTERS))
        letters = _LETTERS[digit] + letters
    return letters
