"""The figures of a bench: each beside the floor or peer that was measured in the same run.

In: `Figure`s.  Out: a table for people, `report.json` for machines, and the goals that were missed.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from rich.table import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measure.  `ratio` is value over floor, whichever of them is better when it is large."""

    name: str
    value: float
    unit: str
    floor: float
    floor_what: str
    peak_mb: float | None = None  # of memory, where there is a goal for it

    @property
    def ratio(self) -> float:
        return round(self.value / self.floor, 3)


def middle(rounds: Sequence[Figure]) -> Figure:
    """The round with the median ratio: each beside a floor measured moments after it.

    A machine that is busy for a while is so for a value and its floor, or for one round alone.
    """
    one = sorted(rounds, key=lambda figure: figure.ratio)[len(rounds) // 2]
    if len(rounds) == 1:
        return one
    told = ", ".join(f"{figure.ratio:g}" for figure in rounds)
    return replace(one, floor_what=f"{one.floor_what} The middle of {len(rounds)} rounds: {told}.")


@dataclass(frozen=True, slots=True)
class Goal:
    """What a figure must reach, in words and as a check."""

    says: str
    holds: Callable[[Figure], bool]


GOALS: Mapping[str, Goal] = {
    "email.single": Goal(
        "ratio ≥ 0.6, ≤ 150 MB", lambda one: one.ratio >= 0.6 and (one.peak_mb or 0) <= 150
    ),
    "email.bulk": Goal(
        "ratio ≥ 2, ≤ 150 MB", lambda one: one.ratio >= 2 and (one.peak_mb or 0) <= 150
    ),
    "paper.letters": Goal("ratio ≥ 0.5", lambda one: one.ratio >= 0.5),
    "paper.petition_100k_s": Goal(
        "< 60 s, ≤ 2,000 MB", lambda one: one.value < 60 and (one.peak_mb or 0) <= 2000
    ),
    "road.latency_p50_ms": Goal("< 150 ms", lambda one: one.value < 150),
    "road.latency_p99_ms": Goal("< 500 ms", lambda one: one.value < 500),
    "intake.single": Goal(
        "≥ 500/s, ratio ≥ 0.5", lambda one: one.value >= 500 and one.ratio >= 0.5
    ),
    "intake.batch": Goal(
        "≥ 3,000/s, ratio ≥ 0.4", lambda one: one.value >= 3000 and one.ratio >= 0.4
    ),
    "intake.import": Goal(
        "≥ 1,667/s, ≤ 300 MB", lambda one: one.ratio >= 1 and (one.peak_mb or 0) <= 300
    ),
    "growth.cost": Goal("≤ 1.2", lambda one: one.value <= 1.2),
}


def missed(figures: Sequence[Figure]) -> list[str]:
    """The names of those that miss their goal."""
    return [one.name for one in figures if not GOALS[one.name].holds(one)]


def write(figures: Sequence[Figure], file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    rows = [{**asdict(one), "ratio": one.ratio} for one in figures]
    file.write_text(json.dumps(rows, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def table(figures: Sequence[Figure]) -> Table:
    shown = Table(title="Writ beside its floors", title_justify="left")
    for heading in ("figure", "value", "", "floor", "ratio", "goal"):
        shown.add_column(heading, justify="right" if heading != "figure" else "left")
    late = missed(figures)
    for one in figures:
        colour = "red" if one.name in late else "green"
        shown.add_row(
            one.name,
            f"[{colour}]{one.value:g}[/]",
            one.unit,
            f"{one.floor:g}",
            f"{one.ratio:g}",
            GOALS[one.name].says,
        )
    return shown


def notes(figures: Sequence[Figure]) -> str:
    """What was measured, exactly, and beside what."""
    return "\n".join(f"[bold]{one.name}[/]  {one.floor_what}" for one in figures)
