"""`python -m tests.faults --minutes N --seed S`: a storm, then a count; exit 1 on violations.

Writes var/faults/report.json and every process's log beside it.  `--prove-checker` runs a minute
with boto3's own retries left on, and passes only if the checker finds what they doubled.
"""

import json
import sys
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from sqlalchemy.exc import DBAPIError
from urllib3.exceptions import HTTPError

from tests.faults.check import Verdict, examine
from tests.faults.load import ConstantLoad
from tests.faults.plan import Fault, plan, plan_for_careless_clients
from tests.faults.storm import STORMY, Supervisor, heal, strike
from tests.production import DISPATCH, ROOT, Command, Production

FOLDER = ROOT / "var" / "faults"
CARELESS: Command = (sys.executable, "-m", "tests.faults.careless_dispatch")
QUIET_S = 300.0  # at most, after the storm: a delivery may wait minutes for its next attempt
TRAILING, TRAIL_EVERY_S = 12, 15.0  # actions that keep the stream of Send events moving


@dataclass(slots=True)
class Storm:
    """One storm over one Writ, and what it came to."""

    writ: Production
    console: Console
    load: ConstantLoad
    supervisor: Supervisor
    struck: Counter[str] = field(default_factory=Counter)

    def rage(self, faults: list[Fault], seconds: float) -> None:
        started = time.monotonic()
        self.load.start()
        with _bar(self.console) as bar:
            task = bar.add_task("the storm", total=seconds)
            for fault in faults:
                self._until(started + fault.at_s, bar, task)
                bar.update(task, description=str(fault), completed=time.monotonic() - started)
                strike(fault, self.writ, self.supervisor)
                self.struck[str(fault)] += 1
            self._until(started + seconds, bar, task)
            bar.update(task, description="the storm", completed=seconds)

    def calm(self) -> str:
        """Heals, and waits until all is quiet; what still moves when patience ends, or nothing."""
        heal(self.writ)
        self.load.stop()
        with self.console.status("waiting until nothing moves any more"):
            trail_at, deadline = 0.0, time.monotonic() + QUIET_S
            while moving := self._moving():
                if time.monotonic() > deadline:
                    return ", ".join(moving)
                if time.monotonic() > trail_at:
                    self.load.submit(TRAILING)
                    trail_at = time.monotonic() + TRAIL_EVERY_S
                time.sleep(1)
        return ""

    def _moving(self) -> list[str]:
        try:
            return self.writ.moving()
        except (DBAPIError, HTTPError, ValueError) as error:
            return [f"nobody answers: {type(error).__name__}"]

    def _until(self, moment: float, bar: Progress, task: Any) -> None:
        while (left := moment - time.monotonic()) > 0:
            bar.update(task, description="the storm")
            time.sleep(min(left, 0.5))
            bar.advance(task, min(left, 0.5))


@click.command()
@click.option("--minutes", default=5.0, show_default=True, help="How long the storm lasts.")
@click.option("--seed", default=1, show_default=True, help="The same seed, the same faults.")
@click.option("--prove-checker", is_flag=True, help="A careless client must turn it red.")
def storm(minutes: float, seed: int, prove_checker: bool) -> None:
    """Kill everything at random under load, heal, and count."""
    console, seconds = Console(), 60.0 if prove_checker else 60 * minutes
    with ExitStack() as stack:
        with console.status("starting PostgreSQL, RabbitMQ and every service"):
            dispatch = CARELESS if prove_checker else DISPATCH
            writ = Production(settings=STORMY, dispatch=dispatch, logs=FOLDER / "logs")
            stack.enter_context(writ)
        supervisor = Supervisor(writ)
        stack.callback(supervisor.stop)
        supervisor.start()
        raging = Storm(writ, console, ConstantLoad(writ, seed=seed), supervisor)
        stack.callback(raging.load.stop)
        faults = (
            plan_for_careless_clients(seconds)
            if prove_checker
            else plan(seed, seconds, dispatchers=writ.dispatchers)
        )
        raging.rage(faults, seconds)
        moving = raging.calm()
        verdict = examine(writ, raging.load.acknowledged)
    report = _report(raging, verdict, moving, seed=seed)
    _write(report, "careless.json" if prove_checker else "report.json")
    _show(console, report, verdict)
    if prove_checker:
        console.print(_proof(verdict))
        sys.exit(0 if verdict.doubled else 1)
    sys.exit(1 if report["violations"] else 0)


def _report(raging: Storm, verdict: Verdict, moving: str, *, seed: int) -> dict[str, Any]:
    violations = list(verdict.violations)
    if moving:
        violations.append(f"not quiet {QUIET_S:.0f} s after the storm: {moving}")
    return {
        "attempted": raging.load.attempted,
        "acknowledged": len(raging.load.acknowledged),
        "lost": verdict.lost,
        "doubled": verdict.doubled,
        "unknown": verdict.unknown,
        "faults": dict(sorted(raging.struck.items())),
        "violations": violations,
        "seed": seed,
        "unknown_settled": verdict.settled,
        "rejected": raging.load.rejected,
        "stored": verdict.stored,
        "deliveries": verdict.states,
        "taken_by_the_sandbox": verdict.taken,
        "restarted_by_the_supervisor": raging.supervisor.restarts,
    }


def _write(report: Mapping[str, Any], name: str) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    text = json.dumps(report, indent=2, ensure_ascii=False)
    (FOLDER / name).write_text(text + "\n", encoding="utf-8")


def _show(console: Console, report: Mapping[str, Any], verdict: Verdict) -> None:
    table = Table(title="After the storm", title_justify="left", show_header=False)
    table.add_column(justify="right")
    table.add_column()
    table.add_row(str(sum(report["faults"].values())), "faults")
    table.add_row(str(report["attempted"]), "actions attempted")
    table.add_row(str(report["acknowledged"]), "acknowledged with 202")
    for state, number in verdict.states.items():
        table.add_row(str(number), f"deliveries {state.replace('_', ' ')}")
    table.add_row(str(verdict.taken), "taken by the sandbox")
    for word, number in verdict.settled.items():
        table.add_row(str(number), f"unknown attempts settled: {word.replace('_', ' ')}")
    for word in ("lost", "doubled", "unknown"):
        table.add_row(f"[{'red' if report[word] else 'green'}]{report[word]}[/]", word)
    console.print(table)
    for violation in report["violations"]:
        console.print(f"[red]violation:[/] {violation}", soft_wrap=True)


def _proof(verdict: Verdict) -> str:
    if verdict.doubled:
        return f"The checker found {verdict.doubled} deliveries that boto3's retries doubled."
    return "[red]The checker saw nothing doubled by boto3's retries: it proves nothing.[/]"


def _bar(console: Console) -> Progress:
    columns = (TextColumn("{task.description:<28}"), BarColumn(bar_width=40), TimeElapsedColumn())
    return Progress(*columns, console=console)


if __name__ == "__main__":
    storm()
