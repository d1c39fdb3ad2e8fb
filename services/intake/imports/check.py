"""Looks at every row of a file as if it were taken, and stores nothing but what is wrong.

In: an import that is `checking`.  Out: the same one `ready`, with its rows counted and its faults
told.  Raises FileFault where the file as a whole cannot be read.
"""

from dataclasses import replace

from services.intake.imports.desk import Chunk, Desk, faults_in, tell
from services.intake.imports.keeping import Import, ImportState, mapping_of, move, pieces
from services.intake.imports.mapping import ColumnMap, fit
from services.intake.imports.reading import survey


def check(desk: Desk, one: Import, until: float) -> bool:
    """Goes on until the end, or until `until` on the desk's timer.  True: there are rows left."""
    client = desk.client(one)
    seen = one if one.rows is not None else _surveyed(desk, one)
    if seen is None:
        return False
    with desk.chunks(seen, client, desk.taker.catalogue()) as chunks:
        for chunk in chunks:
            counted = _counted(desk, seen, chunk)
            if counted is None:
                return False
            seen = counted
            desk.on_chunk(seen)
            if desk.timer() > until:
                return True
    with desk.database.begin() as connection:
        move(connection, seen, state=ImportState.READY, done=0, checked_at=desk.taker.clock())
    return False


def _surveyed(desk: Desk, one: Import) -> Import | None:
    """Knows how the file is to be read, and that it can be, to its end."""
    layout = survey(pieces(desk.database, one.id), encoding=one.layout.encoding)
    columns = {**one.said.columns, **fit(one.said, layout.header).columns}
    with desk.database.begin() as connection:
        mapping = mapping_of(columns, layout)
        moved = move(connection, one, rows=layout.rows, form=layout.form, mapping=mapping)
    said = ColumnMap(columns, one.said.defaults)
    return replace(one, rows=layout.rows, said=said, layout=layout) if moved else None


def _counted(desk: Desk, one: Import, chunk: Chunk) -> Import | None:
    """None: somebody else is at it, or ended it."""
    bad = faults_in(chunk)
    after = replace(one, done=one.done + len(chunk), bad=one.bad + len(bad))
    with desk.database.begin() as connection:
        if not move(connection, one, done=after.done, bad=after.bad):
            return None
        if bad:
            tell(connection, one, [fault for faults in bad for fault in faults])
    return after
