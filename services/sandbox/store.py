"""The sandbox's memory: all it accepted, and the receipts it still owes, in one SQLite file.

Owns `sandbox.sqlite` in the data directory.  What `keep` returned from survives `kill -9`; a
receipt is forgotten only after the receiver answered 2xx, so each arrives at least once.
"""

import datetime as dt
import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path

SCHEMA = """
CREATE TABLE IF NOT EXISTS accepted (
    seq INTEGER PRIMARY KEY,
    provider TEXT NOT NULL,
    id TEXT NOT NULL UNIQUE,
    delivery_id TEXT,
    accepted_at REAL NOT NULL,
    idempotency_key TEXT,
    fingerprint TEXT,
    facts TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS accepted_delivery ON accepted (provider, delivery_id);
CREATE INDEX IF NOT EXISTS accepted_key ON accepted (idempotency_key)
    WHERE idempotency_key IS NOT NULL;
CREATE TABLE IF NOT EXISTS receipts (
    seq INTEGER PRIMARY KEY,
    accepted_seq INTEGER NOT NULL REFERENCES accepted (seq),
    event_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    recipient TEXT NOT NULL,
    occurred_at REAL NOT NULL,
    due_at REAL NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    claimed INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS receipts_due ON receipts (claimed, due_at);
UPDATE receipts SET claimed = 0 WHERE claimed = 1;
"""
INSERT_ACCEPTED = """
INSERT INTO accepted
    (id, provider, delivery_id, accepted_at, facts, idempotency_key, fingerprint)
VALUES (?, ?, ?, ?, ?, ?, ?)
"""
INSERT_RECEIPT = """
INSERT INTO receipts (accepted_seq, event_id, kind, recipient, occurred_at, due_at)
VALUES (?, ?, ?, ?, ?, ?)
"""
AMEND = "UPDATE accepted SET facts = ? WHERE provider = ? AND id = ? RETURNING seq"
CLAIM = """
UPDATE receipts SET claimed = 1 WHERE seq IN
    (SELECT seq FROM receipts WHERE claimed = 0 AND due_at <= ? ORDER BY due_at LIMIT ?)
RETURNING seq
"""
CLAIMED = """
SELECT receipts.seq, attempts, event_id, kind, recipient, occurred_at, due_at,
    id, provider, delivery_id, accepted_at, facts
FROM receipts JOIN accepted ON accepted.seq = accepted_seq
WHERE receipts.seq IN (SELECT value FROM json_each(?)) ORDER BY due_at, receipts.seq
"""
OF_DELIVERY = """
SELECT id, provider, delivery_id, accepted_at, facts FROM accepted
WHERE provider = ? AND delivery_id = ? ORDER BY seq
"""
BY_ID = """
SELECT id, provider, delivery_id, accepted_at, facts FROM accepted WHERE provider = ? AND id = ?
"""
BY_MINUTE = """
SELECT CAST(accepted_at / 60 AS INTEGER) AS minute, sum(json_array_length(facts, '$.destination'))
FROM accepted WHERE provider = ? AND accepted_at >= ? GROUP BY minute
"""
UNDER_KEY = """
SELECT id, provider, delivery_id, accepted_at, facts, fingerprint FROM accepted
WHERE idempotency_key = ? AND accepted_at > ? ORDER BY seq DESC LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Accepted:
    """One email or one print order that was taken; times are Unix seconds."""

    id: str
    provider: str
    delivery_id: str | None
    accepted_at: float
    facts: str  # JSON, as the provider's module wrote it


@dataclass(frozen=True, slots=True)
class Receipt:
    """One receipt owed; it happened at `occurred_at` and is posted from `due_at` on."""

    event_id: str
    kind: str
    recipient: str  # empty when it is about the whole email or order
    occurred_at: float
    due_at: float


@dataclass(frozen=True, slots=True)
class Claimed:
    """A receipt in the hands of one postman."""

    seq: int
    attempts: int
    receipt: Receipt
    about: Accepted


@dataclass(frozen=True, slots=True)
class Key:
    """An idempotency key, the hash of the request it came with, and since when it counts."""

    text: str
    fingerprint: str
    alive_since: float


class KeyReused(Exception):
    """The key is alive and came with another request."""


class Store:
    """One connection behind one lock: SQLite has a single writer anyway."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path.absolute()
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode = WAL")
        # NORMAL keeps every commit through a killed process; only a power cut could lose some.
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(SCHEMA)

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def keep(
        self, accepted: Accepted, receipts: Sequence[Receipt], *, key: Key | None = None
    ) -> Accepted:
        """Commit `accepted` with its receipts, and return it.

        With a `key` that is alive the first one taken under it is returned and nothing is kept;
        raises KeyReused when that one was another request.
        """
        with self._writing() as db:
            if key and (earlier := _under(db, key)):
                return earlier
            remembered = (key.text, key.fingerprint) if key else (None, None)
            seq = db.execute(INSERT_ACCEPTED, (*astuple(accepted), *remembered)).lastrowid
            db.executemany(INSERT_RECEIPT, [(seq, *astuple(receipt)) for receipt in receipts])
        return accepted

    def amend(self, changed: Accepted, receipts: Sequence[Receipt], *, at: float) -> None:
        """Keep it as it is since then: of what was still to come, these receipts alone."""
        with self._writing() as db:
            (seq,) = db.execute(AMEND, (changed.facts, changed.provider, changed.id)).fetchone()
            db.execute("DELETE FROM receipts WHERE accepted_seq = ? AND due_at > ?", (seq, at))
            db.executemany(INSERT_RECEIPT, [(seq, *astuple(receipt)) for receipt in receipts])

    def claim(self, now: float, *, limit: int) -> list[Claimed]:
        """Take up to `limit` receipts that are due at `now`; `settle` must follow."""
        with self._writing() as db:
            seqs = [seq for (seq,) in db.execute(CLAIM, (now, limit))]
            rows = db.execute(CLAIMED, (json.dumps(seqs),)).fetchall() if seqs else []
        return [
            Claimed(row[0], row[1], receipt=Receipt(*row[2:7]), about=Accepted(*row[7:]))
            for row in rows
        ]

    def settle(
        self,
        *,
        posted: Iterable[Claimed],
        refused: Iterable[tuple[Claimed, float]],
        untried: Iterable[Claimed],
    ) -> None:
        """Forget the `posted`; the `refused` are due at the time beside them, the others still."""
        with self._writing() as db:
            db.executemany("DELETE FROM receipts WHERE seq = ?", [(one.seq,) for one in posted])
            db.executemany(
                "UPDATE receipts SET claimed = 0, attempts = attempts + 1, due_at = ?"
                " WHERE seq = ?",
                [(due_at, one.seq) for one, due_at in refused],
            )
            db.executemany(
                "UPDATE receipts SET claimed = 0 WHERE seq = ?", [(one.seq,) for one in untried]
            )

    def of_delivery(self, provider: str, delivery_id: str) -> list[Accepted]:
        """All that was taken for one delivery, oldest first; more than one is one too many."""
        with self.reading() as db:
            return [Accepted(*row) for row in db.execute(OF_DELIVERY, (provider, delivery_id))]

    def get(self, provider: str, accepted_id: str) -> Accepted | None:
        with self.reading() as db:
            row = db.execute(BY_ID, (provider, accepted_id)).fetchone()
        return Accepted(*row) if row else None

    def recipients_by_minute(self, provider: str, since: float) -> dict[int, int]:
        """How many recipients emails had that were taken since then, by minutes of Unix time."""
        with self.reading() as db:
            return dict(db.execute(BY_MINUTE, (provider, since)).fetchall())

    def reading(self) -> closing[sqlite3.Connection]:
        """A second connection that can only read, so that long questions hold nobody up."""
        return closing(sqlite3.connect(f"{self._path.as_uri()}?mode=ro", uri=True))

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")


def iso(time: float) -> str:
    """Unix seconds as `2026-08-07T12:00:00.000Z`."""
    moment = dt.datetime.fromtimestamp(time, dt.UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def _under(db: sqlite3.Connection, key: Key) -> Accepted | None:
    row = db.execute(UNDER_KEY, (key.text, key.alive_since)).fetchone()
    if row is None:
        return None
    if row[-1] != key.fingerprint:
        raise KeyReused(key.text)
    return Accepted(*row[:-1])
