"""The receipts that come through a queue."""

import click

from services.cli.serve.process import open_database
from services.tracking.queue_settings import QueueSettings
from services.tracking.worker import make_listeners, run_listeners
from shared.logs import set_up_logs
from shared.worker import stop_signal


@click.command()
@click.option("--threads", default=4, show_default=True, help="Polls at once.")
def receipts(threads: int) -> None:
    """Take receipts from an SQS queue; any number may run.  Over HTTPS, `tracking` takes them."""
    settings = QueueSettings.from_env()
    set_up_logs(settings.common.logs, service="receipts")
    stop = stop_signal()
    database = open_database(settings.common, threads=threads)
    run_listeners(make_listeners(settings, database, threads=threads), stop)
