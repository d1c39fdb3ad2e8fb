"""`writ addresses …`: shows whom nothing may be sent to, and takes a person's decision about it.

In: the stops of dispatch, the catalogue.  Out: tables, and commands, with who gave them and why.
Dispatch obeys them within seconds.
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NoReturn

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from sqlalchemy import Connection, select

from services.cli.database import open_database, operator
from services.cli.resend import corrected, resend, show_corrected
from services.dispatch.reroute import Correction, corrections, letters
from services.dispatch.stops import (
    RECIPIENT,
    Stop,
    Waiting,
    in_force,
    suggestion,
    waiting,
)
from services.intake.packs.read import read_pack
from services.tracking.commands import Command, give
from shared.catalogue import Catalogue
from shared.catalogue_reader import CatalogueReader
from shared.clock import now
from shared.database import Database
from shared.tables.dispatch import deliveries
from shared.tables.pacing import mailbox_key, paces
from shared.tables.tracking import Verb

SHOWN = 12  # characters of a mailbox's key

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_why = click.option("--why", prompt="Why", help="For the timeline; name nobody in it.")
_yes = click.option("--yes", is_flag=True, help="Do not ask.")


@click.group(invoke_without_command=True)
@click.pass_context
def addresses(context: click.Context) -> None:
    """Look at stopped addresses, and decide what becomes of what waits for them.

    Without a word more: list them.
    """
    if context.invoked_subcommand is None:
        _list()


@addresses.command()
@click.argument("folder", type=_FOLDER)
def preview(folder: Path) -> None:
    """Tell what would go to which mailbox if this pack were loaded."""
    catalogue = Catalogue(read_pack(folder).entries)
    with open_database().read() as connection:
        found = list(corrections(connection, catalogue, now()))
        again = corrected(connection, catalogue, now())
    _show_corrections(found)
    show_corrected(again)


def _show_corrections(found: Sequence[Correction]) -> None:
    if not found:
        click.echo("Nothing that is held would go elsewhere.")
        return
    table = Table("recipient", "stopped", "would go to", "deliveries")
    table.columns[3].justify = "right"
    for one in found:
        table.add_row(one.recipient, one.stopped[:SHOWN], escape(one.email), f"{one.held:,}")
    table.caption = "`writ pack load` makes it so, within seconds"
    Console().print(table)


@addresses.command()
@click.argument("whom", metavar="KEY|RECIPIENT")
@_why
def lift(whom: str, why: str) -> None:
    """Let a stopped address, or all that is stopped of a recipient, get post again."""
    database = open_database()
    with database.read() as connection:
        catalogue = CatalogueReader(database).current()
        chosen = [one for one in in_force(connection) if _fits(connection, one, whom, catalogue)]
    if not chosen:
        _fail(f"nothing is stopped that is called {whom!r}; `writ addresses` lists what is")
    wishes = [_wish(Verb.LIFT, why, key=one.key) for one in chosen]
    _give(database, wishes)
    click.echo(f"asked dispatch to lift: {', '.join(_name(one) for one in chosen)}")


@addresses.command()
@click.argument("recipient")
@_why
def stop(recipient: str, why: str) -> None:
    """Send a recipient nothing more, by whatever channel, until it is lifted."""
    database = open_database()
    if recipient not in CatalogueReader(database).current().recipients:
        _fail(f"the catalogue has no recipient {recipient!r}")
    wish = _wish(Verb.STOP, why, key=f"{RECIPIENT}{recipient}", why_stopped="person", detail=why)
    _give(database, [wish])
    click.echo(f"asked dispatch to stop: {RECIPIENT}{recipient}")


@addresses.command()
@click.argument("recipient")
@click.option("--preview", "only_show", is_flag=True, help="Only tell what would be printed.")
@_yes
@click.option("--why", default="the mailbox is stopped", show_default=True)
def letter(recipient: str, only_show: bool, yes: bool, why: str) -> None:
    """Put on paper what is held for a recipient's stopped mailbox.  Paper costs money."""
    database = open_database()
    catalogue = CatalogueReader(database).current()
    with database.read() as connection:
        found = letters(connection, catalogue, recipient, now())
    if not any(found.values()):
        click.echo("Nothing that is held for this recipient may go as a letter.")
        return
    table = Table("case", "letters")
    table.columns[1].justify = "right"
    for case, number in sorted(found.items()):
        table.add_row(escape(case), f"{number:,}" if number else "none may")
    Console().print(table)
    if only_show:
        return
    if not yes:
        click.confirm(f"Have {sum(found.values()):,} letters printed?", abort=True)
    _give(database, [_wish(Verb.BY_LETTER, why, recipient=recipient)])
    click.echo("asked dispatch to put them on paper")


