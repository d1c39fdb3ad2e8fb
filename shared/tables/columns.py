"""The column types and the feed order that all tables share."""

import datetime as dt
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    DateTime,
    Index,
    Integer,
    MetaData,
    Table,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import NullType, TypeDecorator

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    }
)

Json = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
Id = Uuid(as_uuid=True)
Counter = BigInteger().with_variant(Integer(), "sqlite")


class Instant(TypeDecorator[dt.datetime]):
    """A moment in UTC.  A value without a zone is refused; SQLite, which has no zones, gets UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a time zone")
        value = value.astimezone(dt.UTC)
        return value if dialect.name == "postgresql" else value.replace(tzinfo=None)

    def process_result_value(self, value: dt.datetime | None, dialect: Dialect) -> Any:
        if value is None or value.tzinfo is not None:
            return value
        return value.replace(tzinfo=dt.UTC)


class transaction_number(FunctionElement[int]):  # noqa: N801  (reads as the SQL function it is)
    """The number of the running transaction; 0 on SQLite, whose writers commit in order."""

    type = BigInteger()
    inherit_cache = True


class settled_before(FunctionElement[int]):  # noqa: N801
    """Every transaction below this number has ended: what it wrote is visible, or never will be.

    A reader that stops here never steps over a row whose transaction commits late
    (PostgreSQL manual, 9.27.10, "pg_snapshot_xmin").
    """

    type = BigInteger()
    inherit_cache = True


class follows(FunctionElement[Any]):  # noqa: N801
    """Of `(xact column, seq column, xact, seq)`: whether a row of a feed comes after that place.

    SQLite looks up an index by the first part of a pair alone, and would read all that is done
    again each time: its transactions have one number, so that the second part says enough.
    """

    type = NullType()  # as Boolean it would be compared with 1, and no index serve it
    inherit_cache = True


@compiles(transaction_number)
@compiles(transaction_number, "postgresql")
def _number(_element: object, compiler: Any, **_kw: object) -> str:
    return _on(compiler, postgresql="(pg_current_xact_id()::text::bigint)", sqlite="0")


@compiles(settled_before)
@compiles(settled_before, "postgresql")
def _settled(_element: object, compiler: Any, **_kw: object) -> str:
    return _on(
        compiler, postgresql="(pg_snapshot_xmin(pg_current_snapshot())::text::bigint)", sqlite="1"
    )


@compiles(follows)
@compiles(follows, "postgresql")
def _follows(element: follows, compiler: Any, **kw: Any) -> str:
    xact, seq, after_xact, after_seq = (compiler.process(one, **kw) for one in element.clauses)
    return _on(
        compiler,
        postgresql=f"(({xact}, {seq}) > ({after_xact}, {after_seq}))",
        sqlite=f"({xact} = {after_xact} AND {seq} > {after_seq})",
    )


def _on(compiler: Any, *, postgresql: str, sqlite: str) -> str:
    return postgresql if compiler.dialect.name == "postgresql" else sqlite


def partial(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    """An index of those rows alone for which `where` is true, on either engine."""
    condition = text(where)
    return Index(name, *columns, unique=unique, postgresql_where=condition, sqlite_where=condition)


def feed(table: str) -> tuple[Column[int], Column[int], Index]:
    """Read in the order (xact, seq) below `settled_before()`, and no row is missed."""
    return (
        Column("seq", Counter, primary_key=True, autoincrement=True),
        Column("xact", BigInteger, nullable=False, server_default=transaction_number()),
        Index(f"ix_{table}_feed", "xact", "seq"),
    )


def feeds() -> list[Table]:
    """The tables that are read so."""
    return [
        table
        for table in METADATA.sorted_tables
        if "xact" in table.c and table.c.xact.server_default is not None
    ]
