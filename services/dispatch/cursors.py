"""How far dispatch has read the tables upstream, in the order in which they were committed."""

from sqlalchemy import Connection

from shared import feeds
from shared.tables.dispatch import cursors


def position(connection: Connection, name: str) -> tuple[int, int]:
    """(xact, seq) of the last row read; locked until the transaction ends.

    A relay that lost its leadership unknowingly waits here, and then finds nothing to do.
    """
    return feeds.position(connection, cursors, name)


def move(connection: Connection, name: str, xact: int, seq: int) -> None:
    feeds.move(connection, cursors, name, (xact, seq))


def rewind_after_restore(connection: Connection) -> None:
    """Starts reading again from the beginning where a cursor is ahead of its server."""
    feeds.rewind_after_restore(connection, cursors)
