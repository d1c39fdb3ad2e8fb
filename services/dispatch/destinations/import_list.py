"""Makes a list of suspensions and restrictions the one that is in force, all of it or nothing.

Owns `route_limits`.  In: the rules of a file.  Out: what it changes, first told and then done.
The file is the whole list.  What it no longer says is dropped, which does not delete it: what was
held can be explained.  The same file again changes nothing.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, insert, update

from services.dispatch.destinations.limits import RouteLimit, Rule, read
from shared.clock import new_id
from shared.database import Database
from shared.tables.routes import route_limits


class ChangedMeanwhile(Exception):
    """Somebody else imported a list since the changes were told."""


@dataclass(frozen=True, slots=True)
class Changes:
    added: tuple[Rule, ...]
    dropped: tuple[RouteLimit, ...]
    kept: int

    def __bool__(self) -> bool:
        return bool(self.added or self.dropped)


def current(connection: Connection) -> Sequence[RouteLimit]:
    """The list of today: what is in force, what will be, and what was and is still on it."""
    return read(connection, route_limits.c.dropped_at.is_(None))


def compare(connection: Connection, rules: Sequence[Rule]) -> Changes:
    known = {one.rule: one for one in current(connection)}
    wanted = set(rules)
    return Changes(
        added=tuple(rule for rule in rules if rule not in known),
        dropped=tuple(one for rule, one in known.items() if rule not in wanted),
        kept=len(known.keys() & wanted),
    )


def import_list(database: Database, rules: Sequence[Rule], told: Changes, now: dt.datetime) -> None:
    """Does what `compare` told.  Raises ChangedMeanwhile."""
    with database.begin() as connection:
        if not database.hold(connection, "route_limits") or compare(connection, rules) != told:
            raise ChangedMeanwhile
        if told.dropped:
            gone = [one.id for one in told.dropped]
            connection.execute(
                update(route_limits).where(route_limits.c.id.in_(gone)).values(dropped_at=now)
            )
        if told.added:
            connection.execute(insert(route_limits), [_row(rule, now) for rule in told.added])


def _row(rule: Rule, now: dt.datetime) -> dict[str, object]:
    said = {name: getattr(rule, name) for name in rule.__dataclass_fields__}
    return said | {"id": new_id(), "noted_at": now, "dropped_at": None}
