"""The `writ` command.  Each service starts alone; `up` and `demo` start all in one process."""

import sys
from pathlib import Path
from typing import NoReturn

import click
from rich.console import Console
from rich.markup import escape
from sqlalchemy.exc import DBAPIError

from services.cli.catalogue import pack
from services.cli.demo import Demo
from services.cli.embedded import AlreadyRunning, RelayFell, embedded, environment
from services.cli.erasure import erase_supporter, retention
from services.cli.held import held
from services.cli.imports import import_
from services.cli.keys import key
from services.cli.openapi import openapi
from services.cli.privacy import keys
from services.cli.serve import serve
from services.intake.packs.load import LoadFailed
from services.intake.packs.read import PackFaults
from shared.logs import set_up_logs
from shared.settings import Env, LogSettings, SettingError
from shared.worker import stop_signal

_PACK = Path("packs") / "write-for-rights-2021"


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="writ")
def writ() -> None:
    """Delivers the letters and emails of human-rights campaigns, each one to a proof."""


for command in (pack, key, keys, import_, erase_supporter, retention, held, openapi):
    writ.add_command(command)
serve(writ)


@writ.command()
@click.option("--data", type=click.Path(path_type=Path), help="Where everything is kept (var).")
def up(data: Path | None) -> None:
    """Start everything in this process, on SQLite and with the sandbox, and stay up."""
    overrides = {"WRIT_DATA_DIR": str(data)} if data else {}
    stop = stop_signal()
    console = Console()
    log = _logs(overrides)
    with embedded(overrides, on_fall=stop.set) as running:
        console.print(f"Console    {running.console_url}")
        console.print(f"API guide  {running.api_url}/docs")
        console.print(f"Log        {log}", soft_wrap=True)
        console.print("Writ is up; Ctrl-C ends it.")
        stop.wait()


@writ.command()
@click.option("--actions", default=2000, show_default=True, help="How many actions to submit.")
@click.option("--seed", default=2021, show_default=True, help="The same seed, the same supporters.")
@click.option(
    "--pack",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The campaign to play [default: packs/write-for-rights-2021].",
)
@click.option("--data", type=click.Path(path_type=Path), help="Where everything is kept (var).")
@click.option(
    "--stay/--no-stay", default=None, help="Stay up at the end [default: in a terminal, stay]."
)
def demo(
    actions: int, seed: int, folder: Path | None, data: Path | None, stay: bool | None
) -> None:
    """Deliver a campaign: invented supporters, the sandbox for the world."""
    overrides = {"WRIT_DATA_DIR": str(data)} if data else {}
    stay = sys.stdin.isatty() and sys.stdout.isatty() if stay is None else stay
    _logs(overrides)
    console = Console()
    with embedded(overrides) as running:
        played = Demo(running, console, folder or demo_pack(), actions, seed).run()
        if stay:
            console.print("Writ stays up for you to look around; Ctrl-C ends it.")
            stop_signal().wait()
    sys.exit(0 if played else 1)


def demo_pack() -> Path:
    """The pack below the working directory, as in the image, or else the checkout's."""
    below = Path.cwd() / _PACK
    return below if below.is_dir() else Path(__file__).parents[2] / _PACK


def _logs(overrides: dict[str, str]) -> Path:
    """Beside the data: a line for each request would hide what the terminal is there to say."""
    env = Env(environment(overrides))
    file = env.path("WRIT_DATA_DIR", "var") / "writ.log"
    stream = file.open("a", encoding="utf-8")
    set_up_logs(LogSettings.from_env(env), service="embedded", stream=stream)
    return file


def main() -> None:
    """Where errors become one plain sentence."""
    try:
        writ()
    except (SettingError, AlreadyRunning, RelayFell, LoadFailed, OSError) as error:
        _fail(str(error))
    except PackFaults as error:
        _fail(f"the pack has {len(error.faults)} faults; `writ pack check` lists them")
    except DBAPIError as error:  # its words may quote what was to be stored
        _fail(f"the database cannot be used ({type(error).__name__}); see WRIT_DATABASE_URL")


def _fail(sentence: str) -> NoReturn:
    Console(stderr=True).print("[red]writ:[/]", escape(sentence), soft_wrap=True)
    sys.exit(2)
