"""Files that are there whole or not at all, also after a power cut, on a disk that many share.

In: a folder, which gets a corner for what is not done yet.  Out: files, locks.  Raises OSError.
"""

import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

LEFT_AFTER_S = 24 * 3600  # what is older in the corner was left by a crash


class Disk:
    """One folder.  Safe on any thread, and beside any number of other processes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._corner = folder / ".corner"

    def stage(self, content: bytes) -> Path:
        """A file in the corner, durable already, to be moved where it belongs."""
        path = self.corner() / secrets.token_hex(12)
        with path.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        return path

    def write(self, path: Path, content: bytes) -> None:
        self.stage(content).replace(path)
        sync(path.parent)

    def corner(self) -> Path:
        self._corner.mkdir(parents=True, exist_ok=True, mode=0o700)
        return self._corner

    def throw_away(self, folder: Path) -> None:
        """At once for everybody, however long deleting takes."""
        gone = self.corner() / secrets.token_hex(12)
        folder.rename(gone)
        sync(self.folder)
        shutil.rmtree(gone)

    def sweep(self, now_s: float) -> None:
        """Deletes what crashes left in the corner."""
        for left in self.corner().iterdir():
            with suppress(FileNotFoundError):  # somebody moved it where it belongs meanwhile
                if now_s - left.lstat().st_mtime > LEFT_AFTER_S:
                    if left.is_dir():
                        shutil.rmtree(left)
                    else:
                        left.unlink()

    @contextmanager
    def locked(self, name: str, *, wait: bool = True) -> Iterator[Path | None]:
        """Alone on this name, and its file; None where somebody else is, and `wait` is not asked.

        A lock ends with its process, however that ends.
        """
        path = self.corner().parent / name
        with path.open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError:
                yield None
            else:
                yield path


def sync(folder: Path) -> None:
    """Makes durable which names stand in it."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
