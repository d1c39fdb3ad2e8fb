"""Reads the current catalogue from the database, and again when a pack was loaded.

In: `catalogue_entries` and `pack_loads`, which intake writes.  Out: `Catalogue`, kept in memory:
asking for it costs nothing, and is at most a second behind the tables.
"""

import threading
import time
from collections.abc import Callable

from sqlalchemy import Connection, func, select

from shared.catalogue import ENTRY_TYPES, Catalogue
from shared.database import Database
from shared.tables.intake import catalogue_entries, pack_loads


class CatalogueReader:
    """The catalogue as it is now.  One for a process; safe on any thread."""

    def __init__(
        self,
        database: Database,
        *,
        look_every_s: float = 1.0,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._look_every_s = look_every_s
        self._timer = timer
        self._lock = threading.Lock()
        self._catalogue: Catalogue | None = None
        self._look_at = 0.0

    def current(self) -> Catalogue:
        catalogue = self._catalogue
        if catalogue is not None and self._timer() < self._look_at:
            return catalogue
        # One thread looks; the others go on with what is known, if anything is.
        if not self._lock.acquire(blocking=catalogue is None):
            assert catalogue is not None  # else we had waited
            return catalogue
        try:
            return self._look()
        finally:
            self._lock.release()

    def _look(self) -> Catalogue:
        if self._catalogue is None or self._timer() >= self._look_at:
            with self._database.read() as connection:
                version = connection.scalar(select(func.max(pack_loads.c.version))) or 0
                if self._catalogue is None or self._catalogue.version != version:
                    self._catalogue = read_catalogue(connection, version)
            self._look_at = self._timer() + self._look_every_s
        return self._catalogue


def read_catalogue(connection: Connection, version: int) -> Catalogue:
    """Every current entry, as a catalogue of that version."""
    rows = connection.execute(
        select(catalogue_entries.c.type, catalogue_entries.c.document).where(
            catalogue_entries.c.current
        )
    )
    return Catalogue(
        [ENTRY_TYPES[row.type].model_validate(row.document) for row in rows],
        version=version,
    )
