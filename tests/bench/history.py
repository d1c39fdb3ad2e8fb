"""Makes a database old: copies of its own delivered actions, in every table, until it is full.

A copy k lies k minutes before its pattern, under ids of that moment; the copies' rows lie in the
order of their time.  Straight into the tables, on a few connections; then VACUUM and ANALYZE, as
a database of that age would have had.  The relay must be down meanwhile: its cursor is moved on.
Sealed values are copied as they are: as long as they would be, but bound to the pattern's row.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from sqlalchemy import Column, Table, Uuid, func, select, text

from shared.database import Database
from shared.tables.columns import Instant
from shared.tables.dispatch import attempts, carriages, deliveries, print_orders
from shared.tables.intake import actions, idempotency_records
from shared.tables.tracking import events, outcomes, receipts

BATCH = 20_000  # rows in one transaction, about
CONNECTIONS = 3
EMAILS, LETTERS = 420, 180  # patterns: three of ten go on paper

_COPY_ID = """
CREATE OR REPLACE FUNCTION copy_id(id uuid, k bigint) RETURNS uuid IMMUTABLE LANGUAGE sql AS $$
    SELECT (lpad(to_hex(('x' || left(replace(id::text, '-', ''), 12))::bit(48)::bigint
        - k * 60000), 12, '0') || '7' || left(md5(id::text || k), 19))::uuid $$
"""
# Which rows of a table stand for the pattern actions and deliveries.
_OF_PATTERN = {
    actions: "id IN (SELECT action FROM pattern)",
    idempotency_records: "answer->>'id' IN (SELECT action::text FROM pattern)",
    carriages: "action_id IN (SELECT action FROM pattern)",
    deliveries: "id IN (SELECT delivery FROM pattern)",
    receipts: "id IN (SELECT receipt_id FROM events"
    " WHERE delivery_id IN (SELECT delivery FROM pattern))",
    **dict.fromkeys(
        (attempts, print_orders, events, outcomes),
        "delivery_id IN (SELECT delivery FROM pattern)",
    ),
}
# What must differ from copy to copy, or is too long to be kept a million times.
_DIFFERS = {
    "actions.supporter_identity": "sha256(supporter_identity || k::text::bytea)",
    "actions.supporter_ref": "left(md5(supporter_ref || k), 26)",
    "actions.duplicate_key": "sha256(duplicate_key || k::text::bytea)",
    "actions.reference": "reference || '-' || k",
    "idempotency_records.key": "key || '-' || k",
    "receipts.source_id": "source_id || '-' || k",
    "receipts.body": "substr(body, 1, 300)",
}
_THE_SAME = {"api_clients.id", "actions.client_id", "idempotency_records.client_id"}


@dataclass(frozen=True, slots=True)
class _Piece:
    """One INSERT: the copies `first` to `last` of one table's pattern."""

    table: Table
    first: int
    last: int


def grow(database: Database, number: int, *, on_rows: Callable[[int], object]) -> int:
    """Copies until about `number` actions are stored; returns how many are.

    `on_rows` is told the share of the work that was done, in percent.
    """
    with database.begin() as connection:
        stored = connection.scalar(select(func.count()).select_from(actions)) or 0
        done = connection.scalar(text("SELECT coalesce(max(k), 0) FROM copies")) or 0
    copies = max(0, -(-(number - stored) // (EMAILS + LETTERS)))
    pieces = list(_pieces(done + 1, done + copies))
    with ThreadPoolExecutor(CONNECTIONS) as threads:
        for at, _ in enumerate(threads.map(lambda piece: _copy(database, piece), pieces)):
            on_rows(100 * (at + 1) // len(pieces))
    _finish(database, done + copies)
    return stored + copies * (EMAILS + LETTERS)


def take_patterns(database: Database) -> None:
    """Remembers which actions, the latest delivered ones, the copies are made of."""
    with database.begin() as connection:
        connection.execute(text(_COPY_ID))
        connection.execute(text("CREATE TABLE copies AS SELECT 0::bigint AS k"))
        connection.execute(text("CREATE TABLE pattern (action uuid, delivery uuid)"))
        for channel, number in (("email", EMAILS), ("letter", LETTERS)):
            connection.execute(
                text(
                    "WITH chosen AS (SELECT id FROM actions WHERE channel = :channel AND NOT EXISTS"
                    " (SELECT 1 FROM carriages JOIN deliveries ON deliveries.id = delivery_id"
                    " WHERE action_id = actions.id AND state <> 'handed_over')"
                    " ORDER BY seq DESC LIMIT :number)"
                    " INSERT INTO pattern SELECT action_id, delivery_id FROM carriages"
                    " JOIN chosen ON chosen.id = action_id"
                ),
                {"channel": channel, "number": number},
            )
        for table, of_pattern in _OF_PATTERN.items():
            order = "seq" if "seq" in table.c else "ctid"
            connection.execute(
                text(
                    f"CREATE TABLE pattern_{table.name} AS SELECT row_number() OVER (ORDER BY"
                    f" {order}) AS line, * FROM {table.name} WHERE {of_pattern}"
                )
            )


def _pieces(first: int, last: int) -> Iterator[_Piece]:
    """The oldest first, table beside table, so that the connections do not wait for each other."""
    step = max(1, BATCH // (EMAILS + LETTERS))
    for high in range(last, first - 1, -step):
        for table in _OF_PATTERN:
            yield _Piece(table, max(first, high - step + 1), high)


def _copy(database: Database, piece: _Piece) -> None:
    columns = [column for column in piece.table.columns if column.name not in {"seq", "xact"}]
    names = ", ".join(f'"{column.name}"' for column in columns)
    values = ", ".join(_copied(column) for column in columns)
    statement = (
        f"INSERT INTO {piece.table.name} ({names}) SELECT {values}"
        f" FROM generate_series({piece.first}, {piece.last}) AS k, pattern_{piece.table.name}"
        " ORDER BY k DESC, line"
    )
    with database.begin() as connection:
        connection.execute(text(statement))


def _copied(column: Column[object]) -> str:
    name = f"{column.table.name}.{column.name}"
    if name in _DIFFERS:
        return _DIFFERS[name]
    if isinstance(column.type, Uuid) and name not in _THE_SAME:
        return f'copy_id("{column.name}", k)'
    if isinstance(column.type, Instant):
        return f"\"{column.name}\" - k * interval '1 minute'"
    return f'"{column.name}"'


def _finish(database: Database, copies: int) -> None:
    with database.begin() as connection:
        connection.execute(text("UPDATE copies SET k = :copies"), {"copies": copies})
        connection.execute(
            text(
                "UPDATE cursors SET (xact, seq) ="
                " (SELECT xact, seq FROM actions ORDER BY xact DESC, seq DESC LIMIT 1)"
                " WHERE name = 'planned'"
            )
        )
    with database.engine.connect() as connection:
        alone = connection.execution_options(isolation_level="AUTOCOMMIT")
        alone.execute(text("VACUUM ANALYZE"))
        alone.execute(text("CHECKPOINT"))
