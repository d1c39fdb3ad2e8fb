"""One statement for many rows, which travel as one JSON parameter.

As `VALUES` with a parameter for each value they cost PostgreSQL and its driver more than all that
happens to them (decision 10): the driver takes a long statement apart anew each time.  SQLite gets
SQLAlchemy's own statement.  Statements are built once, since building costs, too.
"""

import datetime as dt
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    Connection,
    CursorResult,
    Executable,
    Table,
    TableValuedAlias,
    Text,
    TypeDecorator,
    Update,
    bindparam,
    cast,
    column,
    func,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import StatementError

_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")

Rows = Sequence[Mapping[str, Any]]
Of = Callable[[str], ColumnElement[Any]]
Insert = postgresql.Insert | sqlite.Insert


def _as_it_is(insert: Insert) -> Executable:
    return insert


class InsertMany:
    """INSERT of rows that all have values for the same columns.

    `finish` adds what follows the values: ON CONFLICT, RETURNING.
    """

    def __init__(
        self,
        table: Table,
        names: Sequence[str],
        finish: Callable[[Any], Executable] = _as_it_is,
    ) -> None:
        self._columns = {name: table.c[name] for name in names}
        given = select(_given_rows(self._columns))
        self._postgresql = finish(postgresql.insert(table).from_select([*names], given))
        self._sqlite = finish(sqlite.insert(table))

    def run(self, connection: Connection, rows: Rows) -> CursorResult[Any]:
        """`rows` is not empty."""
        if connection.dialect.name == "postgresql":
            given = _as_parameter(connection.dialect, self._columns, rows)
            return connection.execute(self._postgresql, given)
        return connection.execute(self._sqlite, [dict(row) for row in rows])


class UpdateMany:
    """UPDATE by rows, each of which concerns other rows of the table.

    `columns` says of which column's type each value is; `build` writes the statement for one row,
    whose values are `of("name")`.
    """

    def __init__(self, columns: Mapping[str, Column[Any]], build: Callable[[Of], Update]) -> None:
        self._columns = columns
        given = _given_rows(columns)
        self._postgresql = build(lambda name: given.c[name])
        self._sqlite = build(lambda name: bindparam(f"b_{name}", type_=columns[name].type))

    def run(self, connection: Connection, rows: Rows) -> None:
        if not rows:
            return
        if connection.dialect.name == "postgresql":
            connection.execute(
                self._postgresql, _as_parameter(connection.dialect, self._columns, rows)
            )
        else:
            given = [{f"b_{name}": value for name, value in row.items()} for row in rows]
            connection.execute(self._sqlite, given)


def _given_rows(columns: Mapping[str, Column[Any]]) -> TableValuedAlias:
    """The rows of the parameter `rows` as a table of PostgreSQL; its columns have these types."""
    rows = func.json_to_recordset(cast(bindparam("rows", type_=Text), JSON))
    typed = (column(name, one.type) for name, one in columns.items())
    return rows.table_valued(*typed).render_derived(name="given", with_types=True)


def _as_parameter(
    dialect: Dialect, columns: Mapping[str, Column[Any]], rows: Rows
) -> dict[str, str]:
    """The parameter `rows`: sealed where a column is personal.

    Raises StatementError where a value cannot be sent, as SQLAlchemy does for its own parameters.
    """
    bound = {
        name: one.type.process_bind_param
        for name, one in columns.items()
        if isinstance(one.type, TypeDecorator)
    }
    try:
        plain = [
            {
                name: bound[name](row[name], dialect) if name in bound else row[name]
                for name in columns
            }
            for row in rows
        ]
        written = json.dumps(plain, default=_text, ensure_ascii=False)
        written.encode()  # half a character is no text
        if _NUL.search(written):  # PostgreSQL's own error would quote the row
            raise ValueError("no text holds a NUL")
    except (KeyError, TypeError, ValueError) as error:
        raise StatementError(
            type(error).__name__, None, None, error, hide_parameters=True
        ) from error
    return {"rows": written}


def _text(value: object) -> str:
    """As PostgreSQL reads it."""
    if isinstance(value, bytes):
        return f"\\x{value.hex()}"
    if isinstance(value, dt.datetime):
        return value.isoformat()
    return str(value)
