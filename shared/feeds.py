"""How far a service has read the feeds upstream, in the order in which they were committed.

In: the service's own table of cursors.  Out: places in a feed (shared/tables/columns.py, `feed`).
"""

from sqlalchemy import Connection, Table, select, update

from shared.database import insert_new
from shared.tables.columns import transaction_number


def position(connection: Connection, cursors: Table, name: str) -> tuple[int, int]:
    """(xact, seq) of the last row read; locked until the transaction ends.

    Who reads the same feed at the same time waits here, and then finds nothing to do.
    """
    at = connection.execute(
        select(cursors.c.xact, cursors.c.seq).where(cursors.c.name == name).with_for_update()
    ).one_or_none()
    if at is None:  # the very first reading; whoever else is doing it now waits here
        insert_new(connection, cursors, [{"name": name, "xact": 0, "seq": 0}])
        return position(connection, cursors, name)
    return at.xact, at.seq


def move(connection: Connection, cursors: Table, name: str, at: tuple[int, int]) -> None:
    place = {"xact": at[0], "seq": at[1]}
    connection.execute(update(cursors).where(cursors.c.name == name).values(place))


def rewind_after_restore(connection: Connection, cursors: Table) -> None:
    """Starts reading again from the beginning where a cursor is ahead of its server.

    A database restored into a new PostgreSQL cluster counts transactions from a lower number.
    Readers find what they have done already, and do only the rest.
    """
    current = connection.scalar(select(transaction_number())) or 0
    connection.execute(update(cursors).where(cursors.c.xact > current).values(xact=0, seq=0))
