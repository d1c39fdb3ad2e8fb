"""A queue as Amazon SQS keeps one: each message is given until it is deleted, and hidden meanwhile.

Owns `queue.sqlite` in the data directory.  What `put` returned from survives `kill -9`.  A message
that was received too often goes to the dead letters.  Source: SQS developer guide, "Visibility
timeout" and "Dead-letter queues".
"""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

NAME = "writ-receipts"
DEAD = "writ-receipts-dead"
MOST_RECEIVED = 5
LOOK_S = 0.1  # how often a poll looks for what has become visible again

SCHEMA = """
CREATE TABLE IF NOT EXISTS messages (
    seq INTEGER PRIMARY KEY,
    queue TEXT NOT NULL,
    id TEXT NOT NULL,
    body TEXT NOT NULL,
    sent_at REAL NOT NULL,
    visible_at REAL NOT NULL,
    received INTEGER NOT NULL DEFAULT 0,
    handle TEXT
);
CREATE INDEX IF NOT EXISTS messages_visible ON messages (queue, visible_at);
CREATE INDEX IF NOT EXISTS messages_handle ON messages (handle) WHERE handle IS NOT NULL;
"""
PUT = "INSERT INTO messages (queue, id, body, sent_at, visible_at) VALUES (?, ?, ?, ?, ?)"
BURY = """
UPDATE messages SET queue = ?, received = 0, handle = NULL
WHERE queue = ? AND visible_at <= ? AND received >= ?
"""
VISIBLE = """
SELECT seq, id, body, sent_at, received + 1 FROM messages
WHERE queue = ? AND visible_at <= ? ORDER BY seq LIMIT ?
"""
HIDE = "UPDATE messages SET visible_at = ?, received = received + 1, handle = ? WHERE seq = ?"
NUMBERS = """
SELECT count(*) FILTER (WHERE visible_at <= ?), count(*) FILTER (WHERE visible_at > ?)
FROM messages WHERE queue = ?
"""


@dataclass(frozen=True, slots=True)
class Received:
    """A message in somebody's hands; times are Unix seconds."""

    id: str
    handle: str  # of this time only: the next who receives it gets another
    body: str
    sent_at: float
    times: int  # how often it was received, this time included


class Queues:
    """The queue of receipts and its dead letters.  One connection behind one lock."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._arrived = threading.Condition()
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(SCHEMA)

    def close(self) -> None:
        with self._arrived:
            self._db.close()

    def put(self, *bodies: str) -> list[str]:
        """Commits messages; their ids."""
        now = time.time()
        rows = [(NAME, str(uuid4()), body, now, now) for body in bodies]
        with self._writing() as db:
            db.executemany(PUT, rows)
            self._arrived.notify_all()
        return [id_ for _, id_, *_ in rows]

    def receive(self, name: str, *, most: int, hidden_s: float) -> list[Received]:
        """What is visible, hidden from now on for `hidden_s`."""
        now = time.time()
        with self._writing() as db:
            db.execute(BURY, (DEAD, NAME, now, MOST_RECEIVED))
            rows = db.execute(VISIBLE, (name, now, most)).fetchall()
            given = [(row[0], Received(row[1], str(uuid4()), *row[2:])) for row in rows]
            db.executemany(HIDE, [(now + hidden_s, one.handle, seq) for seq, one in given])
        return [one for _, one in given]

    def wait(self, seconds: float) -> None:
        """Until something arrives, or something hidden may be visible again."""
        with self._arrived:
            self._arrived.wait(min(seconds, LOOK_S))

    def delete(self, name: str, *handles: str) -> None:
        """A handle that is no longer the message's deletes nothing, and says nothing: as in SQS."""
        with self._writing() as db:
            db.executemany(
                "DELETE FROM messages WHERE queue = ? AND handle = ?",
                [(name, handle) for handle in handles],
            )

    def numbers(self, name: str) -> tuple[int, int]:
        """How many messages are visible, and how many are in somebody's hands."""
        now = time.time()
        with self._arrived:
            visible, hidden = self._db.execute(NUMBERS, (now, now, name)).fetchone()
        return visible, hidden

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._arrived:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")
