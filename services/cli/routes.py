"""`writ routes …`: the list of places that the post does not reach, and what it keeps back.

In: a CSV file kept by hand, the catalogue, what waits.  Out: tables, a new list, and commands to
release what a person decided on.  Dispatch acts on them within seconds.
"""

import datetime as dt
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn
from uuid import UUID

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from sqlalchemy import Connection, select

from services.cli.database import open_database, operator
from services.dispatch.destinations.import_list import (
    ChangedMeanwhile,
    Changes,
    compare,
    current,
    import_list,
)
from services.dispatch.destinations.limits import RouteLimit, Rule, place_of, read
from services.dispatch.destinations.read_list import Fault, ListFaults, read_list
from services.dispatch.destinations.survey import Asked, Finding, survey, without_region
from services.dispatch.destinations.tend import is_held_for
from services.tracking.commands import Command, give
from shared.catalogue import Catalogue
from shared.catalogue_reader import CatalogueReader
from shared.clock import now
from shared.tables.dispatch import deliveries
from shared.tables.routes import LimitKind
from shared.tables.tracking import Verb

FAULTS = 40  # shown


def _capitals(_context: click.Context, _option: click.Parameter, code: str | None) -> str | None:
    return code and code.upper()


_country = click.option(
    "--country", metavar="CC", callback=_capitals, help="Two letters, ISO 3166."
)


@click.group()
def routes() -> None:
    """Look at suspended and restricted destinations, and keep their list."""


