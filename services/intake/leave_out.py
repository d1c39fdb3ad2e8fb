"""Keeps who was erased out of the files that are open: their rows would bring them back.

Owns `import_erasures`.  In: whom an erasure concerns.  Out: the handles whose rows an import leaves
out.  A handle is a keyed hash (identity.py), kept until the import ends, and no longer.
"""

from collections.abc import Callable, Collection, Mapping
from uuid import UUID

from sqlalchemy import Connection, Select, delete, func, select, update

from shared.database import insert_new
from shared.tables.writing_events import import_erasures, imports

Handles = Callable[[UUID], Collection[str]]  # by which the client of this id knows them


def open_files(connection: Connection, client_id: UUID | None = None) -> int:
    """How many files of this client, or of all, were handed in and are not over."""
    found = _open(client_id).subquery()
    return connection.scalar(select(func.count()).select_from(found)) or 0


def leave_out(connection: Connection, known_as: Handles, *, client_id: UUID | None = None) -> int:
    """From how many files of this client, or of all, they are left out from now on.

    It belongs before the actions are erased, in the same transaction: a chunk that is being taken
    ends first, and its actions are found; the next one knows whom to leave out.
    """
    found = connection.execute(_open(client_id).order_by(imports.c.id).with_for_update()).all()
    asked = client_id is not None
    rows = [
        {"import_id": one.id, "supporter_ref": ref, "client_asked": asked}
        for one in found
        for ref in known_as(one.client_id)
    ]
    new = insert_new(connection, import_erasures, rows) if rows else 0
    if asked and new < len(rows):
        # An operator was here before, of which the client must not learn by what its rows say.
        of_these = import_erasures.c.import_id.in_([row["import_id"] for row in rows])
        them = import_erasures.c.supporter_ref.in_({row["supporter_ref"] for row in rows})
        connection.execute(update(import_erasures).where(of_these, them).values(client_asked=True))
    return new


def left_out(connection: Connection, import_id: UUID) -> Mapping[str, bool]:
    """Handles of those whose rows are left out, and whether the import's own client asked."""
    row = import_erasures.c
    wanted = select(row.supporter_ref, row.client_asked).where(row.import_id == import_id)
    return {ref: asked for ref, asked in connection.execute(wanted)}


def forget(connection: Connection, import_id: UUID) -> None:
    """The import is over, and none of its rows comes any more."""
    connection.execute(delete(import_erasures).where(import_erasures.c.import_id == import_id))


def _open(client_id: UUID | None) -> Select[tuple[UUID, UUID]]:
    wanted = select(imports.c.id, imports.c.client_id).where(imports.c.ended_at.is_(None))
    return wanted if client_id is None else wanted.where(imports.c.client_id == client_id)
