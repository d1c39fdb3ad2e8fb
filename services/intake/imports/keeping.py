"""An import as it is stored: what is known of it, and its file in sealed parts.

Owns the tables `imports` and `import_parts`.  The file holds people's data: it is sealed part by
part, each bound to its place, and gone in the transaction in which the import ends.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self
from uuid import UUID

from sqlalchemy import Connection, Row, Select, delete, insert, select, update

from services.intake import leave_out
from services.intake.imports.mapping import ActionField, ColumnMap
from services.intake.imports.reading import Layout
from shared.database import Database
from shared.tables.writing_events import import_parts, imports

PART = 1024 * 1024  # bytes


class ImportState(StrEnum):
    RECEIVING = "receiving"  # the file comes in
    CHECKING = "checking"  # every row is looked at, and nothing stored of it
    READY = "ready"  # waits for a person to start it
    RUNNING = "running"  # rows are taken
    DONE = "done"
    FAILED = "failed"  # `fault` says why
    CANCELLED = "cancelled"


#: The file is still there.
OPEN = (ImportState.RECEIVING, ImportState.CHECKING, ImportState.READY, ImportState.RUNNING)


class RowsWanted(StrEnum):
    ALL = "all"  # and nothing at all where one is bad
    GOOD = "good"  # the bad ones are left out


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """One file, as far as it is."""

    id: UUID
    client_id: UUID
    file_name: str | None = field(repr=False)
    size: int  # bytes
    said: ColumnMap  # by its sender; once it was checked, with what was recognised
    layout: Layout
    state: ImportState
    rows_wanted: RowsWanted | None
    rows: int | None  # None: not counted yet
    bad: int
    done: int  # rows that are behind us, in the state it is in
    accepted: int
    duplicates: int
    fault: str | None
    created_at: dt.datetime
    checked_at: dt.datetime | None
    started_at: dt.datetime | None
    ended_at: dt.datetime | None

    @property
    def taken(self) -> int:
        """Rows that became actions."""
        return self.accepted + self.duplicates

    @classmethod
    def of(cls, row: Row[Any]) -> Self:
        found = {name: getattr(row, name) for name in _PLAIN}
        how, name = row.mapping, row.file_name
        return cls(
            **found,
            file_name=None if name is None else name.open(row.id),
            said=ColumnMap(
                {name: one and ActionField(one) for name, one in how["columns"].items()},
                {ActionField(name): text for name, text in row.defaults.items()},
            ),
            layout=Layout(form=row.form, **{name: how.get(name, "") for name in _READ_BY}),
            state=ImportState(row.state),
            rows_wanted=row.rows_wanted and RowsWanted(row.rows_wanted),
        )


_PLAIN = (
    *("id", "client_id", "size", "rows", "bad", "done", "accepted", "duplicates", "fault"),
    *("created_at", "checked_at", "started_at", "ended_at"),
)
_READ_BY = ("encoding", "separator", "sheet")


def mapping_of(columns: Mapping[str, ActionField | None], layout: Layout) -> dict[str, Any]:
    """What the column `mapping` holds: how the file is to be read."""
    return {"columns": dict(columns), **{name: getattr(layout, name) for name in _READ_BY}}


def find(connection: Connection, wanted: Select[Any]) -> Iterator[Import]:
    """The imports that a `select(imports)` finds."""
    return (Import.of(row) for row in connection.execute(wanted))


def move(connection: Connection, before: Import, **values: Any) -> bool:
    """Changes an import that is still in the state and at the row where it was seen."""
    same = (
        (imports.c.id == before.id)
        & (imports.c.state == before.state)
        & (imports.c.done == before.done)
    )
    return connection.execute(update(imports).where(same).values(**values)).rowcount == 1


def end(connection: Connection, before: Import, state: ImportState, **values: Any) -> bool:
    """Moves an import to a state that is its last, and forgets its file and what it was called."""
    moved = move(connection, before, state=state, file_name=None, **values)
    if moved:
        forget(connection, before.id)
    return moved


def keep_part(database: Database, import_id: UUID, number: int, content: bytes) -> None:
    place = f"{import_id}/{number}"
    sealed = database.keyring.seal_bytes(content, column="import_parts.content", row=place)
    with database.begin() as connection:
        row = {"import_id": import_id, "number": number, "content": sealed}
        connection.execute(insert(import_parts), row)


def pieces(database: Database, import_id: UUID) -> Callable[[], Iterator[bytes]]:
    """Gives the file part by part, each time from its beginning; ends early where it is gone."""

    def read() -> Iterator[bytes]:
        number = 0
        while sealed := _part(database, import_id, number):
            place = f"{import_id}/{number}"
            yield database.keyring.open_bytes(sealed, column="import_parts.content", row=place)
            number += 1

    return read


def forget(connection: Connection, import_id: UUID) -> None:
    """Removes the file, and whom it was to leave out."""
    leave_out.forget(connection, import_id)
    connection.execute(delete(import_parts).where(import_parts.c.import_id == import_id))


def _part(database: Database, import_id: UUID, number: int) -> bytes | None:
    # One at a time, and no transaction stays open while the rows in it are worked on.
    wanted = select(import_parts.c.content).where(
        import_parts.c.import_id == import_id, import_parts.c.number == number
    )
    with database.read() as connection:
        found: bytes | None = connection.scalar(wanted)
    return found
