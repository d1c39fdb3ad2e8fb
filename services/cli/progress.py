"""Shows how far long work has come: a bar for people, a line of JSON each second for machines."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

_SAY_EVERY_S = 1.0


@contextmanager
def progress(what: str, total: int, *, as_json: bool) -> Iterator[Callable[[int], None]]:
    """Gives a function to be told, after each step, how many more are done.

    Shown are the percentage, how many a second, and the time that remains.
    """
    if as_json:
        yield _Lines(what, total).advance
        return
    columns = (
        *(TextColumn("{task.description}"), BarColumn(bar_width=40), TaskProgressColumn()),
        *(_Rate(), TimeRemainingColumn()),
    )
    with Progress(*columns, console=Console(stderr=True)) as bars:
        bar = bars.add_task(what, total=total)
        yield lambda more: bars.advance(bar, more)


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.speed or 0:,.0f}/s")


class _Lines:
    def __init__(self, what: str, total: int) -> None:
        self._what, self._total = what, total
        self._done = 0
        self._began_at = self._said_at = time.monotonic()

    def advance(self, more: int) -> None:
        self._done += more
        now = time.monotonic()
        if now - self._said_at < _SAY_EVERY_S:
            return
        self._said_at = now
        per_s = self._done / (now - self._began_at)
        said = {
            "doing": self._what,
            "done": self._done,
            "of": self._total,
            "percent": round(100 * self._done / max(1, self._total), 1),
            "per_s": round(per_s),
            "left_s": round((self._total - self._done) / per_s) if per_s else None,
        }
        click.echo(json.dumps(said))
