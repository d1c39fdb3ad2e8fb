"""What checking and taking have in common: whose file it is, and its rows in chunks, understood.

In: an open import.  Out: for each row an action, or its faults, from the first row that is not
behind us yet.  Raises FileFault.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from uuid import UUID

from sqlalchemy import Connection, func, insert, select

from services.intake.accept import Action
from services.intake.imports.keeping import Import, RowsWanted, pieces
from services.intake.imports.mapping import fit
from services.intake.imports.reading import Row, opened
from services.intake.imports.understanding import Understanding
from services.intake.imports.unreadable import FileFault, RowFault
from services.intake.take import Taker
from shared.api_keys import Client, Mode
from shared.catalogue import Catalogue
from shared.database import Database
from shared.http.limits import Limits
from shared.tables.intake import api_clients
from shared.tables.writing_events import import_faults

CHUNK = 500  # rows
MOST_FAULTS = 1_000  # told of one import; all are counted

Chunk = Sequence[Action | list[RowFault]]


@dataclass(frozen=True, slots=True)
class Desk:
    database: Database
    taker: Taker
    limits: Limits
    timer: Callable[[], float] = time.monotonic
    on_chunk: Callable[[Import], object] = lambda _: None  # told how far an import is

    def client(self, one: Import) -> Client:
        """Whose import it is; it ends with them."""
        client = find_client(self.database, one.client_id)
        if client is None:
            raise FileFault("client_ended")
        return client

    @contextmanager
    def understanding(
        self, one: Import, client: Client, catalogue: Catalogue
    ) -> Iterator[tuple[Understanding, Iterator[Row]]]:
        """What reads the file's rows, and all of them, while the block runs."""
        with opened(pieces(self.database, one.id), one.layout) as (header, rows):
            yield (
                Understanding(
                    import_id=one.id,
                    fitted=fit(one.said, header),
                    encoding=one.layout.encoding,
                    client=client,
                    catalogue=catalogue,
                    identity_key=self.taker.identity_key,
                    open_at=one.started_at if one.rows_wanted is RowsWanted.ALL else None,
                ),
                rows,
            )

    @contextmanager
    def chunks(
        self, one: Import, client: Client, catalogue: Catalogue, *, size: int = CHUNK
    ) -> Iterator[Iterator[Chunk]]:
        """The rows that are not behind us, understood, while the block runs."""
        with self.understanding(one, client, catalogue) as (understanding, rows):
            left = islice(rows, one.done, None)

            def understood() -> Iterator[Chunk]:
                while chunk := list(islice(left, size)):
                    at = self.taker.clock()
                    yield [understanding.action(row, at) for row in chunk]

            yield understood()


def find_client(database: Database, client_id: UUID) -> Client | None:
    """A client in force."""
    wanted = select(api_clients).where(
        api_clients.c.id == client_id, api_clients.c.revoked_at.is_(None)
    )
    with database.read() as connection:
        row = connection.execute(wanted).one_or_none()
    if row is None:
        return None
    return Client(
        id=row.id,
        mode=Mode(row.mode),
        scopes=frozenset(row.scopes),
        campaigns=None if row.campaigns is None else frozenset(row.campaigns),
        daily_actions=row.daily_actions,
    )


def faults_in(chunk: Chunk) -> list[list[RowFault]]:
    """Those of each bad row."""
    return [one for one in chunk if isinstance(one, list)]


def tell(connection: Connection, one: Import, faults: Sequence[RowFault]) -> None:
    """Keeps faults to be looked at, until there are too many to look at."""
    same = import_faults.c.import_id == one.id
    told = connection.scalar(select(func.count()).where(same)) or 0
    rows = [
        {
            "import_id": one.id,
            "number": number,
            "row": fault.row,
            "column": fault.column,
            "code": fault.code,
            "detail": fault.detail,
        }
        for number, fault in enumerate(faults[: MOST_FAULTS - told], start=told + 1)
    ]
    if rows:
        connection.execute(insert(import_faults), rows)
