"""What the tables must come to, said once more in Python: the judge of the queries."""

import datetime as dt
from collections.abc import Iterable

from services.tracking.words import (
    RANK,
    STATE_BEFORE_RECEIPTS,
    Fact,
    Outcome,
    ShownState,
    outcome_of,
)
from shared.tables.dispatch import DeliveryState

END_OF_TIME = dt.datetime.max.replace(tzinfo=dt.UTC)


def project(facts: Iterable[Fact]) -> Outcome | None:
    """What all the facts add up to; None without any.  Order and repeats change nothing."""
    return max(map(outcome_of, facts), key=says, default=None)


def says(outcome: Outcome) -> tuple[int, dt.timedelta, str]:
    """Sorts outcomes by how much they say; of equals the earliest says most."""
    return RANK[outcome.state], END_OF_TIME - outcome.since, outcome.reason or ""


def shown_state(outcome: str | None, state: str, held_reason: str | None) -> ShownState:
    """The state everybody sees."""
    if outcome is not None:
        return ShownState(outcome)
    if state == DeliveryState.DUE and held_reason is not None:
        return ShownState.HELD
    return STATE_BEFORE_RECEIPTS[DeliveryState(state)]
