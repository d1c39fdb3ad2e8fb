"""Runs all of Writ in one process: SQLite, a broker in memory, and the sandbox for the world.

The same code path as production, because the database is the truth: stop it at any moment, start
it again, and it goes on.  Secrets are made at the first start and kept in the data directory.
"""

import fcntl
import os
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from services.cli.environment import HOST, SANDBOX_PORT, environment, secrets
from services.cli.faults import AlreadyRunning, WorkFell
from services.cli.front import make_front
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
from services.tracking.queue_settings import QueueSettings
from services.tracking.settings import Settings as TrackingSettings
from services.tracking.worker import make_listeners, run_listeners
from shared.broker import make_broker
from shared.clock import now
from shared.database import Database
from shared.migrate import migrate
from shared.privacy import Keyring
from shared.queues import ALL
from shared.settings import Env, SettingError
from shared.worker import start_worker
from shared.wsgi import listening

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

LISTENERS = 2  # on the queue of receipts

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Running:
    """A whole Writ, at work."""

    database: Database
    data_dir: Path
    api_url: str
    console_url: str
    sandbox_url: str


@contextmanager
def embedded(
    overrides: Mapping[str, str], *, on_fall: Callable[[], None] = lambda: None
) -> Iterator[Running]:
    """Everything started, in the order in which the road runs; stopped at the end of the block.

    `on_fall` is called at once when the relay or a listener ends by itself; the block's end then
    raises WorkFell.  Raises AlreadyRunning and SettingError.
    """
    settings = environment(overrides)
    data_dir = Env(settings).path("WRIT_DATA_DIR", "var")
    os.environ.setdefault("AWS_ACCESS_KEY_ID", "sandbox")
    os.environ.setdefault("AWS_SECRET_ACCESS_KEY", "sandbox")
    with ExitStack() as stack:
        stack.enter_context(_alone(data_dir))
        known = secrets(data_dir) | settings
        env = Env(known)
        database = _database(env)
        stack.callback(database.close)
        migrate(database)
        sandbox_url = _start_sandbox(env, stack)
        previews = _start_previews(settings, database, stack)
        api_url, console_url = _start_http(Env(known | previews), database, stack)
        work = _start_work(env, database, stack)
        for at_work in work.values():
            at_work.add_done_callback(lambda _: on_fall())
        yield Running(database, data_dir, api_url, console_url, sandbox_url)
        for what, at_work in work.items():
            if at_work.done() and (error := at_work.exception()):  # before anybody said to stop
                trace = traceback.format_tb(error.__traceback__)
                log.error("fell", what=what, error=type(error).__name__, trace=trace)
                raise WorkFell(f"{what} fell ({type(error).__name__}); the log says where")


@contextmanager
def _alone(data_dir: Path) -> Iterator[None]:
    """Two processes on one SQLite file would both lead."""
    with (data_dir / "writ.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AlreadyRunning(f"another Writ works in {data_dir}; stop it first") from error
        yield


def _database(env: Env) -> Database:
    url = env.text("WRIT_DATABASE_URL")
    if not url.startswith("sqlite"):
        raise SettingError("`writ up` keeps its own SQLite; for PostgreSQL start each service")
    return Database(url, Keyring.parse(env.text("WRIT_PRIVACY_KEYS")))


def _start_sandbox(env: Env, stack: ExitStack) -> str:
    sandbox = Sandbox(SandboxSettings.from_env(env))
    port = env.whole("WRIT_SANDBOX_PORT", SANDBOX_PORT)
    stack.callback(sandbox.stop)
    url = _listen(stack, sandbox.app, (HOST, port), "WRIT_SANDBOX_PORT", threads=THREADS)
    sandbox.start()
    return url


def _start_previews(
    settings: Mapping[str, str], database: Database, stack: ExitStack
) -> dict[str, str]:
    """On a free port, with a key that lives as long as the process; what intake is told of it."""
    key = {"WRIT_PREVIEW_KEY": os.urandom(32).hex()}
    app = preview_app.create_app(PreviewSettings.from_env(Env({**settings, **key})), database)
    port = stack.enter_context(listening(app, HOST, 0, threads=2))
    return {**key, "WRIT_PREVIEW_URL": f"http://{HOST}:{port}"}


def _start_http(env: Env, database: Database, stack: ExitStack) -> tuple[str, str]:
    intake, tracking = IntakeSettings.from_env(env), TrackingSettings.from_env(env)
    console = tracking_app.create_app(tracking, database)
    front = make_front(intake_app.create_app(intake, database), console)
    api_url = _listen(stack, front, (intake.host, intake.port), "WRIT_INTAKE_PORT")
    return api_url, _listen(stack, console, (tracking.host, tracking.port), "WRIT_TRACKING_PORT")


def _listen(
    stack: ExitStack,
    app: "WSGIApplication",
    address: tuple[str, int],
    setting: str,
    *,
    threads: int = 8,
) -> str:
    host, port = address
    try:
        port = stack.enter_context(listening(app, host, port, threads=threads))
    except OSError as error:
        raise SettingError(
            f"port {port} cannot be used ({error.strerror}); set {setting} to a free one"
        ) from error
    return f"http://{host}:{port}"


def _start_work(env: Env, database: Database, stack: ExitStack) -> dict[str, Future[None]]:
    """Starts workers, steward, listeners and relay; of those without which nothing goes on, each is
    done when it has ended.
    """
    dispatch, tracking = DispatchSettings.from_env(env), TrackingSettings.from_env(env)
    broker = make_broker(dispatch.broker_url)
    employ(dispatch, database, broker)
    tracking_actors.declare(broker, database, tracking)
    queues = [wake.queue for wake in ALL]
    worker = start_worker(broker, queues=queues, threads=dispatch.threads)
    stack.callback(worker.stop)
    stop = threading.Event()
    relay = make_relay(dispatch, database, broker, clock=now)
    steward = make_steward(IntakeSettings.from_env(env), database)
    listeners = make_listeners(QueueSettings.from_env(env), database, threads=LISTENERS)
    threads = stack.enter_context(ThreadPoolExecutor(3, thread_name_prefix="writ"))
    stack.callback(stop.set)
    threads.submit(steward.run, stop)
    return {
        "the listener": threads.submit(run_listeners, listeners, stop),
        "the relay": threads.submit(relay.run, stop),
    }
