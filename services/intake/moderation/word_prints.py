"""Remembers prints of words for an hour, and finds those that are near a new one.

Owns the table `word_prints`: a row for each of a print's bands, so that near prints are found by an
index (see likeness.py).  In: actions with their prints.  Out: how often something near was seen.
"""

import datetime as dt
import json
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, delete, select, text

from services.intake.accept import Action
from services.intake.moderation.likeness import NEAR
from shared.database import Database
from shared.tables.columns import Instant
from shared.tables.intake import word_prints

_KEPT = dt.timedelta(days=1)
_PURGED_AT_ONCE = 10_000  # rows
_MOST_LOOKED_AT = 1_000  # prints near one text

# Both engines read a JSON array as rows: one parameter, and one plan, for any number of texts.
_GIVEN = {
    "postgresql": """json_to_recordset(CAST(:given AS json))
        AS given(id uuid, "case" text, print bigint)""",
    "sqlite": """(SELECT value ->> 'id' AS id, value ->> 'case' AS "case",
        value ->> 'print' AS print FROM json_each(:given)) AS given""",
}
_BANDS = "(SELECT 0 AS band UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3) AS bands"
_VALUE = "CAST((given.print >> (16 * bands.band)) & 65535 AS integer)"
_SHARING = f"""word_prints AS one WHERE one."case" = given."case" AND one.band = bands.band
    AND one.value = {_VALUE} AND one.at > :since"""
# PostgreSQL would read the whole hour once it is told to join; a lateral limit makes it look up.
# It counts bits, too, and gives back what is near instead of all that share a band.
_SEEN = {
    "postgresql": f""", LATERAL (SELECT one."case", one.print, one.action_id FROM {_SHARING}
        AND bit_count((one.print # given.print)::bit(64)) <= {NEAR} LIMIT {_MOST_LOOKED_AT})
        AS one""",  # noqa: S608  (its words are its own)
    "sqlite": f", {_SHARING}",
}
_NEAR = {
    engine: text(
        f"""SELECT one."case", one.print, count(DISTINCT one.action_id)
        FROM {_GIVEN[engine]} CROSS JOIN {_BANDS} {seen}
        GROUP BY one."case", one.print"""  # noqa: S608  (its words are its own)
    ).bindparams(bindparam("since", type_=Instant()))
    for engine, seen in _SEEN.items()
}
_KEEP = {
    engine: text(
        f"""INSERT INTO word_prints (action_id, band, "case", value, print, at)
        SELECT given.id, bands.band, given."case", {_VALUE}, given.print, :at
        FROM {given} CROSS JOIN {_BANDS}"""  # noqa: S608  (its words are its own)
    ).bindparams(bindparam("at", type_=Instant()))
    for engine, given in _GIVEN.items()
}


def near(
    connection: Connection, wanted: Iterable[tuple[str, int]], since: dt.datetime
) -> Sequence[Any]:
    """What came after `since` and is near one of the wanted: case, print, how many actions.

    On SQLite also what only shares a band.  All of up to three bits' distance is found, of more
    most.
    """
    given = json.dumps([{"case": case, "print": bits} for case, bits in wanted])
    asked = {"given": given, "since": since}
    return connection.execute(_NEAR[connection.dialect.name], asked).all()


def keep(connection: Connection, printed: Sequence[tuple[Action, int]]) -> None:
    if not printed:
        return
    given = [{"id": one.id.hex, "case": one.case, "print": bits} for one, bits in printed]
    kept = {"given": json.dumps(given), "at": max(one.accepted_at for one, _ in printed)}
    connection.execute(_KEEP[connection.dialect.name], kept)


def forget(database: Database, now: dt.datetime) -> bool:
    """A chore: removes prints older than a day.  True where more are waiting."""
    old = (
        select(word_prints.c.action_id)
        .where(word_prints.c.at < now - _KEPT)
        .order_by(word_prints.c.at)
        .limit(_PURGED_AT_ONCE)
    )
    with database.begin() as connection:
        ids = set(connection.scalars(old))
        if ids:
            connection.execute(delete(word_prints).where(word_prints.c.action_id.in_(ids)))
    return bool(ids)
