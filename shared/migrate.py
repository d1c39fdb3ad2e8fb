"""Brings a database to the tables of this version, on either engine.

`writ migrate` runs it before the services of a new version start; each step keeps the version
before it working (expand first, contract a release later).
"""

import threading
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text, update

from shared.database import Database
from shared.tables.columns import feeds, transaction_number
from shared.tables.dispatch import cursors
from shared.tables.grants import grant

_FOLDER = Path(__file__).parent / "migrations"
# Alembic keeps what it works on in a module: two threads would write into each other's database.
_ONE_IN_A_PROCESS = threading.Lock()


def migrate(database: Database) -> None:
    """Runs every step that is still missing; two callers at once take turns.

    The tables of a later version are left alone: they keep this one working.
    """
    with _ONE_IN_A_PROCESS, database.begin() as connection:
        if database.is_postgresql:
            connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('writ migrate'))"))
        if (current := _current(connection)) and current not in _revisions(_FOLDER):
            return
        config = Config()
        config.set_main_option("script_location", str(_FOLDER))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        if database.is_postgresql:
            grant(connection)
            _renumber_after_restore(connection)


def _renumber_after_restore(connection: Connection) -> None:
    """Lets feeds be read in a cluster that a dump was restored into.

    Its transactions count from a lower number: rows would seem to lie in the future until the
    counter had passed them.  Each feed's index finds them, mostly none.
    """
    found = 0
    for table in feeds():
        later = table.c.xact > transaction_number()
        found += connection.execute(update(table).where(later).values(xact=0)).rowcount
    if found:  # readers begin again, and find what they have done already
        connection.execute(update(cursors).values(xact=0, seq=0))


def is_migrated(database: Database, steps: Path = _FOLDER) -> bool:
    """Whether the database has the tables that this version expects, or those of a later one.

    A later one keeps this version working: its processes stay ready while it is migrated in.
    """
    with database.read() as connection:
        current = _current(connection)
    return current is not None and current not in _revisions(steps)[1:]


def _current(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


@cache
def _revisions(steps: Path) -> tuple[str, ...]:
    """Every revision that this version knows, the newest first."""
    return tuple(step.revision for step in ScriptDirectory(str(steps)).walk_revisions())
