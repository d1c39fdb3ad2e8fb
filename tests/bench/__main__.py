"""`python -m tests.bench [--quick] [FIGURE …]`: measures, shows, writes var/bench/report.json."""

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tests.bench import arrivals, emails, growth, imports, latency, letters, petition, report
from tests.bench.load import STEADY, Bench
from tests.bench.report import Figure
from tests.production import ROOT, Production

REPORT = ROOT / "var" / "bench" / "report.json"
# Growth begins on a young database, and makes it old; actions then arrive in an old one.
FIGURES: Mapping[str, Callable[[Bench], Figure | Sequence[Figure]]] = {
    "road.latency": latency.measure,
    "email.single": emails.measure_single,
    "email.bulk": emails.measure_bulk,
    "paper.letters": letters.measure,
    "paper.petition_100k_s": petition.measure,
    "growth.cost": growth.measure,
    "intake.single": arrivals.measure_single,
    "intake.batch": arrivals.measure_batch,
    "intake.import": imports.measure,
}


@click.command()
@click.option("--quick", is_flag=True, help="Smaller: under two minutes.")
@click.argument("names", nargs=-1, type=click.Choice(list(FIGURES)))
def bench(quick: bool, names: tuple[str, ...]) -> None:
    """Measure Writ beside its floors; exit status 1 where a goal is missed."""
    console, started = Console(), time.monotonic()
    chosen = [measure for name, measure in FIGURES.items() if not names or name in names]
    with ExitStack() as stack:
        with console.status("starting PostgreSQL, RabbitMQ and every service"):
            writ = stack.enter_context(Production(settings=STEADY, logs=REPORT.parent / "logs"))
        bars = stack.enter_context(_bars(console))
        bench_ = Bench(writ, bars, quick)
        figures = [one for measure in chosen for one in _figures(measure(bench_))]
    report.write(figures, REPORT)
    console.print(report.table(figures), report.notes(figures), sep="\n")
    console.print(f"{REPORT.relative_to(ROOT)}, in {time.monotonic() - started:.0f} s")
    late = report.missed(figures)
    if late:
        console.print(f"[red]missed:[/] {', '.join(late)}")
    sys.exit(1 if late else 0)


def _figures(measured: Figure | Sequence[Figure]) -> Sequence[Figure]:
    return [measured] if isinstance(measured, Figure) else measured


def _bars(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        refresh_per_second=2,
    )


if __name__ == "__main__":
    bench()
