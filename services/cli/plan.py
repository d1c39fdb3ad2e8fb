"""`writ plan …`: shows beforehand what a plan would make of a season.

In: a recipient of the catalogue, or of a pack that is not loaded yet.  Out: a table and a sentence.
"""

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from services.cli.database import open_database
from services.dispatch.forecast import Day, forecast, in_a_sentence
from services.intake.packs.read import read_pack
from shared.catalogue import Catalogue, Recipient
from shared.catalogue_reader import CatalogueReader
from shared.clock import now

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_COLUMNS = ("day", "actions", "emails of their own", "in the digest", "still waiting")


@click.group()
def plan() -> None:
    """See beforehand what leaves when."""


@plan.command(name="forecast")
@click.option("--recipient", "slug", required=True, help="Its slug, as in a pack.")
@click.option("--actions", type=click.IntRange(1, 10_000_000), required=True)
@click.option("--days", type=click.IntRange(1, 366), default=56, show_default=True)
@click.option("--from", "first", type=click.DateTime(["%Y-%m-%d"]), help="[default: today]")
@click.option("--pack", "folder", type=_FOLDER, help="Instead of the packs that are loaded.")
@click.option("--json", "as_json", is_flag=True, help="The same for machines.")
def forecast_(
    *,
    slug: str,
    actions: int,
    days: int,
    first: dt.datetime | None,
    folder: Path | None,
    as_json: bool,
) -> None:
    """Tell what one mailbox gets when so many actions come evenly over so many days.

    It reckons with the mailbox to itself: other cases and campaigns share its pace.
    """
    recipient = _recipient(slug, folder)
    arrivals = [actions * (n + 1) // days - actions * n // days for n in range(days)]
    found = forecast(recipient, arrivals, (first or now()).date())
    said = in_a_sentence(recipient, found)
    if as_json:
        told = {"recipient": slug, "days": [asdict(one) for one in found], "summary": said}
        click.echo(json.dumps(told, default=str))
        return
    console = Console()
    console.print(_table(found))
    console.print(said, soft_wrap=True)


def _recipient(slug: str, folder: Path | None) -> Recipient:
    if folder:
        catalogue = Catalogue(read_pack(folder).entries)
    else:
        catalogue = CatalogueReader(open_database()).current()
    recipient = catalogue.recipients.get(slug)
    if recipient is None:
        raise click.BadParameter(f"there is no recipient {slug!r}", param_hint="--recipient")
    return recipient


def _table(days: Sequence[Day]) -> Table:
    table = Table(*_COLUMNS)
    for column in table.columns[1:]:
        column.justify = "right"
    for one in days:
        numbers = (one.arrived, one.singles, one.digested, one.waiting)
        table.add_row(
            f"{one.day:%a %d %b %Y}", *(f"{number:,}" if number else "" for number in numbers)
        )
    return table
