"""Seals again what another key sealed, or the first version: the work of `writ keys rotate`.

In: every personal column and every sealed blob, found in METADATA.  Out: the same contents under
the first key of the keyring, bound to their rows.  Chunk by chunk, each its own transaction; what
was done before a crash is not done again.  It writes all tables: for the database's owner.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    LargeBinary,
    RowMapping,
    Table,
    Update,
    bindparam,
    func,
    literal,
    or_,
    select,
    tuple_,
    type_coerce,
    update,
)

from shared.database import Database
from shared.privacy import Keyring, Personal, Unreadable
from shared.tables.whole import METADATA

CHUNK = 500  # rows in one transaction
CHUNK_OF_BLOBS = 8  # each may hold megabytes


@dataclass(frozen=True, slots=True)
class Sealed:
    """A table with sealed columns."""

    table: Table
    columns: tuple[Column[Any], ...]

    @property
    def key(self) -> list[Column[Any]]:
        return list(self.table.primary_key)

    @property
    def chunk(self) -> int:
        only_texts = all(isinstance(column.type, Personal) for column in self.columns)
        return CHUNK if only_texts else CHUNK_OF_BLOBS

    @property
    def place_of(self) -> list[Column[Any]]:
        """What names a row where its values are sealed: its id, or else its whole key."""
        return [self.table.c.id] if "id" in self.table.c else self.key

    def place(self, row: RowMapping) -> str:
        return "/".join(str(row[column.name]) for column in self.place_of)


@dataclass(frozen=True, slots=True)
class Stock:
    """What is sealed with what.  `due` by key: of the first key, what is in the first version's
    form; under "", what none of our keys has sealed."""

    values: int
    due: Counter[str]


@dataclass(frozen=True, slots=True)
class Resealed:
    """What one chunk did.  What does not open stays as it is."""

    values: int
    unreadable: int


def sealed_tables() -> list[Sealed]:
    """Every table with personal columns, or with blobs: binary columns without a length."""
    found = [
        Sealed(table, tuple(column for column in table.columns if _is_sealed(column)))
        for table in METADATA.sorted_tables
    ]
    return [one for one in found if one.columns]


def take_stock(connection: Connection, keyring: Keyring) -> Stock:
    """Reads every table with sealed columns once."""
    values, due = 0, Counter[str]()
    for one in sealed_tables():
        for column in one.columns:
            row = connection.execute(_counts(_raw(column), keyring)).one()._mapping
            values += row["values"]
            of_column = Counter({name: row[f"of {name}"] for name, _ in keyring.keys})
            due += of_column + Counter({"": row["values"] - row["done"] - of_column.total()})
    return Stock(values, due)


def reseal(database: Database, one: Sealed) -> Iterator[Resealed]:
    """Goes through a table once, from its first row to its last.

    Rows that somebody is changing at that moment are passed over: no one waits for us.
    """
    after: tuple[Any, ...] = ()
    while True:
        with database.begin() as connection:
            rows = _next(connection, one, after, database.keyring)
            done = _reseal(connection, one, rows, database.keyring)
        if not rows:
            return
        yield done
        after = tuple(rows[-1][column.name] for column in one.key)


def _is_sealed(column: Column[Any]) -> bool:
    if isinstance(column.type, Personal):
        return True
    return isinstance(column.type, LargeBinary) and column.type.length is None


def _raw(column: Column[Any]) -> ColumnElement[bytes]:
    return type_coerce(column, LargeBinary())


def _begins(value: ColumnElement[bytes], start: bytes) -> ColumnElement[bool]:
    return func.substr(value, 1, len(start)) == literal(start, LargeBinary())


def _counts(value: ColumnElement[bytes], keyring: Keyring) -> Any:
    first = keyring.keys[0][0]
    counted = []
    for name, _ in keyring.keys:
        start = keyring.start(name)
        forms = [_begins(value, start[1:])] + ([] if name == first else [_begins(value, start)])
        counted.append(func.count().filter(or_(*forms)).label(f"of {name}"))
    done = func.count().filter(_begins(value, keyring.start(first)))
    return select(func.count(value).label("values"), done.label("done"), *counted)


def _next(
    connection: Connection, one: Sealed, after: tuple[Any, ...], keyring: Keyring
) -> Sequence[RowMapping]:
    start = keyring.start(keyring.keys[0][0])
    due = or_(*(~_begins(_raw(column), start) for column in one.columns))  # NULL is not due
    named = dict.fromkeys([*one.key, *one.place_of])
    wanted = select(*named, *(_raw(column).label(column.name) for column in one.columns)).where(due)
    if after:
        wanted = wanted.where(tuple_(*one.key) > tuple_(*after))
    wanted = wanted.order_by(*one.key).limit(one.chunk)
    return connection.execute(wanted.with_for_update(skip_locked=True)).mappings().all()


def _reseal(
    connection: Connection, one: Sealed, rows: Sequence[RowMapping], keyring: Keyring
) -> Resealed:
    start = keyring.start(keyring.keys[0][0])
    found = [(row, column) for row in rows for column in one.columns if row[column.name]]
    due = [(row, column) for row, column in found if not row[column.name].startswith(start)]
    changed = {one.place(row): _as_is(one, row) for row in rows}
    unreadable = 0
    for row, column in due:
        place = {"column": f"{one.table.name}.{column.name}", "row": one.place(row)}
        try:
            content = keyring.open_bytes(row[column.name], **place)
        except Unreadable:
            unreadable += 1
            continue
        changed[place["row"]][f"b_{column.name}"] = keyring.seal_bytes(content, **place)
    if rows:
        connection.execute(_update(one), list(changed.values()))
    return Resealed(len(due) - unreadable, unreadable)


def _as_is(one: Sealed, row: RowMapping) -> dict[str, Any]:
    return {f"b_{column.name}": row[column.name] for column in (*one.key, *one.columns)}


def _update(one: Sealed) -> Update:
    mine = (column == bindparam(f"b_{column.name}", type_=column.type) for column in one.key)
    return (
        update(one.table)
        .where(*mine)
        .values(
            {column: bindparam(f"b_{column.name}", type_=LargeBinary()) for column in one.columns}
        )
    )
