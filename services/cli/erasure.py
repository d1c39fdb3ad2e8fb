"""`writ erase` and `writ retention`: forgets supporters, one by one or when their time is over."""

import json
from collections.abc import Mapping
from uuid import UUID

import click
from email_validator import EmailNotValidError, validate_email
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from sqlalchemy import select

from services.cli.database import open_database, operator, settings
from services.cli.progress import progress
from services.intake.erase import ToErase, Whom, erase, of_email, of_ref, preview
from services.intake.leave_out import open_files
from services.intake.retention import Due, Retention, due
from services.intake.settings import Settings as IntakeSettings
from shared.clock import now
from shared.database import Database
from shared.tables.intake import api_clients


@click.command(name="erase")
@click.option(
    "--email",
    is_flag=False,
    flag_value="",
    help="The supporter's address; without a value it is asked for, and no shell remembers it.",
)
@click.option("--ref", help="A `supporter_ref` of any client.")
@click.option("--why", default="the supporter asked for it", show_default=True)
@click.option("--yes", is_flag=True, help="Do not ask.")
def erase_supporter(email: str | None, ref: str | None, why: str, yes: bool) -> None:
    """Erase one supporter, through whatever client they acted.

    Names, addresses and words go, what has not left is cancelled, and every sum stays. Files that
    are not over yet leave out this supporter's rows. `why` is kept in the audit log: name nobody
    in it.
    """
    if (email is None) == (ref is None):
        raise click.UsageError("Give either --email or --ref.")
    database = open_database()
    whom = _whom(database, email, ref)
    found, files = _preview(database, whom)
    if not (found or files):
        click.echo("There is nothing to erase.")
        return
    if not yes:
        click.confirm("Erase them? This cannot be taken back.", abort=True)
    with database.begin() as connection:
        erased = erase(connection, whom, at=now(), actor=operator(), subject="a supporter", why=why)
    click.echo(f"{erased:,} actions erased; deliveries and receipts follow within a minute")


@click.command()
@click.option("--dry-run", is_flag=True, help="Only show what would go.")
@click.option("--json", "as_json", is_flag=True, help="For machines: one JSON object a line.")
def retention(dry_run: bool, as_json: bool) -> None:
    """Erase the data of supporters whose campaigns keep it no longer.

    `writ intake-worker` does the same by itself, several times a day.
    """
    database, at = open_database(), now()
    with database.read() as connection:
        found = due(connection, at)
    for one in found:
        _say_due(one, as_json=as_json)
    total = sum(one.actions for one in found)
    if dry_run:
        _say({"due": total}, f"{total:,} actions would be erased", as_json=as_json)
        return
    erased = 0
    with progress("erasing", total, as_json=as_json) as advance:
        for number in Retention(database).run(at):
            erased += number
            advance(number)
    _say({"erased": erased}, f"{erased:,} actions erased", as_json=as_json)


def _whom(database: Database, email: str | None, ref: str | None) -> Whom:
    key = IntakeSettings.from_env(settings()).identity_key
    if ref:
        with database.read() as connection:
            return of_ref(connection, key, ref)
    return of_email(key, _address(email or click.prompt("Email", hide_input=True)))


def _address(email: str) -> str:
    try:
        found = validate_email(email, allow_smtputf8=False, strict=True, check_deliverability=False)
    except EmailNotValidError as error:  # its words quote the address
        raise click.BadParameter("this is no email address") from error
    return found.ascii_email or ""  # never None without SMTPUTF8


def _preview(database: Database, whom: Whom) -> tuple[list[ToErase], int]:
    """Shows what would be erased, and gives it, with the number of files that are open."""
    with database.read() as connection:
        found, files = preview(connection, whom), open_files(connection)
        clients = connection.execute(select(api_clients.c.id, api_clients.c.name))
        names: dict[UUID, str] = {row.id: row.name for row in clients}
    if found:
        table = Table("campaign", "client", "actions")
        table.columns[2].justify = "right"
        for one in found:
            name = names.get(one.client_id, str(one.client_id))
            table.add_row(one.campaign, escape(name), f"{one.actions:,}")
        Console().print(table)
    if files:
        stored = "" if found else "No action of this supporter is stored. "
        click.echo(f"{stored}Rows are left out of files that are not over yet: {files:,}")
    return found, files


def _say_due(one: Due, *, as_json: bool) -> None:
    said = {"campaign": one.campaign, "older_than_days": one.days, "due": one.actions}
    words = f"{one.campaign}: {one.actions:,} actions were accepted over {one.days:,} days ago"
    _say(said, words, as_json=as_json)


def _say(said: Mapping[str, object], words: str, *, as_json: bool) -> None:
    click.echo(json.dumps(said) if as_json else words)
