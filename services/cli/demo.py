"""The demo: a whole campaign travels the road while you watch.

Starts the embedded Writ, loads the pack, submits invented actions over HTTP, shows how far they
are, and ends with a table, a summary for machines, and the way to everything that was made.
"""

import itertools
import json
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from services.cli.campaign_tool import CampaignTool, Submitted
from services.cli.embedded import Running
from services.cli.summary import Tally, agrees, sandbox_counts, tally
from services.cli.supporters import invent_actions
from services.intake.clients.listing import list_clients
from services.intake.clients.manage import NewClient, create_client
from services.intake.packs.load import load_entries
from services.intake.packs.read import read_pack
from services.tracking.words import ShownState
from shared.api_keys import Mode, Scope
from shared.catalogue_reader import CatalogueReader

_TOOL = "The demo's campaign tool"
LOOK_EVERY_S = 0.25
LOOK_AT_LEAST_EVERY_S = 5.0
LOOK_SHARE = 20  # waits so many times as long as it looked
PATIENCE_S = 60.0  # without any change, before the demo gives up waiting

# Where a delivery's road has not ended yet.
_UNDER_WAY = frozenset(
    {
        ShownState.PLANNED,
        ShownState.SENDING,
        ShownState.UNKNOWN,
        ShownState.HANDED_OVER,
        ShownState.PRINTED,
        ShownState.POSTED,
    }
)
_NOT_HANDED_OVER = frozenset({ShownState.PLANNED, ShownState.HELD, ShownState.SENDING})


@dataclass(frozen=True, slots=True)
class Demo:
    running: Running
    console: Console
    pack: Path
    actions: int
    seed: int

    def run(self) -> bool:
        """Plays the demo; True when everything accepted is accounted for, at the sandbox too."""
        started = time.monotonic()
        entries = read_pack(self.pack).entries
        load_entries(self.running.database, self.pack.name, entries)
        before = self._played_before()
        client = self._client()
        submitted, last = self._play(client, seed=self.seed + before)
        counts = sandbox_counts(self.running.sandbox_url)
        agreed = agrees(self.running.database, counts)
        seconds = round(time.monotonic() - started, 1)
        summary = _summary(submitted, last, counts, agreed=agreed, seconds=seconds)
        self._write(summary)
        self._show(last, summary)
        return is_whole(self.actions, submitted, last, agreed=agreed)

    def _played_before(self) -> int:
        """The same supporters again would all be duplicates, and nothing would leave."""
        return sum(one.name == _TOOL for one in list_clients(self.running.database))

    def _client(self) -> NewClient:
        return create_client(self.running.database, _TOOL, mode=Mode.LIVE, scopes=tuple(Scope))

    def _play(self, client: NewClient, *, seed: int) -> tuple[Submitted, Tally]:
        catalogue = CatalogueReader(self.running.database).current()
        invented = invent_actions(catalogue, seed=seed)
        tool = CampaignTool(self.running.api_url, client.key, run=str(client.id))
        submitting = threading.Thread(
            target=tool.submit, args=(list(itertools.islice(invented, self.actions)),)
        )
        with _bars(self.console) as bars:
            watch = _Watch(bars, self.actions)
            submitting.start()
            last = self._watch(client.id, tool.result, watch, submitting)
        submitting.join()
        return tool.result, last

    def _watch(
        self, client_id: UUID, result: Submitted, watch: "_Watch", submitting: threading.Thread
    ) -> Tally:
        """Shows how far they are, until every road has ended or nothing moves any more."""
        before, moved_at = Tally((), 0), time.monotonic()
        while True:
            looks_at = time.monotonic()
            with self.running.database.read() as connection:
                now = tally(connection, client_id)
            watch.show(len(result.accepted), now)
            if now.rows != before.rows:
                before, moved_at = now, time.monotonic()
            over = not submitting.is_alive() and now.unaccounted == 0 and not _under_way(now)
            if over or time.monotonic() - moved_at > PATIENCE_S:
                return now
            # Who looks works beside them, in the same process: a small part of the time.
            rest_s = LOOK_SHARE * (time.monotonic() - looks_at)
            time.sleep(min(max(rest_s, LOOK_EVERY_S), LOOK_AT_LEAST_EVERY_S))

    def _write(self, summary: dict[str, Any]) -> None:
        file = self.running.data_dir / "demo" / "summary.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")

    def _show(self, last: Tally, summary: dict[str, Any]) -> None:
        documents = self.running.data_dir / "documents"
        show = self.console.print
        show(_table(last))
        held = summary["deliveries"]["by_state"].get("held", 0)
        if held:
            show(f"[yellow]{held} deliveries are held[/], each with its reason: see the console.")
        agreed = "the same numbers" if summary["sandbox"]["agrees"] else "[red]other numbers[/]"
        show(
            f"{summary['actions']['accepted']} actions accepted, {last.unaccounted} unaccounted for"
            f" in {summary['seconds']} s."
        )
        show(f"The sandbox's own books say {agreed}.")
        show(f"Console    {self.running.console_url}")
        show(f"API guide  {self.running.api_url}/docs")
        show(f"Documents  {documents}  (emails as .eml, letters as .pdf)", soft_wrap=True)
        show(f"Summary    {self.running.data_dir / 'demo' / 'summary.json'}", soft_wrap=True)


