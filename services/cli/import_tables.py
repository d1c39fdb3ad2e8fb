"""What `writ import` shows of a file: how it is read, its first rows, and what is wrong with it."""

from rich.markup import escape
from rich.table import Table
from rich.text import Text
from sqlalchemy import select

from services.intake.imports.keeping import Import
from services.intake.imports.mapping import ActionField
from services.intake.imports.preview import Preview, ReadRow
from shared.database import Database
from shared.tables.writing_events import import_faults

ROWS, FAULTS = 3, 20  # shown
_MOST_IN_CELL = 32  # characters


def about(one: Import, letters: str) -> Text:
    """How the file is read."""
    layout = one.layout
    how = f"sheet {layout.sheet}" if layout.sheet else f"{layout.encoding}, {layout.separator!r}"
    said = f"{one.file_name or 'the file'}: {layout.form}, {how}, {one.rows or 0:,} rows"
    return Text(f"{said}\nletters: {letters}" if letters else said)


def columns(one: Import, seen: Preview) -> Table:
    """Which column is read as which field, and what that makes of the first rows."""
    shown = seen.rows[:ROWS]
    table = Table("column", "is read as", *(f"row {row.number}" for row in shown))
    for name, field in one.said.columns.items():
        if field is not None:
            table.add_row(escape(name), field, *(_text(row, field) for row in shown))
    for name in seen.unread:
        table.add_row(escape(name), "[dim]not read[/]")
    for field, text in one.said.defaults.items():
        table.add_row("[dim]the same in every row[/]", f"{field}: {escape(text)}")
    return table


def _text(row: ReadRow, field: ActionField) -> str:
    text = next((cell.text for cell in row.cells if cell.field is field), "")
    return escape(text if len(text) <= _MOST_IN_CELL else f"{text[:_MOST_IN_CELL]}…")


def faults(database: Database, one: Import) -> Table:
    """The first of them, by row and column."""
    table = Table("row", "column", "what", title="bad rows", title_justify="left")
    wanted = select(import_faults).where(import_faults.c.import_id == one.id)
    with database.read() as connection:
        found = connection.execute(wanted.order_by(import_faults.c.number).limit(FAULTS))
        for fault in found:
            table.add_row(str(fault.row), escape(fault.column or "·"), escape(fault.detail))
    table.caption = f"{one.bad:,} of {one.rows or 0:,} rows are bad"
    return table
