"""`writ key …`: makes, lists, renews and revokes API keys; makes the keys of the services."""

import base64
import datetime as dt
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn, TypeVar
from uuid import UUID

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from services.cli.database import open_database, operator
from services.intake.clients.listing import ShownClient, ShownKey, list_clients
from services.intake.clients.manage import (
    Ambiguous,
    NewClient,
    NotInForce,
    Terms,
    TwoKeysAlive,
    create_client,
    revoke_client,
    revoke_key,
    rotate_key,
)
from shared.api_keys import Mode, Scope
from shared.catalogue_reader import CatalogueReader
from shared.clock import now
from shared.database import Database
from shared.privacy import Keyring

F = TypeVar("F", bound=Callable[..., Any])

_NO_CAP = (
    "It may hand in any number of actions, on a day and in a burst; a client made with --daily 5000"
    " has limits for both."
)
_OF_A_TOOL = (Scope.SUBMIT, Scope.READ, Scope.CATALOGUE)


@click.group()
def key() -> None:
    """Make, list, renew and revoke keys."""


def _expires(function: F) -> F:
    said = "The key's last day (UTC), as 2027-06-30."
    day = click.DateTime(["%Y-%m-%d"])
    return click.option("--expires", "last_day", type=day, help=said)(function)


@key.command()
@click.argument("name")
@click.option("--mode", type=click.Choice([mode.value for mode in Mode]), default=Mode.TEST.value)
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice([scope.value for scope in Scope]),
    help="What the key may do; without it, submit, read and catalogue.",
)
@click.option("--campaign", "campaigns", multiple=True, help="Only this campaign; may be repeated.")
@click.option("--rate", type=click.IntRange(0), default=0, help="Requests a second, 0: no limit.")
@click.option(
    "--daily",
    type=click.IntRange(0),
    default=0,
    help="Actions a day, 0: no limit. More than half of them within an hour is a burst, and held.",
)
@_expires
def create(name: str, mode: str, scopes: tuple[str, ...], **narrowed: Any) -> None:
    """Make an API key for a campaign tool.  It is shown once.

    A test key does everything but the last step; --mode live sends.
    """
    database = open_database()
    chosen = [Scope(scope) for scope in scopes] or _OF_A_TOOL
    terms = _terms(database, **narrowed)
    made = create_client(
        database, name, mode=Mode(mode), scopes=chosen, terms=terms, actor=operator()
    )
    _show(made)
    if Scope.SUBMIT in chosen and not terms.daily_actions:
        click.echo(_NO_CAP, err=True)


@key.command()
@click.argument("client", type=click.UUID)
@click.option(
    "--keep",
    "days",
    type=click.IntRange(0),
    help="End the older key after so many days; without it, when you revoke it.",
)
@_expires
def renew(client: UUID, days: int | None, last_day: dt.datetime | None) -> None:
    """Make a second key for a client, to change over without a pause."""
    older_ends_at = None if days is None else now() + dt.timedelta(days=days)
    try:
        made = rotate_key(
            open_database(),
            client,
            expires_at=_end_of(last_day),
            older_ends_at=older_ends_at,
            actor=operator(),
        )
    except NotInForce:
        _fail("there is no such client, or it was revoked")
    except TwoKeysAlive as error:
        _fail(f"two keys are alive, {error}: revoke the one that is no longer used")
    _show(made)
    if made.older:
        ends = f"ends by itself on {_last_day(older_ends_at)}" if older_ends_at else "stays valid"
        click.echo(
            f"The older key, {made.older}…, {ends}. It may go when the tool uses the new one and"
            f" `writ key list` shows no more use of it: writ key revoke {made.older}",
            err=True,
        )


@key.command()
@click.argument("which")
def revoke(which: str) -> None:
    """End a key, or a client with all its keys, within seconds.

    WHICH is a client's id, or a key or how it begins, as `writ key list` shows both.
    """
    database = open_database()
    try:
        client = UUID(which)
    except ValueError:
        _revoke_key(database, which)
        return
    if not revoke_client(database, client, actor=operator()):
        _fail("there is no such client, or it was revoked before")
    click.echo("revoked, with all its keys")


