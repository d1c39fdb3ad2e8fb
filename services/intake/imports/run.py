"""Takes the rows of a file as actions.

In: an import that is `running`.  Out: its actions, and the same import `done`.  A chunk's actions
and the number of rows behind us are committed together: a crash doubles nothing and loses nothing.
Who was erased since the file was handed in is left out, also where all rows are wanted.  Raises
FileFault, and DayUsedUp where the rest comes when the client's next day begins.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

from sqlalchemy import Connection

from services.intake.accept import Action
from services.intake.imports.desk import CHUNK, Chunk, Desk, faults_in, tell
from services.intake.imports.keeping import Import, ImportState, RowsWanted, end, move
from services.intake.imports.unreadable import ROW_FAULTS, FileFault, RowFault
from services.intake.leave_out import left_out
from services.intake.told import own_firsts
from shared.api_keys import Client
from shared.catalogue import Catalogue
from shared.http.limits import Taken
from shared.http.problems import Problem


class DayUsedUp(Exception):
    """The client may hand in no such chunk any more, until midnight UTC."""


def run(desk: Desk, one: Import, until: float) -> bool:
    """Goes on until the end, or until `until` on the desk's timer.  True: there are rows left."""
    client = desk.client(one)
    # One for all of the slice: what it accepts, and what moderation judges, is of the same pack.
    catalogue = desk.taker.catalogue()
    size = min(CHUNK, client.daily_actions or CHUNK)
    with desk.chunks(one, client, catalogue, size=size) as chunks:
        for chunk in chunks:
            good = _good(one, chunk)
            with _of_the_day(desk, client, len(good)) as day:
                taken = _taken(
                    desk,
                    one,
                    good,
                    rows=len(chunk),
                    catalogue=catalogue,
                    capped=client.daily_actions > 0,
                )
                day.stored = taken.taken - one.taken if taken else 0
            if taken is None:
                return False
            one = taken
            desk.on_chunk(one)
            if desk.timer() > until:
                return True
    with desk.database.begin() as connection:
        # Those that turned bad since they were checked are among them.
        bad = one.done - one.taken
        end(connection, one, ImportState.DONE, bad=bad, ended_at=desk.taker.clock())
    return False


@contextmanager
def _of_the_day(desk: Desk, client: Client, number: int) -> Iterator[Taken]:
    try:
        with desk.limits.actions(client, number) as day:
            yield day
    except Problem:
        raise DayUsedUp from None


def _good(one: Import, chunk: Chunk) -> list[Action]:
    bad = faults_in(chunk)
    if bad and one.rows_wanted is RowsWanted.ALL:
        raise FileFault("turned_bad", row=bad[0][0].row)
    return [action for action in chunk if isinstance(action, Action)]


def _taken(
    desk: Desk,
    one: Import,
    good: Sequence[Action],
    *,
    rows: int,
    catalogue: Catalogue,
    capped: bool,
) -> Import | None:
    """None: somebody else took them, or cancelled the import."""
    behind = replace(one, done=one.done + rows)
    with desk.database.begin() as connection:
        # First, because it locks: of two processes at the same chunk, the second finds it taken.
        if not move(connection, one, done=behind.done):
            return None
        good = _kept(connection, one, good)  # after that lock: see leave_out.py
        take = partial(desk.taker.take, connection, catalogue=catalogue, capped=capped)
        taken = take(good) if good else []
        own = own_firsts(connection, one.client_id, (each.duplicate_of for each in taken))
        # What another client's supporters did before is not told, not even as a number.
        duplicates = one.duplicates + sum(each.duplicate_of in own for each in taken)
        accepted = one.taken + len(taken) - duplicates
        move(connection, behind, accepted=accepted, duplicates=duplicates)
    return replace(behind, accepted=accepted, duplicates=duplicates)


def _kept(connection: Connection, one: Import, good: Sequence[Action]) -> Sequence[Action]:
    """Without those who were erased meanwhile; of these it is told that they are left out.

    A client learns the reason where it asked itself: that somebody had Writ's operator erase
    everything, maybe on account of another client, is not its business.
    """
    asked = left_out(connection, one.id)
    if not asked:
        return good
    faults = []
    for gone in (each for each in good if each.supporter_ref in asked):
        code = "erased_meanwhile" if asked[gone.supporter_ref] else "left_out"
        faults.append(RowFault(gone.import_row or 0, None, code, ROW_FAULTS[code]))
    tell(connection, one, faults)
    return [each for each in good if each.supporter_ref not in asked]
