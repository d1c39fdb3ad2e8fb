"""How far an import is, and how long it will still take: for the API and for the terminal."""

import datetime as dt
from dataclasses import dataclass

from services.intake.imports.keeping import Import, ImportState


@dataclass(frozen=True, slots=True)
class Progress:
    percentage: float | None = None  # of checking, or of taking
    rows_per_s: float | None = None
    remaining_s: int | None = None


def progress(one: Import, now: dt.datetime) -> Progress:
    if one.state is ImportState.DONE:
        return Progress(100.0)
    since = one.started_at if one.state is ImportState.RUNNING else one.created_at
    if (
        one.state not in {ImportState.CHECKING, ImportState.RUNNING}
        or not one.rows
        or since is None
    ):
        return Progress()
    percentage = round(100 * one.done / one.rows, 1)
    seconds = (now - since).total_seconds()
    if not one.done or seconds <= 0:
        return Progress(percentage)
    rate = one.done / seconds
    return Progress(percentage, round(rate, 1), round((one.rows - one.done) / rate))
