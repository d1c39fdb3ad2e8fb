"""`writ pack …` and `writ key …`: what an operator puts into intake's tables by hand."""

import base64
import os
import sys
from pathlib import Path
from uuid import UUID

import click
from rich.console import Console

from services.cli.embedded import environment, has_secrets, secrets
from services.intake.catalogue import load_entries
from services.intake.clients import create_client, revoke_client
from services.intake.packs import PackFaults, read_pack
from shared.api_keys import Mode, Scope
from shared.database import Database
from shared.migrate import is_migrated
from shared.privacy import Keyring
from shared.settings import Env, SettingError

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.group()
def pack() -> None:
    """Check and load a campaign's pack."""


@pack.command()
@click.argument("folder", type=_FOLDER)
def check(folder: Path) -> None:
    """List every fault of a pack, with file and line."""
    try:
        entries = read_pack(folder).entries
    except PackFaults as error:
        click.echo(str(error))
        click.echo(f"{len(error.faults)} faults", err=True)
        sys.exit(1)
    click.echo(f"{folder.name}: no faults in {len(entries)} entries")


@pack.command()
@click.argument("folder", type=_FOLDER)
def load(folder: Path) -> None:
    """Load a pack; loading it again changes nothing."""
    entries = read_pack(folder).entries
    changes = load_entries(_database(), folder.resolve().name, entries)
    for change in changes:
        click.echo(f"{change.effect.value:>8}  {change.type} {change.key}")
    click.echo(f"{len(changes)} entries changed" if changes else "nothing changed")


@click.group()
def key() -> None:
    """Make and revoke keys."""


@key.command()
@click.argument("name")
@click.option("--mode", type=click.Choice([mode.value for mode in Mode]), default=Mode.TEST.value)
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice([scope.value for scope in Scope]),
    help="What the key may do; without it, everything.",
)
@click.option(
    "--rate",
    type=click.IntRange(min=0),
    default=0,
    help="Requests a second, 0 for no limit.",
)
def create(name: str, mode: str, scopes: tuple[str, ...], rate: int) -> None:
    """Make an API key for a campaign tool.  It is shown once.

    A test key does everything but the last step; --mode live sends.
    """
    chosen = tuple(Scope(scope) for scope in scopes) or tuple(Scope)
    client = create_client(_database(), name, mode=Mode(mode), scopes=chosen, rate_per_s=rate)
    Console().print(f"client  {client.id}\nkey     {client.key}", soft_wrap=True)
    click.echo("Keep the key: only its hash is stored.", err=True)


@key.command()
@click.argument("client", type=click.UUID)
def revoke(client: UUID) -> None:
    """End an API key within seconds."""
    done = revoke_client(_database(), client)
    click.echo("revoked" if done else "there is no such key, or it was revoked before")
    sys.exit(0 if done else 1)


@key.command()
@click.argument("name", default="k1")
def privacy(name: str) -> None:
    """Make a key for WRIT_PRIVACY_KEYS."""
    click.echo(Keyring.new_key(name))


@key.command()
def identity() -> None:
    """Make a key for WRIT_IDENTITY_KEY."""
    click.echo(base64.b64encode(os.urandom(32)).decode())


def _database() -> Database:
    """The one that WRIT_DATABASE_URL names, or else the embedded Writ's, also while it runs."""
    env = _settings()
    keyring = Keyring.parse(env.text("WRIT_PRIVACY_KEYS"))
    database = Database(env.text("WRIT_DATABASE_URL"), keyring)
    if not is_migrated(database):
        raise SettingError("the database lacks this version's tables: run `writ migrate` first")
    return database


def _settings() -> Env:
    if os.environ.get("WRIT_DATABASE_URL"):
        return Env()
    own = environment({})
    data_dir = Path(own["WRIT_DATA_DIR"])
    if not has_secrets(data_dir):
        raise SettingError(
            f"WRIT_DATABASE_URL is not set, and there is no Writ in {data_dir} yet; `writ up`"
            " makes one"
        )
    return Env(secrets(data_dir) | own)
