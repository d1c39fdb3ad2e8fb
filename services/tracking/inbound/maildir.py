"""Reads mail that a mail server put into a Maildir or an mbox file.

In: a path.  Out: messages, in batches; what was kept in a Maildir moves from new/ to cur/, marked
as seen, and only then.  An mbox is read and never written: what we have already is known by itself.
Sources: cr.yp.to/proto/maildir.html; RFC 4155 and "mboxrd" (`>From ` at the start of a line).
"""

import fcntl
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Protocol

from services.tracking.inbound.keep import Arrived
from services.tracking.inbound.read import MAX_BYTES

BATCH = 50  # messages kept in one transaction
BATCH_BYTES = 2 * MAX_BYTES
_SEEN = ":2,S"
_QUOTED_FROM = re.compile(rb"^>(>*From )")
# One byte more than is read of a message, so that it is known to be too large.
_CUT = MAX_BYTES + 1


class NoMailbox(Exception):
    """The path is neither a Maildir nor an mbox file."""


@dataclass(frozen=True, slots=True)
class Batch:
    arrived: list[Arrived]
    _done: list[tuple[Path, Path]] = field(default_factory=list)

    def close(self) -> None:
        """What was kept will not be given again.  Call it after the commit."""
        for new, seen in self._done:
            new.replace(seen)


class Mailbox(Protocol):
    def waiting(self) -> int:
        """Messages that were not given yet, as far as can be told."""

    def batches(self) -> Iterator[Batch]:
        """What is there now and was not given yet.  Raises OSError."""


def open_mailbox(path: Path) -> "Mailbox":
    """Raises NoMailbox."""
    if (path / "new").is_dir() and (path / "cur").is_dir():
        return Maildir(path)
    if path.is_file():
        return Mbox(path)
    raise NoMailbox(f"{path} is neither a Maildir (with new/ and cur/) nor an mbox file")


class Maildir:
    def __init__(self, path: Path) -> None:
        self._new, self._cur = path / "new", path / "cur"

    def waiting(self) -> int:
        return len(self._names())

    def batches(self) -> Iterator[Batch]:
        files = ((name, self._read(name)) for name in self._names())
        there = ((name, content) for name, content in files if content is not None)
        for some in _in_batches(there):
            moves = [(self._new / name, self._cur / f"{name}{_SEEN}") for name, _ in some]
            yield Batch([Arrived(source="maildir", content=content) for _, content in some], moves)

    def _names(self) -> list[str]:
        """In the order in which they came: a name begins with its time."""
        return sorted(
            entry.name
            for entry in os.scandir(self._new)
            if entry.is_file(follow_symlinks=False) and not entry.name.startswith(".")
        )

    def _read(self, name: str) -> bytes | None:
        try:
            with (self._new / name).open("rb") as file:
                return file.read(_CUT)
        except FileNotFoundError:  # somebody's mail program was quicker
            return None


class Mbox:
    """Remembers how far it was read; a file that became shorter is read from its beginning."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._at = 0
        self._inode = 0

    def waiting(self) -> int:
        with self._path.open("rb") as file:
            self._find_place(file)
            return sum(1 for _ in _messages(file))

    def batches(self) -> Iterator[Batch]:
        with self._path.open("rb") as file:
            # Who delivers locks the file for writing: what we read is whole.
            fcntl.lockf(file, fcntl.LOCK_SH)
            self._find_place(file)
            for some in _in_batches(("", content) for content in _messages(file)):
                yield Batch([Arrived(source="mbox", content=content) for _, content in some])
            self._at = file.tell()

    def _find_place(self, file: IO[bytes]) -> None:
        status = os.fstat(file.fileno())
        if status.st_ino != self._inode or status.st_size < self._at:
            self._at, self._inode = 0, status.st_ino
        file.seek(self._at)


def _messages(file: IO[bytes]) -> Iterator[bytes]:
    lines: list[bytes] = []
    size, begun, blank = 0, False, True
    for line in iter(lambda: file.readline(_CUT), b""):
        if blank and line.startswith(b"From "):
            if begun:
                yield b"".join(lines)
            lines, size, begun = [], 0, True
        elif begun and size < _CUT:
            unquoted = _QUOTED_FROM.sub(rb"\1", line)
            lines.append(unquoted)
            size += len(unquoted)
        blank = line in (b"\n", b"\r\n")
    if begun:
        yield b"".join(lines)


def _in_batches(files: Iterable[tuple[str, bytes]]) -> Iterator[list[tuple[str, bytes]]]:
    some: list[tuple[str, bytes]] = []
    size = 0
    for name, content in files:
        some.append((name, content))
        size += len(content)
        if len(some) == BATCH or size >= BATCH_BYTES:
            yield some
            some, size = [], 0
    if some:
        yield some
