"""What a person does with a file: hands it in, looks how far it is, starts it, cancels it.

In: a client, and the file's bytes as they come.  Out: `Import`.  Raises Problem; of a file that did
not come whole nothing stays.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import Connection, delete, func, insert, or_, select, update

from services.intake.imports.keeping import (
    OPEN,
    PART,
    Import,
    ImportState,
    RowsWanted,
    end,
    find,
    forget,
    keep_part,
    mapping_of,
    move,
)
from services.intake.imports.mapping import ColumnMap
from services.intake.imports.reading import Layout, form_of
from shared.api_keys import Client
from shared.clock import Clock, new_id
from shared.database import Database
from shared.http.problems import NOT_FOUND, Problem, ProblemKind
from shared.privacy import Private
from shared.tables.intake import api_clients
from shared.tables.writing_events import imports

MOST_OPEN = 20  # imports of one client that are not over

ALREADY_THERE = ProblemKind(409, "file_already_there", "The same file was handed in before")
TOO_MANY_OPEN = ProblemKind(409, "too_many_imports", "Too many imports are not over yet")
NOT_NOW = ProblemKind(409, "import_not_ready", "The import is not where this can be done")
ROWS_ARE_BAD = ProblemKind(409, "rows_are_bad", "The file has bad rows")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What goes with a file."""

    file_name: str | None = field(default=None, repr=False)
    said: ColumnMap = ColumnMap()
    encoding: str = ""  # a codec's name; empty: to be told from the file
    again: bool = False  # also where the same file was handed in before


@dataclass(frozen=True, slots=True)
class Imports:
    database: Database
    clock: Clock

    def receive(self, client: Client, content: Iterable[bytes], sent: Callable[[], Sent]) -> Import:
        """Keeps a file to be checked.  `sent` is asked when all of it has come."""
        self._has_room(client)
        import_id = new_id()
        try:
            self._open(import_id, client)
            file = _File()
            for number, part in enumerate(file.parts(content)):
                keep_part(self.database, import_id, number, part)
            with self.database.begin() as connection:
                self._close(connection, import_id, client, file=file, sent=sent())
        except BaseException:  # whatever it was, half a file is none
            with self.database.begin() as connection:
                connection.execute(delete(imports).where(imports.c.id == import_id))
                forget(connection, import_id)  # second: nobody adds to it any more
            raise
        return self.mine(client.id, import_id)

    def mine(self, client_id: UUID, import_id: UUID) -> Import:
        """The client's import.  Problem 404."""
        wanted = select(imports).where(
            imports.c.id == import_id,
            imports.c.client_id == client_id,
            imports.c.state != ImportState.RECEIVING,
        )
        with self.database.read() as connection:
            found = next(find(connection, wanted), None)
        if found is None:
            raise Problem(NOT_FOUND, "There is no import of yours with this id")
        return found

    def start(self, client_id: UUID, import_id: UUID, rows: RowsWanted) -> Import:
        """Lets its rows be taken."""
        one = self.mine(client_id, import_id)
        if one.state is not ImportState.READY:
            raise Problem(NOT_NOW, f"It is {one.state}; what is `ready` can be started")
        if one.bad and (rows is RowsWanted.ALL or one.bad == one.rows):
            said = f"{one.bad} of {one.rows} rows are bad: mend the file, or take the good ones"
            raise Problem(ROWS_ARE_BAD, said)
        with self.database.begin() as connection:
            at = self.clock()
            moved = move(
                connection, one, state=ImportState.RUNNING, rows_wanted=rows, started_at=at
            )
        return self._after(one, moved)

    def cancel(self, client_id: UUID, import_id: UUID) -> Import:
        """Ends an import and forgets its file; rows that were taken stay taken."""
        one = self.mine(client_id, import_id)
        if one.state not in OPEN:
            raise Problem(NOT_NOW, f"It is {one.state} already")
        with self.database.begin() as connection:
            wanted = select(imports).where(imports.c.id == one.id).with_for_update()
            now = next(find(connection, wanted), one)  # its rows go on while we look
            moved = now.state in OPEN and end(
                connection, now, ImportState.CANCELLED, ended_at=self.clock()
            )
        return self._after(one, moved)

    def _after(self, one: Import, moved: bool) -> Import:
        if not moved:
            raise Problem(NOT_NOW, "Something else was done with it at this moment")
        return self.mine(one.client_id, one.id)

    def _has_room(self, client: Client) -> None:
        wanted = select(func.count()).where(
            imports.c.client_id == client.id, imports.c.state.in_(OPEN)
        )
        with self.database.read() as connection:
            number = connection.scalar(wanted) or 0
        if number >= MOST_OPEN:
            raise Problem(TOO_MANY_OPEN, f"{number} imports wait: start or cancel them first")

    def _open(self, import_id: UUID, client: Client) -> None:
        row = {
            "id": import_id,
            "client_id": client.id,
            "mode": client.mode,
            "sha256": b"",
            "size": 0,
            "form": "",
            "mapping": mapping_of({}, Layout(form="")),
            "defaults": {},
            "state": ImportState.RECEIVING,
            "created_at": self.clock(),
        } | dict.fromkeys(("bad", "done", "accepted", "duplicates"), 0)
        with self.database.begin() as connection:
            connection.execute(insert(imports), row)

    def _close(
        self, connection: Connection, import_id: UUID, client: Client, *, file: "_File", sent: Sent
    ) -> None:
        digest = file.digest.digest()
        # One of a client's files at a time: of the same one sent twice at once, one is second.
        of_client = select(api_clients.c.id).where(api_clients.c.id == client.id)
        connection.execute(of_client.with_for_update())
        if not sent.again and (earlier := _earlier(connection, client.id, digest)):
            said = f"It is the import {earlier}; send `again` to hand it in once more"
            raise Problem(ALREADY_THERE, said, headers={"Location": f"/v1/imports/{earlier}"})
        name = sent.file_name
        layout = Layout(form=form_of(file.start), encoding=sent.encoding)
        values = {
            "file_name": None if name is None else Private(import_id, name),
            "sha256": digest,
            "size": file.size,
            "form": layout.form,
            "mapping": mapping_of(sent.said.columns, layout),
            "defaults": dict(sent.said.defaults),
            "state": ImportState.CHECKING,
        }
        connection.execute(update(imports).where(imports.c.id == import_id).values(**values))


class _File:
    """What is learnt of a file while it passes by."""

    def __init__(self) -> None:
        self.digest = hashlib.sha256()
        self.size = 0
        self.start = b""

    def parts(self, content: Iterable[bytes]) -> Iterator[bytes]:
        """The same content in parts of equal size."""
        left = bytearray()
        for piece in content:
            self.start = self.start or piece[:8]
            self.digest.update(piece)
            self.size += len(piece)
            left += piece
            while len(left) >= PART:
                yield bytes(left[:PART])
                del left[:PART]
        if left:
            yield bytes(left)


def _earlier(connection: Connection, client_id: UUID, digest: bytes) -> UUID | None:
    """The client's import of the same file that was not in vain."""
    counts = or_(imports.c.state.in_((*OPEN, ImportState.DONE)), imports.c.accepted > 0)
    found: UUID | None = connection.scalar(
        select(imports.c.id)
        .where(imports.c.sha256 == digest, imports.c.client_id == client_id, counts)
        .order_by(imports.c.created_at.desc())
        .limit(1)
    )
    return found
