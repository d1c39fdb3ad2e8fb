"""Letters that a print house takes by SFTP: sent in batches."""

import sys

import click
from rich.console import Console

from services.dispatch.print_batches import make_sender, run_sender
from services.dispatch.vendor_settings.batches import BatchSettings
from shared.clock import now
from shared.logs import set_up_logs
from shared.sftp import LineFault
from shared.worker import stop_signal


@click.command("print-batches")
@click.option("--once", is_flag=True, help="Send what is due now, and end.")
def print_batches(once: bool) -> None:
    """Send batches of letters to the print house at its cut-off; several may run, one sends."""
    settings = BatchSettings.from_env()
    set_up_logs(settings.common.logs, service="print-batches")
    sender = make_sender(settings)
    if not once:
        run_sender(sender, stop_signal(), poll_s=settings.poll_s)
        return
    try:
        done = sender.send_due(now())
    except LineFault as fault:
        raise click.ClickException(f"the print house was not reached: {fault}") from fault
    Console().print(f"{len(done.batches)} batches sent, {len(done.left)} left.")
    if done.left:
        sys.exit(1)