@routes.command(name="import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--preview", "only_show", is_flag=True, help="Only tell what would change.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def import_(file: Path, only_show: bool, yes: bool) -> None:
    """Make a CSV file the list, all of it or nothing.

    Its columns: country, region, vendor, product, kind, starts, ends, reason, source, noted_by.
    What it no longer says is dropped from the list, and stays in the history.
    """
    try:
        rules = read_list(file.read_bytes(), noted_by=operator())
    except ListFaults as found:
        Console().print(_faults(found.faults))
        _fail(f"{len(found.faults)} faults; nothing was changed")
    database = open_database()
    with database.read() as connection:
        changes = compare(connection, rules)
    if not changes:
        click.echo(f"nothing changes: {changes.kept} rows, all of them known")
        return
    Console().print(_changes(changes))
    if only_show:
        return
    if not yes:
        click.confirm("Make this the list?", abort=True)
    try:
        import_list(database, rules, changes, now())
    except ChangedMeanwhile:
        _fail("the list changed meanwhile; nothing was done, look again")
    click.echo(f"{len(changes.added)} rows added, {len(changes.dropped)} dropped")


@routes.command(name="list")
@_country
@click.option("--history", is_flag=True, help="Also what was dropped from the list.")
def list_(country: str | None, history: bool) -> None:
    """Show the list: what is in force, what will be, and what is over."""
    with open_database().read() as connection:
        known = read(connection) if history else current(connection)
    shown = [one for one in known if country in {None, one.rule.country}]
    if not shown:
        click.echo("The list is empty.")
        return
    table = Table("where", "what", "reason", "noted", show_lines=True)
    for one in shown:
        table.add_row(*_limit(one, now().date()))
    Console().print(table)


@routes.command()
@click.option("--campaign", metavar="SLUG", help="Only its cases.")
@_country
@click.option("--vendor", metavar="NAME", help="As if this provider printed everything.")
def check(campaign: str | None, country: str | None, vendor: str | None) -> None:
    """Tell what is kept back today and why, how much waits, and what the cases say instead."""
    database = open_database()
    catalogue = CatalogueReader(database).current()
    asked = Asked(campaign=campaign, country=country, vendor=vendor)
    with database.read() as connection:
        found = survey(connection, catalogue, asked, now())
        unclear = without_region(connection, catalogue, now())
    if not found:
        click.echo("Nothing on the list stands against paper today.")
    else:
        Console().print(_findings(found))
    for where, slugs in unclear.items():
        click.echo(
            f"A region of {where} is on the list, and these addresses name none, so that nothing"
            f" holds them: {', '.join(slugs)}"
        )


@routes.command()
@click.option("--country", metavar="CC", required=True, callback=_capitals)
@click.option("--case", help="Only letters for this case.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--why", prompt="Why", help="For the timeline; name nobody in it.")
def release(country: str, case: str | None, yes: bool, why: str) -> None:
    """Let go what is held because a destination is restricted; a suspended one stays held."""
    database = open_database()
    catalogue = CatalogueReader(database).current()
    with database.read() as connection:
        held = _restricted(connection, catalogue, country, case)
    if not held:
        click.echo("Nothing is held that fits.")
        return
    if not yes:
        click.confirm(f"Release {len(held):,} deliveries to {country}?", abort=True)
    with database.begin() as connection:
        for id_ in held:
            wish = Command(verb=Verb.RELEASE, given_by=operator(), why=why, delivery_id=id_)
            give(connection, wish, now())
    click.echo(f"asked dispatch to release: {len(held):,} deliveries")


def _restricted(
    connection: Connection, catalogue: Catalogue, country: str, case: str | None
) -> Sequence[UUID]:
    day = now().date()
    there = [
        slug
        for slug, office in catalogue.recipients.items()
        if (place := place_of(office, day)) and place.country == country
    ]
    query = select(deliveries.c.id).where(
        is_held_for(LimitKind.RESTRICTED), deliveries.c.recipient.in_(there)
    )
    if case:
        query = query.where(deliveries.c.case == case)
    return connection.scalars(query.order_by(deliveries.c.id)).all()


def _faults(faults: Sequence[Fault]) -> Table:
    table = Table("row", "column", "what")
    for fault in faults[:FAULTS]:
        table.add_row(str(fault.row), escape(fault.column), escape(fault.what))
    return table


def _changes(changes: Changes) -> Table:
    table = Table("", "where", "what", "reason")
    for rule in changes.added:
        table.add_row("new", *_rule(rule))
    for one in changes.dropped:
        table.add_row("dropped", *_rule(one.rule))
    table.caption = f"{changes.kept} rows stay as they are"
    return table


def _rule(rule: Rule) -> tuple[str, str, str]:
    where = "-".join(filter(None, (rule.country, rule.region)))
    what = f"{rule.kind}, {rule.product or 'all paper'}"
    ends = rule.ends or "further notice"
    return (
        where,
        f"{what}{f', by {rule.vendor}' if rule.vendor else ''}\n{rule.starts} until {ends}",
        escape(f"{rule.reason}\n{rule.source}"),
    )


def _limit(one: RouteLimit, day: dt.date) -> tuple[str, ...]:
    where, what, reason = _rule(one.rule)
    noted = f"{one.noted_at:%Y-%m-%d} by {escape(one.rule.noted_by)}"
    return where, f"[bold]{_standing(one, day)}[/] {what}", reason, noted


def _standing(one: RouteLimit, day: dt.date) -> str:
    if one.dropped_at:
        return f"dropped {one.dropped_at:%Y-%m-%d}:"
    if one.rule.starts > day:
        return "to come:"
    return "over:" if one.rule.ends and one.rule.ends < day else "in force:"


def _findings(found: Sequence[Finding]) -> Table:
    table = Table("to", "case", "why", "waiting", "instead", show_lines=True)
    table.columns[3].justify = "right"
    for one in found:
        table.add_row(
            f"{one.country} {one.recipient}\n{one.channel}",
            escape(one.case),
            escape(f"{one.limit.rule.kind}: {one.limit.said()}"),
            f"{one.waiting:,}",
            escape(one.instead),
        )
    return table


def _fail(sentence: str) -> NoReturn:
    click.echo(sentence, err=True)
    sys.exit(1)
