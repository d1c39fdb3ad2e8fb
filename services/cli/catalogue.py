"""`writ pack …`: checks a campaign's pack, and loads it into the catalogue."""

import sys
from pathlib import Path

import click

from services.cli.database import open_database
from services.intake.packs.load import load_entries
from services.intake.packs.read import PackFaults, read_pack

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.group()
def pack() -> None:
    """Check and load a campaign's pack."""


@pack.command()
@click.argument("folder", type=_FOLDER)
def check(folder: Path) -> None:
    """List every fault of a pack, with file and line, and what looks odd in its addresses."""
    try:
        found = read_pack(folder)
    except PackFaults as error:
        click.echo(str(error))
        click.echo(f"{len(error.faults)} faults", err=True)
        sys.exit(1)
    for doubt in found.doubts:
        click.echo(f"{doubt.file}:{doubt.line}: warning: {doubt.message}")
    told = f"; warnings: {len(found.doubts)}" if found.doubts else ""
    click.echo(f"{folder.name}: no faults in {len(found.entries)} entries{told}")


@pack.command()
@click.argument("folder", type=_FOLDER)
def load(folder: Path) -> None:
    """Load a pack; loading it again changes nothing."""
    entries = read_pack(folder).entries
    changes = load_entries(open_database(), folder.resolve().name, entries)
    for change in changes:
        click.echo(f"{change.effect.value:>8}  {change.type} {change.key}")
    click.echo(f"{len(changes)} entries changed" if changes else "nothing changed")
