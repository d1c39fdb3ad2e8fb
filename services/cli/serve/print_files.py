"""What a print house by SFTP answers: files, taken in as receipts."""

import sys

import click
from rich.console import Console

from services.cli.serve.process import open_database
from services.tracking.files_settings import FilesSettings
from services.tracking.print_files import make_fetcher, run_fetcher
from services.tracking.record import Recorded
from shared.logs import set_up_logs
from shared.sftp import LineFault
from shared.worker import stop_signal


@click.command("print-files")
@click.option("--once", is_flag=True, help="Take what is there now, and end.")
def print_files(once: bool) -> None:
    """Fetch the print house's files: what it took, posted and got back; invoices are kept.

    A file that is not whole yet waits. With --once, one that cannot be read makes the exit code 1.
    """
    settings = FilesSettings.from_env()
    set_up_logs(settings.common.logs, service="print-files")
    fetcher = make_fetcher(settings, open_database(settings.common))
    if not once:
        run_fetcher(fetcher, stop_signal(), poll_s=settings.poll_s)
        return
    try:
        done = fetcher.fetch()
    except LineFault as fault:
        raise click.ClickException(f"the print house was not reached: {fault}") from fault
    console = Console(soft_wrap=True)
    console.print(
        f"{done.files} files taken, {done.rows[Recorded.FACT]} new facts;"
        f" {len(done.waiting)} files wait, {len(done.left)} cannot be read."
    )
    for path in done.invoices:
        console.print(f"  invoice: {path}")
    if done.left:
        sys.exit(1)
