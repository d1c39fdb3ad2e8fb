"""`writ held …`: shows what waits for a person, and takes the person's decision."""

import sys
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar
from uuid import UUID

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from services.cli.database import open_database, operator
from services.intake.moderation.decide import (
    Changed,
    Counts,
    HeldAction,
    Selection,
    Verdict,
    decide,
    preview,
)
from services.intake.moderation.decide import held as held_actions
from services.intake.moderation.rules import SAYS, Reason
from shared.api_keys import Mode
from shared.clock import now

F = TypeVar("F", bound=Callable[..., Any])

_DONE = {Verdict.RELEASE: "released", Verdict.REJECT: "rejected"}


@click.group()
def held() -> None:
    """Look at held actions, and release or reject them."""


def _selected(function: F) -> F:
    """The options by which held actions are chosen."""
    reasons = click.Choice([one.value for one in Reason])
    modes = click.Choice([one.value for one in Mode])
    for option in (
        click.option("--mode", type=modes, default=Mode.LIVE.value, show_default=True),
        click.option("--reason", type=reasons, help="Only what is held for this, or this too."),
        click.option("--case", help="Only actions for this case."),
    ):
        function = option(function)
    return function


def _decision(function: F) -> F:
    for option in (
        click.option("--yes", is_flag=True, help="Do not ask."),
        click.option("--why", help="For the audit log; without it, it is asked for."),
        click.option(
            "--action", "actions", multiple=True, type=click.UUID, help="May be repeated."
        ),
    ):
        function = option(function)
    return _selected(function)


@held.command(name="list")
@_selected
@click.option("--limit", type=click.IntRange(1, 1_000), default=20, show_default=True)
def list_(limit: int, **chosen: Any) -> None:
    """Show held actions with their words, the oldest first."""
    selection = _selection(**chosen)
    with open_database().read() as connection:
        counts = preview(connection, selection)
        found = held_actions(connection, selection, limit=limit)
    if not found:
        click.echo("Nothing is held.")
        return
    table = Table("action", "words, and what they are held for", show_lines=True)
    table.columns[0].no_wrap = True
    for one in found:
        table.add_row(*_row(one))
    table.caption = f"{len(found):,} of {counts.seen.number:,} held actions, the oldest first"
    Console().print(table)


@held.command()
@_decision
def release(**given: Any) -> None:
    """Let held actions go their way, as if they had never been held."""
    _decide(Verdict.RELEASE, **given)


@held.command()
@_decision
def reject(**given: Any) -> None:
    """Keep held actions for good: they are never delivered."""
    _decide(Verdict.REJECT, **given)


def _decide(verdict: Verdict, *, why: str | None, yes: bool, **chosen: Any) -> None:
    """Counts, asks, and decides on what was counted."""
    selection, database = _selection(**chosen), open_database()
    with database.read() as connection:
        counts = preview(connection, selection)
    if not counts.seen.number:
        click.echo("Nothing is held that fits.")
        return
    Console().print(_counted(counts))
    why = why or click.prompt("Why")
    if not yes:
        click.confirm(f"{verdict.title()} {counts.seen.number:,} held actions?", abort=True)
    try:
        with database.begin() as connection:
            decided = decide(
                connection, selection, verdict, counts.seen, actor=operator(), why=why, now=now()
            )
    except Changed:
        _fail("what is held changed meanwhile; nothing was done, look again")
    click.echo(f"{decided:,} {_DONE[verdict]}")


def _selection(
    *,
    case: str | None,
    reason: str | None,
    mode: str,
    actions: tuple[UUID, ...] = (),
) -> Selection:
    return Selection(
        mode=Mode(mode),
        case=case,
        reason=Reason(reason) if reason else None,
        actions=actions or None,
    )


def _row(one: HeldAction) -> tuple[str, str]:
    what = (
        f"{one.id}",
        f"[bold]{escape(one.case)}[/]",
        f"{one.kind} by {one.channel}, in {escape(one.language)}",
        f"held since {one.accepted_at:%Y-%m-%d %H:%M} UTC",
    )
    said = (
        *([escape(one.words)] if one.words else []),
        f"— {escape(one.supporter_name or '')}",
        *(f"[bold]{reason}[/]: {SAYS[reason]}" for reason in one.reasons),
    )
    return "\n".join(what), "\n".join(said)


def _counted(counts: Counts) -> Table:
    table = Table("case or reason", "held actions")
    table.columns[1].justify = "right"
    for counted in (counts.by_case, counts.by_reason):
        for name, number in counted.items():
            table.add_row(escape(name), f"{number:,}")
        table.add_section()
    table.caption = f"{counts.seen.number:,} held actions"
    return table


def _fail(sentence: str) -> NoReturn:
    click.echo(sentence, err=True)
    sys.exit(1)
