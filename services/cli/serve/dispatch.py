"""Dispatch: the relay, and the workers."""

import click

from services.cli.serve.process import open_database
from services.dispatch.settings import Settings as DispatchSettings
from services.dispatch.worker import employ, make_relay
from shared.broker import make_broker
from shared.logs import set_up_logs
from shared.queues import EMAILS, LETTERS
from shared.worker import start_worker, stop_signal


@click.command()
def relay() -> None:
    """Plan what was accepted and wake what is due; several may run, one leads."""
    settings = DispatchSettings.from_env()
    set_up_logs(settings.common.logs, service="relay")
    stop = stop_signal()
    make_relay(settings, open_database(settings.common), make_broker(settings.broker_url)).run(stop)


@click.command()
def dispatch() -> None:
    """Render deliveries and hand them over; any number may run."""
    settings = DispatchSettings.from_env()
    set_up_logs(settings.common.logs, service="dispatch")
    stop = stop_signal()
    broker = make_broker(settings.broker_url)
    employ(settings, open_database(settings.common, threads=settings.threads), broker)
    worker = start_worker(broker, queues=[EMAILS.queue, LETTERS.queue], threads=settings.threads)
    stop.wait()
    worker.stop()
