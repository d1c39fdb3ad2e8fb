"""Keeps what was rendered: one file an attempt, written before the call.

`documents/<campaign>/<case>/<channel>/<day>/<delivery>-<attempt>.<ending>` below WRIT_DATA_DIR.
Tracking shows them; the path within `documents/` is stored with the attempt.
"""

import os
from pathlib import Path

import structlog

log = structlog.get_logger()


class Documents:
    def __init__(self, data_dir: Path) -> None:
        self._root = data_dir / "documents"

    def keep(self, path: str, content: bytes) -> None:
        """Writes whole or not at all: a reader never sees half a letter."""
        target = self._root / path
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        half = target.with_name(f".{target.name}.{os.getpid()}")
        half.write_bytes(content)
        half.replace(target)

    def forget(self, path: str) -> None:
        try:
            (self._root / path).unlink()
        except FileNotFoundError:  # forgotten before a crash, or this process sees another folder
            log.warning("document_missing", document=path)
