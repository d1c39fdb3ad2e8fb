"""Stores what a call hands in: once for each Idempotency-Key, and within the day's limit.

In: a piece of work and how many actions it stores.  Out: its result, or that of its first run.
Raises Problem, and then nothing is stored and nothing counts.
"""

from dataclasses import dataclass

from services.intake.idempotency import Idempotency, Once, Result, Work
from shared.api_keys import Client
from shared.database import Database
from shared.http.limits import DAILY_CAP, Limits
from shared.http.problems import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Storing:
    database: Database
    idempotency: Idempotency
    limits: Limits

    def run(self, work: Work, client: Client, *, once: Once | None, number: int) -> Result:
        """`number` actions at once, all or none."""
        try:
            with self.limits.actions(client, number) as taken:
                result = self._run(work, once)
                taken.stored = 0 if result.replayed else number
                return result
        except Problem as problem:
            if problem.kind is not DAILY_CAP or once is None:
                raise
            # It may repeat a call of before: its answer is remembered, and costs nothing.
            first = self.idempotency.first(once)
            if first is None:
                raise
            return first

    def _run(self, work: Work, once: Once | None) -> Result:
        if once is not None:
            return self.idempotency.run(once, work)
        with self.database.begin() as connection:
            return work(connection)
