"""/livez: the process answers.  /readyz: it can do its work.  Orchestrators ask both."""

from collections.abc import Callable
from typing import Literal

from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError

from shared.database import Database
from shared.http.operations import op
from shared.http.problems import NOT_READY, Problem
from shared.migrate import is_migrated

Check = Callable[[], str | None]  # what is wrong, in words; None: nothing


class Health(BaseModel):
    status: Literal["ok"] = "ok"


class HealthEdge:
    def __init__(self, *checks: Check) -> None:
        self._checks = checks

    @op("GET", "/livez")
    def livez(self) -> Health:
        """Whether the process lives."""
        return Health()

    @op("GET", "/readyz", problems=[NOT_READY])
    def readyz(self) -> Health:
        """Whether the service is ready.

        It is when the database answers and has this version's tables; `detail` says what lacks.
        """
        wrong = [said for check in self._checks if (said := check())]
        if wrong:
            raise Problem(NOT_READY, "; ".join(wrong), headers={"Retry-After": "5"})
        return Health()


def database_check(database: Database) -> Check:
    """The database answers and has the tables of this version."""

    def check() -> str | None:
        try:
            migrated = is_migrated(database)
        except SQLAlchemyError:
            return "The database cannot be reached"
        return None if migrated else "The database lacks a migration: run `writ migrate`"

    return check
