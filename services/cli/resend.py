"""`writ addresses resend …`: sends again what came back from a recipient, after a look at where to.

In: what tracking says may leave again, the catalogue.  Out: a table, what speaks against it, and a
command for each delivery.  Dispatch obeys within seconds, and holds what goes to a stopped address.
"""

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from sqlalchemy import Connection

from services.cli.database import open_database, operator
from services.dispatch.stops import RECIPIENT, stopped
from services.tracking.commands import give
from services.tracking.resend import CameBack, came_back, command
from shared.catalogue import Catalogue, Channel, Recipient
from shared.catalogue_reader import CatalogueReader
from shared.clock import now
from shared.tables.pacing import mailbox_key

NOWHERE = "nowhere"


@click.command()
@click.argument("recipient")
@click.option("--preview", "only_show", is_flag=True, help="Only tell what would leave, and where.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--why", help="For the timeline; name nobody in it.  Without it, it is asked for.")
def resend(recipient: str, only_show: bool, yes: bool, why: str | None) -> None:
    """Send again what came back from a recipient, to the address that the pack has today.

    Mend the pack first, and load it.  What arrived, or may have, is not sent again.
    """
    database = open_database()
    office = CatalogueReader(database).current().recipients.get(recipient)
    with database.read() as connection:
        found = came_back(connection, recipient)
        doubts = list(_doubts(connection, recipient, office, found))
    if not found:
        click.echo("Nothing that came back from this recipient may leave again.")
        return
    Console().print(_table(office, found))
    for doubt in doubts:
        click.echo(doubt)
    if only_show:
        return
    why = why or click.prompt("Why")
    if not yes:
        click.confirm(f"Send {len(found):,} deliveries again?", abort=True)
    given = 0
    with database.begin() as connection:
        for one in found:
            wish = command(connection, one.id, given_by=operator(), why=why)
            given += give(connection, wish, now())
    click.echo(f"asked dispatch to send again: {given:,} deliveries")


def corrected(
    connection: Connection, catalogue: Catalogue, at: dt.datetime
) -> Mapping[tuple[str, str], int]:
    """By recipient and today's address: how many came back from another, and may leave again."""
    found: Counter[tuple[str, str]] = Counter()
    for one in came_back(connection):
        office = catalogue.recipients.get(one.recipient)
        where = _where(office, one.channel, at.date())
        if office and where and one.address and not _is_same(office, one, at.date()):
            found[one.recipient, where] += 1
    return found


def show_corrected(found: Mapping[tuple[str, str], int]) -> None:
    if not found:
        return
    table = Table("recipient", "could be sent again to", "deliveries that came back")
    table.columns[2].justify = "right"
    for (recipient, where), number in sorted(found.items()):
        table.add_row(recipient, escape(where), f"{number:,}")
    table.caption = "once it is loaded, `writ addresses resend RECIPIENT` does it"
    Console().print(table)


def _table(office: Recipient | None, found: Sequence[CameBack]) -> Table:
    table = Table("case", "by", "deliveries that came back", "would go to")
    table.columns[2].justify = "right"
    for (case, channel), number in sorted(
        Counter((one.case, one.channel) for one in found).items()
    ):
        where = _where(office, channel, now().date()) or NOWHERE
        table.add_row(escape(case), channel, f"{number:,}", escape(where))
    return table


def _doubts(
    connection: Connection, slug: str, office: Recipient | None, found: Sequence[CameBack]
) -> Iterator[str]:
    """What speaks against it, and what to do first."""
    if stopped(connection, [f"{RECIPIENT}{slug}"]):
        yield f"The recipient is stopped: they would be held until `writ addresses lift {slug}`."
    for channel, some in groupby(sorted(found, key=_channel), _channel):
        yield from _doubts_of(connection, office, channel, list(some))


def _doubts_of(
    connection: Connection, office: Recipient | None, channel: str, some: Sequence[CameBack]
) -> Iterator[str]:
    day = now().date()
    if office is None or (where := _where(office, channel, day)) is None:
        yield f"No address by {channel} is known today: they would be held. Mend the pack first."
        return
    if reason := _pack_holds(office, channel, day):
        yield f"The pack holds what goes there by {channel}: {reason}"
    if channel == Channel.EMAIL and stopped(connection, [mailbox_key(where)]):
        yield (
            "Today's mailbox is stopped: they would be held. Mend it in the pack and load that, or"
            f" `writ addresses lift {office.slug}` where it was right after all."
        )
    if same := sum(_is_same(office, one, day) for one in some):
        yield f"By {channel} {same:,} came back from the very address that they would go to."


def _where(office: Recipient | None, channel: str, day: dt.date) -> str | None:
    """Today's address by this channel, in one line."""
    if office is None:
        return None
    if channel == Channel.EMAIL:
        mailbox = office.mailbox_on(day)
        return mailbox.email if mailbox else None
    postal = office.address_on(day)
    return ", ".join((*postal.lines, postal.country)) if postal else None


def _pack_holds(office: Recipient, channel: str, day: dt.date) -> str | None:
    if channel == Channel.EMAIL:
        mailbox = office.mailbox_on(day)
        return mailbox.hold if mailbox else None
    postal = office.address_on(day)
    return (postal.hold if postal else None) or office.paper_hold


def _is_same(office: Recipient, one: CameBack, day: dt.date) -> bool:
    """Whether it came back from today's address."""
    if one.address is None:
        return False
    if one.channel == Channel.EMAIL:
        mailbox = office.mailbox_on(day)
        return mailbox is not None and mailbox_key(mailbox.email) == mailbox_key(one.address)
    postal = office.address_on(day)
    # The office, its holder and the country stand around them.
    return postal is not None and set(postal.lines) <= set(one.address.splitlines())


def _channel(one: CameBack) -> str:
    return one.channel
