"""Writes many actions in one statement, and leaves out those that have a first already.

In: rows of `actions`.  Out: the ids stored.
"""

from functools import cache
from uuid import UUID

from sqlalchemy import Connection, text

from shared.many import InsertMany, Rows
from shared.tables.intake import FIRSTS, actions


def insert_firsts(connection: Connection, rows: Rows) -> set[UUID]:
    """Stores those whose key nobody has; the ids of them."""
    if not rows:
        return set()
    # In one order in every transaction: two batches with the same people never wait in a circle.
    rows = sorted(rows, key=lambda row: row["duplicate_key"] or b"")
    return set(_firsts(tuple(rows[0])).run(connection, rows).scalars())


def insert_all(connection: Connection, rows: Rows) -> None:
    """Stores them, whoever is first."""
    if rows:
        _all(tuple(rows[0])).run(connection, rows)


@cache
def _all(names: tuple[str, ...]) -> InsertMany:
    return InsertMany(actions, names)


@cache
def _firsts(names: tuple[str, ...]) -> InsertMany:
    return InsertMany(
        actions,
        names,
        lambda insert: insert.on_conflict_do_nothing(
            index_elements=["duplicate_key"], index_where=text(FIRSTS)
        ).returning(actions.c.id),
    )
