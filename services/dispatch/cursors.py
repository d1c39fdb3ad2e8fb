"""How far dispatch has read the tables upstream, in the order in which they were committed."""

from sqlalchemy import Connection, select, update

from shared.database import insert_new
from shared.tables.columns import transaction_number
from shared.tables.dispatch import cursors


def position(connection: Connection, name: str) -> tuple[int, int]:
    """(xact, seq) of the last row read; locked until the transaction ends.

    A relay that lost its leadership unknowingly waits here, and then finds nothing to do.
    """
    at = connection.execute(
        select(cursors.c.xact, cursors.c.seq).where(cursors.c.name == name).with_for_update()
    ).one_or_none()
    if at is None:  # the very first reading; whoever else is doing it now waits here
        insert_new(connection, cursors, [{"name": name, "xact": 0, "seq": 0}])
        return position(connection, name)
    return at.xact, at.seq


def move(connection: Connection, name: str, xact: int, seq: int) -> None:
    connection.execute(update(cursors).where(cursors.c.name == name).values(xact=xact, seq=seq))


def rewind_after_restore(connection: Connection) -> None:
    """Starts reading again from the beginning where a cursor is ahead of its server.

    A database restored into a new PostgreSQL cluster counts transactions from a lower number.
    Readers find what they have done already, and do only the rest.
    """
    current = connection.scalar(select(transaction_number())) or 0
    connection.execute(update(cursors).where(cursors.c.xact > current).values(xact=0, seq=0))
