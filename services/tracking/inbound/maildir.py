"""Reads mail that a mail server put into a Maildir or an mbox file.

In: a path.  Out: messages, in batches; what was kept in a Maildir moves from new/ to cur/, marked
as seen, and only then.  An mbox is read and never written: what we have already is known by itself.
What cannot be read or kept stays where it is, and is tried again by the next process.
Sources: cr.yp.to/proto/maildir.html; RFC 4155 and "mboxrd" (`>From ` at the start of a line).
"""

import fcntl
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

import structlog

from services.tracking.inbound.keep import Arrived, Kept
from services.tracking.inbound.read import MAX_BYTES

BATCH = 50  # messages kept in one transaction
BATCH_BYTES = 2 * MAX_BYTES
_SEEN = ":2,S"
_QUOTED_FROM = re.compile(rb"^>(>*From )")
# One byte more than is read of a message, so that it is known to be too large.
_CUT = MAX_BYTES + 1

log = structlog.get_logger(__name__)


class NoMailbox(Exception):
    """The path is neither a Maildir nor an mbox file."""


@dataclass(frozen=True, slots=True)
class Batch:
    arrived: list[Arrived]
    _close: Callable[[Arrived, bool], None] = lambda _one, _is_kept: None

    def close(self, kept: Sequence[Kept | None]) -> None:
        """What became of each, in their order.  None is given again.  Call it after the commit."""
        for one, became in zip(self.arrived, kept, strict=True):
            self._close(one, became is not None)


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
        self._left: set[str] = set()  # not again: each look would fail at the same

    def waiting(self) -> int:
        return len(self._names())

    def batches(self) -> Iterator[Batch]:
        files = ((name, self._read(name)) for name in self._names())
        there = ((name, content) for name, content in files if content is not None)
        for some in _in_batches(there):
            yield Batch(_arrived("maildir", some), self._close)

    def _close(self, one: Arrived, is_kept: bool) -> None:
        if is_kept:
            (self._new / one.name).replace(self._cur / f"{one.name}{_SEEN}")
        else:
            self._left.add(one.name)

    def _names(self) -> list[str]:
        """In the order in which they came: a name begins with its time."""
        there = {
            entry.name
            for entry in os.scandir(self._new)
            if entry.is_file(follow_symlinks=False) and not entry.name.startswith(".")
        }
        self._left &= there
        return sorted(there - self._left)

    def _read(self, name: str) -> bytes | None:
        try:
            with (self._new / name).open("rb") as file:
                return file.read(_CUT)
        except FileNotFoundError:  # somebody's mail program was quicker
            return None
        except PermissionError:  # of this file alone
            log.error("mail_not_read", source="maildir", name=name)
            self._left.add(name)
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
            for some in _in_batches(_messages(file)):
                yield Batch(_arrived("mbox", some))
            self._at = file.tell()

    def _find_place(self, file: IO[bytes]) -> None:
        status = os.fstat(file.fileno())
        if status.st_ino != self._inode or status.st_size < self._at:
            self._at, self._inode = 0, status.st_ino
        file.seek(self._at)


def _messages(file: IO[bytes]) -> Iterator[tuple[str, bytes]]:
    """Each, with the byte of the file that it begins at."""
    lines: list[bytes] = []
    size, begun, blank = 0, "", True
    for line in iter(lambda: file.readline(_CUT), b""):
        if blank and line.startswith(b"From "):
            if begun:
                yield begun, b"".join(lines)
            lines, size, begun = [], 0, str(file.tell() - len(line))
        elif begun and size < _CUT:
            unquoted = _QUOTED_FROM.sub(rb"\1", line)
            lines.append(unquoted)
            size += len(unquoted)
        blank = line in (b"\n", b"\r\n")
    if begun:
        yield begun, b"".join(lines)


def _arrived(source: str, some: list[tuple[str, bytes]]) -> list[Arrived]:
    return [Arrived(source=source, content=content, name=name) for name, content in some]


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
