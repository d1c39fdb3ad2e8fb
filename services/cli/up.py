"""`writ up` and `writ demo`: everything in this process."""

import sys
from pathlib import Path

import click
from rich.console import Console

from services.cli.demo import Demo
from services.cli.embedded import embedded
from services.cli.environment import environment
from shared.logs import set_up_logs
from shared.settings import Env, LogSettings
from shared.worker import stop_signal

_PACK = Path("packs") / "write-for-rights-2021"


@click.command()
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


@click.command()
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