addresses.add_command(resend)


@addresses.command()
@click.argument("domain")
@_why
def resume(domain: str, why: str) -> None:
    """Let emails go to a domain again that refused too many by its policy."""
    _give(open_database(), [_wish(Verb.RESUME, why, domain=domain.strip().lower())])
    click.echo(f"asked dispatch to go on with {domain}")


def _list() -> None:
    database = open_database()
    catalogue = CatalogueReader(database).current()
    with database.read() as connection:
        found, held = in_force(connection), waiting(connection)
        whose = [_recipients(connection, one, catalogue, held[one.key]) for one in found]
        domains = connection.execute(
            select(paces.c.domain, paces.c.stopped_why)
            .where(paces.c.stopped_at.is_not(None))
            .order_by(paces.c.domain)
        ).all()
    if not found and not domains:
        click.echo("No address is stopped.")
    for one, recipients in zip(found, whose, strict=True):
        Console().print(_shown(one, recipients, held[one.key], catalogue))
    for row in domains:
        Console().print(f"[bold]{escape(row.domain)}[/]: {escape(row.stopped_why or '')}")


def _shown(
    one: Stop, recipients: Sequence[str], held: Sequence[Waiting], catalogue: Catalogue
) -> Table:
    table = Table(show_header=False, title=_name(one), title_justify="left")
    table.add_column(no_wrap=True, style="bold")
    table.add_column()
    table.add_row("recipient", escape(", ".join(recipients) or "in no pack any more"))
    table.add_row("why", f"{one.why.replace('_', ' ')}: {escape(one.detail)}")
    table.add_row("since", f"{one.stopped_at:%Y-%m-%d %H:%M} UTC, by {escape(one.stopped_by)}")
    table.add_row("waiting", f"{sum(some.held for some in held):,} deliveries")
    for said in dict.fromkeys(_suggestions(one, held, catalogue)):
        table.add_row("to do", escape(said))
    return table


def _suggestions(one: Stop, held: Sequence[Waiting], catalogue: Catalogue) -> Iterator[str]:
    if one.key.startswith(RECIPIENT):
        yield "decide whether anything more may go there; `writ addresses lift` lets it"
        return
    for some in held:
        yield suggestion(one.key, catalogue, some.recipient, some.case, now())


def _recipients(
    connection: Connection, one: Stop, catalogue: Catalogue, held: Sequence[Waiting] = ()
) -> list[str]:
    """Whom the stop concerns: those of the catalogue, those that wait, and who told us of it."""
    if one.key.startswith(RECIPIENT):
        return [one.key.removeprefix(RECIPIENT)]
    known = {some.recipient for some in held}
    known |= {
        slug
        for slug, office in catalogue.recipients.items()
        if any(mailbox_key(mailbox.email) == one.key for mailbox in office.mailboxes)
    }
    told = select(deliveries.c.recipient).where(deliveries.c.id == one.delivery_id)
    return sorted(known | set(connection.scalars(told)))


def _fits(connection: Connection, one: Stop, whom: str, catalogue: Catalogue) -> bool:
    if len(whom) >= SHOWN and one.key.startswith(whom):
        return True
    return whom in {one.key, *_recipients(connection, one, catalogue)}


def _name(one: Stop) -> str:
    return one.key if one.key.startswith(RECIPIENT) else one.key[:SHOWN]


def _wish(verb: Verb, why: str, *, why_stopped: str | None = None, **arguments: str) -> Command:
    told = arguments | ({"why": why_stopped} if why_stopped else {})
    return Command(verb=verb, given_by=operator(), why=why, arguments=told)


def _give(database: Database, wishes: Sequence[Command]) -> None:
    with database.begin() as connection:
        for wish in wishes:
            give(connection, wish, now())


def _fail(sentence: str) -> NoReturn:
    click.echo(sentence, err=True)
    sys.exit(1)
