"""Writes many actions in one statement, and leaves out those that have a first already.

PostgreSQL gets them as one JSON parameter: a thousand rows as 27,000 parameters cost it and its
driver more than everything else that happens to them.  In: rows of `actions`.  Out: the ids stored.
"""

import datetime as dt
import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, TextualSelect, insert, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect

from shared.privacy import Personal
from shared.tables.intake import FIRSTS, actions

_POSTGRESQL = postgresql.dialect()  # type: ignore[no-untyped-call]

Rows = Sequence[Mapping[str, Any]]


def insert_firsts(connection: Connection, rows: Rows) -> set[UUID]:
    """Stores those whose key nobody has; the ids of them."""
    if not rows:
        return set()
    # In one order in every transaction: two batches with the same people never wait in a circle.
    rows = sorted(rows, key=lambda row: row["duplicate_key"] or b"")
    if connection.dialect.name == "postgresql":
        given = {"rows": _as_json(connection.dialect, rows)}
        return set(connection.scalars(_statement(tuple(rows[0])), given))
    statement = (
        sqlite.insert(actions)
        .on_conflict_do_nothing(index_elements=["duplicate_key"], index_where=text(FIRSTS))
        .returning(actions.c.id)
    )
    return set(connection.scalars(statement, list(rows)))


def insert_all(connection: Connection, rows: Rows) -> None:
    """Stores them, whoever is first."""
    if rows:
        connection.execute(insert(actions), list(rows))


@cache
def _statement(names: tuple[str, ...]) -> TextualSelect:
    columns = ", ".join(f'"{name}"' for name in names)
    types = ", ".join(f'"{name}" {_sql_type(name)}' for name in names)
    return text(
        f"INSERT INTO actions ({columns})"  # noqa: S608  (our own columns' names)
        f" SELECT {columns} FROM json_to_recordset(CAST(:rows AS json)) AS given ({types})"
        f" ON CONFLICT (duplicate_key) WHERE {FIRSTS} DO NOTHING RETURNING id"
    ).columns(actions.c.id)


def _sql_type(name: str) -> str:
    return str(actions.c[name].type.compile(_POSTGRESQL))


def _as_json(dialect: Dialect, rows: Rows) -> str:
    sealed = [name for name in rows[0] if isinstance(actions.c[name].type, Personal)]
    seals: Mapping[str, Callable[[Any, Dialect], bytes | None]] = {
        name: actions.c[name].type.process_bind_param  # type: ignore[attr-defined]
        for name in sealed
    }
    plain = [
        {**row, **{name: seal(row[name], dialect) for name, seal in seals.items()}} for row in rows
    ]
    return json.dumps(plain, default=_text, ensure_ascii=False)


def _text(value: object) -> str:
    """As PostgreSQL reads it."""
    if isinstance(value, bytes):
        return f"\\x{value.hex()}"
    if isinstance(value, dt.datetime):
        return value.isoformat()
    return str(value)
