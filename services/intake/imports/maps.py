"""Column maps that a client has saved, by name: the next file from the same event needs none.

Owns the table `import_maps`.  In and out: `SavedMap`.  Raises Problem.
"""

import datetime as dt
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, RowMapping, delete, func, insert, select

from services.intake.imports.mapping import ActionField, ColumnMap
from shared.clock import Clock
from shared.database import Database
from shared.http.problems import NOT_FOUND, Problem, ProblemKind
from shared.tables.writing_events import import_maps

MOST_MAPS = 100  # of one client

TOO_MANY_MAPS = ProblemKind(409, "too_many_maps", "Too many maps are saved")


@dataclass(frozen=True, slots=True)
class SavedMap:
    name: str
    map: ColumnMap
    saved_at: dt.datetime


@dataclass(frozen=True, slots=True)
class Maps:
    database: Database
    clock: Clock

    def all(self, client_id: UUID) -> list[SavedMap]:
        """By name."""
        wanted = select(import_maps).where(import_maps.c.client_id == client_id)
        with self.database.read() as connection:
            rows = connection.execute(wanted.order_by(import_maps.c.name)).mappings()
            return [_saved(row) for row in rows]

    def get(self, client_id: UUID, name: str) -> SavedMap:
        """Problem 404."""
        with self.database.read() as connection:
            row = connection.execute(select(import_maps).where(_named(client_id, name)))
            found = row.mappings().one_or_none()
        if found is None:
            raise Problem(NOT_FOUND, "You have saved no map of this name")
        return _saved(found)

    def put(self, client_id: UUID, name: str, said: ColumnMap) -> SavedMap:
        """In place of one of the same name."""
        at = self.clock()
        row = {
            "client_id": client_id,
            "name": name,
            "mapping": dict(said.columns),
            "defaults": dict(said.defaults),
            "saved_at": at,
        }
        with self.database.begin() as connection:
            connection.execute(delete(import_maps).where(_named(client_id, name)))
            _has_room(connection, client_id)
            connection.execute(insert(import_maps), row)
        return SavedMap(name, said, at)

    def remove(self, client_id: UUID, name: str) -> None:
        """Problem 404."""
        with self.database.begin() as connection:
            if not connection.execute(delete(import_maps).where(_named(client_id, name))).rowcount:
                raise Problem(NOT_FOUND, "You have saved no map of this name")


def _named(client_id: UUID, name: str) -> ColumnElement[bool]:
    return (import_maps.c.client_id == client_id) & (import_maps.c.name == name)


def _has_room(connection: Connection, client_id: UUID) -> None:
    mine = select(func.count()).where(import_maps.c.client_id == client_id)
    if (connection.scalar(mine) or 0) >= MOST_MAPS:
        raise Problem(TOO_MANY_MAPS, f"At most {MOST_MAPS} maps can be saved")


def _saved(row: RowMapping) -> SavedMap:
    columns = {name: one and ActionField(one) for name, one in row["mapping"].items()}
    defaults = {ActionField(name): text for name, text in row["defaults"].items()}
    return SavedMap(row["name"], ColumnMap(columns, defaults), row["saved_at"])