@key.command(name="list")
@click.option("--all", "ended", is_flag=True, help="Also what was revoked or has expired.")
def list_(ended: bool) -> None:
    """Show the clients and their keys, and when each was last used."""
    at = now()
    # Without a frame it fits 80 columns, and ids and keys can be copied.
    table = Table(box=None, padding=(0, 2, 1, 0), header_style="bold underline")
    table.add_column("client", width=36)
    for name in ("key", "last used", "ends"):
        table.add_column(name, no_wrap=True)
    for client in list_clients(open_database()):
        if ended or client.in_force(at):
            keys = [one for one in client.keys if ended or one.in_force(at)]
            table.add_row(_told(client), *_columns(client, keys, at))
    table.caption = "Days and times in UTC. Last used: at intake; tracking does not note it."
    Console().print(table)


@key.command()
@click.argument("name", default="k1")
def privacy(name: str) -> None:
    """Make a key for WRIT_PRIVACY_KEYS."""
    click.echo(Keyring.new_key(name))


@key.command()
def identity() -> None:
    """Make a key for WRIT_IDENTITY_KEY."""
    click.echo(base64.b64encode(os.urandom(32)).decode())


def _terms(
    database: Database,
    *,
    campaigns: tuple[str, ...],
    rate: int,
    daily: int,
    last_day: dt.datetime | None,
) -> Terms:
    known = CatalogueReader(database).current().campaigns
    for slug in campaigns:
        if slug not in known:
            click.echo(f"No campaign {slug} is loaded so far.", err=True)
    return Terms(
        campaigns=frozenset(campaigns) or None,
        rate_per_s=rate,
        daily_actions=daily,
        expires_at=_end_of(last_day),
    )


def _revoke_key(database: Database, text: str) -> None:
    try:
        client = revoke_key(database, text, actor=operator())
    except NotInForce:
        _fail("there is no such key, or it was revoked before, or it has expired")
    except Ambiguous:
        _fail("two keys begin so: revoke their client by its id")
    click.echo(f"revoked; it was a key of {client}")


def _show(made: NewClient) -> None:
    Console().print(f"client  {made.id}\nkey     {made.key}", soft_wrap=True)
    click.echo("Keep the key: only its hash is stored.", err=True)


def _told(client: ShownClient) -> str:
    rate, daily = client.rate_per_s, client.daily_actions
    limits = [f"{rate:,} requests a second"] if rate else []
    limits += [f"{daily:,} actions a day"] if daily else []
    lines = [
        f"{client.mode}: {', '.join(client.scopes)}",
        "all campaigns" if client.campaigns is None else ", ".join(client.campaigns),
        *limits,
    ]
    return "\n".join([f"[bold]{escape(client.name)}[/]", str(client.id), *map(escape, lines)])


def _columns(
    client: ShownClient, keys: Sequence[ShownKey], at: dt.datetime
) -> tuple[str, str, str]:
    """How they begin, when they were used, when they end: a line for each key."""
    return (
        "\n".join(one.start for one in keys),
        "\n".join(_used(one.last_used_at, at) for one in keys),
        "\n".join(_ends(client, one) for one in keys),
    )


def _used(used_at: dt.datetime | None, at: dt.datetime) -> str:
    if used_at is None:
        return "never"
    today = used_at.date() == at.date()
    return f"today {used_at:%H:%M}" if today else f"{used_at:%Y-%m-%d}"


def _ends(client: ShownClient, key: ShownKey) -> str:
    if key.revoked_at or client.revoked_at:
        return "revoked"
    return _last_day(key.expires_at) if key.expires_at else "never"


def _last_day(ends_at: dt.datetime) -> str:
    """One that ends at midnight is good on the day before."""
    return f"{ends_at - dt.timedelta(microseconds=1):%Y-%m-%d}"


def _end_of(day: dt.datetime | None) -> dt.datetime | None:
    """The first moment after a day that was given without a zone, and is meant in UTC."""
    return None if day is None else day.replace(tzinfo=dt.UTC) + dt.timedelta(days=1)


def _fail(sentence: str) -> NoReturn:
    click.echo(sentence, err=True)
    sys.exit(1)
