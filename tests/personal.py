"""Personal values as tests write and read them: in words, sealed and opened on the way."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from sqlalchemy import Row, Table

from shared.privacy import Personal, Private, Sealed


def sealing(table: Table, row: Mapping[str, Any]) -> dict[str, Any]:
    """The row as it may be stored: its personal texts bound to its id."""
    personal = {column.name for column in table.columns if isinstance(column.type, Personal)}
    return {
        name: Private(row["id"], value) if name in personal and isinstance(value, str) else value
        for name, value in row.items()
    }


def opened(row: Row[Any]) -> Any:
    """The row with its personal values opened."""
    said = {
        name: value.open(row._mapping["id"]) if isinstance(value, Sealed) else value
        for name, value in row._mapping.items()
    }
    return SimpleNamespace(**said)
