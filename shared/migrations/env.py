"""Runs the steps on the connection that shared/migrate.py hands in.

Or on a database of its own, `-x url=…`, which is how `make migration` drafts a new step.
"""

from typing import Any, Literal

from alembic import context
from sqlalchemy import Connection, create_engine

from shared.privacy import Personal
from shared.tables.columns import Counter, Instant, Json, transaction_number
from shared.tables.whole import METADATA


def _write(type_: str, item: Any, context_: Any) -> str | Literal[False]:
    """Steps name no class of ours that may change later, but for the column types."""
    imports = context_.imports
    if type_ == "type":
        imports.add("from shared.tables import columns")
        if item is Json:
            return "columns.Json"
        if item is Counter:
            return "columns.Counter"
        if isinstance(item, Instant):
            return "columns.Instant()"
        if isinstance(item, Personal):
            return "sa.LargeBinary()"
    if type_ == "server_default" and isinstance(item.arg, transaction_number):
        return "columns.transaction_number()"
    return False


def _run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=METADATA,
        render_item=_write,
        transaction_per_migration=False,
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    _run(given)
else:
    with create_engine(context.get_x_argument(as_dictionary=True)["url"]).begin() as own:
        _run(own)
