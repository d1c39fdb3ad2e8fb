"""`writ intake | relay | dispatch | tracking | sandbox | migrate | …`: one service, one process."""

import click

from services.dispatch import preview_app
from services.dispatch.preview_settings import PreviewSettings
from services.dispatch.settings import Settings as DispatchSettings
from services.dispatch.worker import employ, make_relay
from services.intake import app as intake_app
from services.intake.settings import Settings as IntakeSettings
from services.intake.worker import make_steward
from services.sandbox.app import Sandbox
from services.sandbox.settings import SandboxSettings
from services.sandbox.wire import THREADS
from services.tracking import actors as tracking_actors
from services.tracking import app as tracking_app
from services.tracking.settings import Settings as TrackingSettings
from shared.broker import make_broker
from shared.database import Database
from shared.logs import set_up_logs
from shared.migrate import migrate as run_migrations
from shared.privacy import Keyring
from shared.queues import EMAILS, LETTERS, TEND
from shared.settings import CommonSettings, Env, LogSettings
from shared.worker import start_worker, stop_signal
from shared.wsgi import Gunicorn, listening

_workers = click.option("--workers", default=2, show_default=True, help="Processes.")
_threads = click.option("--threads", default=8, show_default=True, help="Threads in each.")


def serve(group: click.Group) -> None:
    """Adds one command for each service."""
    for command in (
        *(migrate, intake, intake_worker, relay, dispatch, dispatch_preview),
        *(tracking, tracking_worker, sandbox),
    ):
        group.add_command(command)


@click.command()
def migrate() -> None:
    """Bring the database to the tables of this version."""
    env = Env()
    keyring = Keyring.parse(env.text("WRIT_PRIVACY_KEYS"))
    run_migrations(Database(env.text("WRIT_DATABASE_URL"), keyring))
    click.echo("the database is up to date")


@click.command()
@_workers
@_threads
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
    make_steward(settings, _database(settings.common)).run(stop)


@click.command()
def relay() -> None:
    """Plan what was accepted and wake what is due; several may run, one leads."""
    settings = DispatchSettings.from_env()
    set_up_logs(settings.common.logs, service="relay")
    stop = stop_signal()
    make_relay(settings, _database(settings.common), make_broker(settings.broker_url)).run(stop)


@click.command()
def dispatch() -> None:
    """Render deliveries and hand them over; any number may run."""
    settings = DispatchSettings.from_env()
    set_up_logs(settings.common.logs, service="dispatch")
    stop = stop_signal()
    broker = make_broker(settings.broker_url)
    employ(settings, _database(settings.common, threads=settings.threads), broker)
    worker = start_worker(broker, queues=[EMAILS.queue, LETTERS.queue], threads=settings.threads)
    stop.wait()
    worker.stop()


@click.command("dispatch-preview")
@_workers
@_threads
def dispatch_preview(workers: int, threads: int) -> None:
    """Show intake what recipients would get.  Keeps nothing, sends nothing."""
    settings = PreviewSettings.from_env()
    set_up_logs(settings.logs, service="dispatch-preview")
    bind = f"{settings.host}:{settings.port}"
    Gunicorn(
        lambda: preview_app.create_app(settings), bind=bind, workers=workers, threads=threads
    ).run()


@click.command()
@_workers
@_threads
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
    tracking_actors.declare(broker, _database(settings.common), settings)
    worker = start_worker(broker, queues=[TEND.queue], threads=1)
    stop.wait()
    worker.stop()


@click.command()
def sandbox() -> None:
    """Stand in for SES and the print vendor.  Never in production."""
    env = Env()
    set_up_logs(LogSettings.from_env(env), service="sandbox")
    stop = stop_signal()
    world = Sandbox(SandboxSettings.from_env(env))
    host, port = env.text("WRIT_HOST", "127.0.0.1"), env.whole("WRIT_SANDBOX_PORT", 8002)
    with listening(world.app, host, port, threads=THREADS):
        world.start()
        stop.wait()
    world.stop()


def _database(common: CommonSettings, *, threads: int = 4) -> Database:
    return Database(common.database_url, Keyring.parse(common.privacy_keys), pool_size=threads + 2)
