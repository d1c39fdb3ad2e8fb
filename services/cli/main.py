"""The `writ` command.  Each service starts alone; `up` and `demo` start all in one process."""

import sys
from collections.abc import Mapping
from importlib import import_module
from typing import NoReturn

import click
from rich.console import Console
from rich.markup import escape
from sqlalchemy.exc import DBAPIError

from services.cli.faults import CommandFault
from services.intake.packs.load import LoadFailed
from services.intake.packs.source import PackFaults
from shared.settings import SettingError

#: Where each command is.  Only the one that is given is imported: a relay needs no web framework,
#: and no service carries the memory of the others.
COMMANDS: Mapping[str, str] = {
    "demo": "up:demo",
    "up": "up:up",
    "pack": "catalogue:pack",
    "key": "keys:key",
    "keys": "privacy:keys",
    "import": "imports:import_",
    "inbound": "inbound:inbound",
    "held": "held:held",
    "addresses": "addresses:addresses",
    "plan": "plan:plan",
    "routes": "routes:routes",
    "erase": "erasure:erase_supporter",
    "retention": "erasure:retention",
    "openapi": "openapi:openapi",
    "migrate": "migrate:migrate",
    "intake": "serve.intake:intake",
    "intake-worker": "serve.intake:intake_worker",
    "relay": "serve.dispatch:relay",
    "dispatch": "serve.dispatch:dispatch",
    "dispatch-preview": "serve.preview:dispatch_preview",
    "tracking": "serve.tracking:tracking",
    "tracking-worker": "serve.tracking:tracking_worker",
    "receipts": "serve.receipts:receipts",
    "print-batches": "serve.print_batches:print_batches",
    "print-files": "serve.print_files:print_files",
    "sandbox": "serve.sandbox:sandbox",
}


class _Commands(click.Group):
    def list_commands(self, _context: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, _context: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module, command = COMMANDS[name].split(":")
        found: click.Command = getattr(import_module(f"services.cli.{module}"), command)
        return found


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="writ")
def writ() -> None:
    """Delivers the letters and emails of human-rights campaigns, each one to a proof."""


def main() -> None:
    """Where errors become one plain sentence."""
    try:
        writ()
    except (SettingError, CommandFault, LoadFailed, OSError) as error:
        _fail(str(error))
    except PackFaults as error:
        _fail(f"the pack has {len(error.faults)} faults; `writ pack check` lists them")
    except DBAPIError as error:  # its words may quote what was to be stored
        _fail(f"the database cannot be used ({type(error).__name__}); see WRIT_DATABASE_URL")


def _fail(sentence: str) -> NoReturn:
    Console(stderr=True).print("[red]writ:[/]", escape(sentence), soft_wrap=True)
    sys.exit(2)