def is_whole(asked: int, submitted: Submitted, last: Tally, *, agreed: bool) -> bool:
    """Whether all that was asked for was accepted and is accounted for, at the sandbox too."""
    return (
        submitted.submitted == asked
        and len(submitted.accepted) == asked
        and last.unaccounted == 0
        and agreed
    )


class _Watch:
    """Four bars, one for each stretch of the road."""

    def __init__(self, bars: Progress, actions: int) -> None:
        self._bars = bars
        self._accepted = bars.add_task("actions accepted", total=actions)
        self._planned = bars.add_task("deliveries planned", total=actions)
        self._handed_over = bars.add_task("handed over", total=actions)
        self._arrived = bars.add_task("delivered", total=actions)

    def show(self, accepted: int, now: Tally) -> None:
        by_state = now.by_state()
        planned = sum(by_state.values())
        sendable = planned - by_state.get(ShownState.HELD, 0)
        handed_over = planned - sum(by_state.get(state, 0) for state in _NOT_HANDED_OVER)
        arrived = planned - by_state.get(ShownState.HELD, 0) - _under_way(now)
        self._bars.update(self._accepted, completed=accepted)
        self._bars.update(self._planned, completed=planned, total=max(planned, 1))
        self._bars.update(self._handed_over, completed=handed_over, total=max(sendable, 1))
        self._bars.update(self._arrived, completed=arrived, total=max(sendable, 1))


def _under_way(now: Tally) -> int:
    return sum(n for state, n in now.by_state().items() if state in _UNDER_WAY)


def _summary(
    submitted: Submitted, last: Tally, counts: dict[str, Any], *, agreed: bool, seconds: float
) -> dict[str, Any]:
    return {
        "actions": {
            "submitted": submitted.submitted,
            "accepted": len(submitted.accepted),
            "rejected": submitted.rejected,
        },
        "deliveries": {"by_state": last.by_state(), "by_channel": last.by_channel()},
        "unaccounted": last.unaccounted,
        "seconds": seconds,
        "sandbox": {**counts, "agrees": agreed},
    }


def _table(last: Tally) -> Table:
    states = list(last.by_state())
    table = Table(title="Deliveries by case and channel", title_justify="left")
    table.add_column("case")
    table.add_column("channel")
    for state in states:
        table.add_column(state.replace("_", " "), justify="right")
    numbers: dict[tuple[str, str], dict[str, int]] = {}
    for case, channel, state, number in last.rows:
        numbers.setdefault((case, channel), {})[state] = number
    for (case, channel), found in numbers.items():
        table.add_row(case, channel, *(str(found.get(state, "·")) for state in states))
    table.add_section()
    table.add_row("all", "", *(str(number) for number in last.by_state().values()))
    return table


def _bars(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description:>18}"),
        BarColumn(bar_width=40),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
    )
