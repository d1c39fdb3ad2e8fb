"""Tracking: its API and console, and its worker."""

import click

from services.cli.serve.process import open_database, threads_option, workers_option
from services.tracking import actors as tracking_actors
from services.tracking import app as tracking_app
from services.tracking.settings import Settings as TrackingSettings
from shared.broker import make_broker
from shared.logs import set_up_logs
from shared.queues import TEND
from shared.settings import Env
from shared.worker import start_worker, stop_signal
from shared.wsgi import Gunicorn


@click.command()
@workers_option
@threads_option
def tracking(workers: int, threads: int) -> None:
    """Take receipts, answer status, show the console."""
    settings = TrackingSettings.from_env()
    set_up_logs(settings.common.logs, service="tracking")
    bind = f"{settings.host}:{settings.port}"
    Gunicorn(
        lambda: tracking_app.create_app(settings), bind=bind, workers=workers, threads=threads
    ).run()


@click.command("tracking-worker")
def tracking_worker() -> None:
    """Settle unknown attempts when the relay asks for it."""
    env = Env()
    settings = TrackingSettings.from_env(env)
    set_up_logs(settings.common.logs, service="tracking-worker")
    stop = stop_signal()
    broker = make_broker(env.text("WRIT_BROKER_URL"))  # no other part of tracking knows it
    tracking_actors.declare(broker, open_database(settings.common), settings)
    worker = start_worker(broker, queues=[TEND.queue], threads=1)
    stop.wait()
    worker.stop()
