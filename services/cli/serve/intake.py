"""Intake: its API, and its chores."""

import click

from services.cli.serve.process import open_database, threads_option, workers_option
from services.intake import app as intake_app
from services.intake.settings import Settings as IntakeSettings
from services.intake.worker import make_steward
from shared.logs import set_up_logs
from shared.worker import stop_signal
from shared.wsgi import Gunicorn


@click.command()
@workers_option
@threads_option
def intake(workers: int, threads: int) -> None:
    """Take actions over HTTP."""
    settings = IntakeSettings.from_env()
    set_up_logs(settings.common.logs, service="intake")
    bind = f"{settings.host}:{settings.port}"
    Gunicorn(
        lambda: intake_app.create_app(settings), bind=bind, workers=workers, threads=threads
    ).run()


@click.command("intake-worker")
def intake_worker() -> None:
    """Do intake's chores: reminders, imports, what is to be forgotten."""
    settings = IntakeSettings.from_env()
    set_up_logs(settings.common.logs, service="intake-worker")
    stop = stop_signal()
    make_steward(settings, open_database(settings.common)).run(stop)
