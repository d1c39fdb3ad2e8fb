"""Runs all of Writ in one process: SQLite, a broker in memory, and the sandbox for the world.

The same code path as production, because the database is the truth: stop it at any moment, start
it again, and it goes on.  Secrets are made at the first start and kept in the data directory.
"""

import base64
import fcntl
import json
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

from services.cli.front import make_front
from services.dispatch import preview_app
from services.dispatch.preview_settings import PreviewSettings
from services.dispatch.settings import Settings as DispatchSettings
from services.dispatch.worker import employ, make_relay
from services.intake import app as intake_app
from services.intake.settings import Settings as IntakeSettings
from services.intake.worker import make_steward
from services.sandbox.app import Sandbox
from services.sandbox.certificates import CERTIFICATE_FILE
from services.sandbox.ses_events import TOPIC_ARN
from services.sandbox.settings import SandboxSettings
from services.sandbox.wire import THREADS
from services.tracking import actors as tracking_actors
from services.tracking import app as tracking_app
from services.tracking.settings import Settings as TrackingSettings
from shared.broker import make_broker
from shared.clock import now
from shared.database import Database
from shared.migrate import migrate
from shared.privacy import Keyring
from shared.queues import ALL
from shared.settings import SANDBOX, Env, SettingError
from shared.worker import start_worker
from shared.wsgi import listening

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

HOST = "127.0.0.1"
SANDBOX_PORT = 8002
_SECRETS = "secrets.json"

log = structlog.get_logger()


class AlreadyRunning(Exception):
    """Another process works on this data directory."""


class RelayFell(Exception):
    """The relay ended by an error: nothing more is planned or sent."""


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

    `on_fall` is called at once when the relay ends by itself; the block's end then raises
    RelayFell.  Raises AlreadyRunning and SettingError.
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
        relay = _start_work(env, database, stack)
        relay.add_done_callback(lambda _: on_fall())
        yield Running(database, data_dir, api_url, console_url, sandbox_url)
        if relay.done():  # before anybody told it to stop
            error = relay.exception()
            trace = traceback.format_tb(error.__traceback__) if error else []
            log.error("relay_fell", error=type(error).__name__, trace=trace)
            raise RelayFell(f"the relay fell ({type(error).__name__}); the log says where")


def environment(overrides: Mapping[str, str]) -> dict[str, str]:
    """The embedded Writ's settings without its secrets.

    Its own defaults, then WRIT_* variables, then overrides; but the world is its own sandbox,
    whatever a variable may say that was set for production.
    """
    given = {name: value for name, value in os.environ.items() if name.startswith("WRIT_")}
    given = {name: value for name, value in (given | {**overrides}).items() if value}
    data_dir = Path(given.get("WRIT_DATA_DIR", "var")).absolute()
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    sandbox_port = given.get("WRIT_SANDBOX_PORT", str(SANDBOX_PORT))
    tracking_port = given.get("WRIT_TRACKING_PORT", "8001")
    defaults = {
        "WRIT_ENVIRONMENT": "development",
        "WRIT_DATA_DIR": str(data_dir),
        "WRIT_DATABASE_URL": f"sqlite:///{data_dir / 'writ.db'}",
        "WRIT_LOG_JSON": "no",
        # One process that is gone is gone: nobody else can be at work on its claims for long.
        "WRIT_CONNECT_TIMEOUT_S": "1",
        "WRIT_READ_TIMEOUT_S": "3",
        "WRIT_CLAIM_TTL_S": "10",
        # The sandbox publishes Send events within a second, and keeps them over a crash.
        "WRIT_UNKNOWN_MARGIN_S": "15",
        "WRIT_DISPATCH_THREADS": "4",
        # Quick enough to watch, slow enough to see each step.
        "WRIT_SANDBOX_RECEIPT_DELAY_MIN_S": "0.2",
        "WRIT_SANDBOX_RECEIPT_DELAY_MAX_S": "1",
    }
    sandbox = {
        "WRIT_BROKER_URL": "stub://",
        "WRIT_SANDBOX_PORT": sandbox_port,
        "WRIT_TRACKING_URL": f"http://{HOST}:{tracking_port}",
        "WRIT_STATUS_URL": "",  # the front answers for both
        "WRIT_PUBLIC_URL": "",  # where it listens itself
        "WRIT_SES_ENDPOINT_URL": f"http://{HOST}:{sandbox_port}",
        "WRIT_PRINT_URL": f"http://{HOST}:{sandbox_port}",
        "WRIT_SNS_TOPIC_ARNS": TOPIC_ARN,
        "WRIT_SNS_CERTIFICATE_FILE": str(data_dir / "sandbox" / CERTIFICATE_FILE),
    }
    own = (
        *("WRIT_PRINT_API_KEY", "WRIT_PRINT_WEBHOOK_SECRET"),
        *("WRIT_PREVIEW_URL", "WRIT_PREVIEW_KEY"),
    )
    return {name: value for name, value in (defaults | given | sandbox).items() if name not in own}


def has_secrets(data_dir: Path) -> bool:
    """Whether an embedded Writ was ever started on `data_dir`."""
    return (data_dir / _SECRETS).exists()


def secrets(data_dir: Path) -> dict[str, str]:
    """The embedded Writ's secrets, made at the first start.  For who is alone on `data_dir`."""
    file = data_dir / _SECRETS
    if file.exists():
        known: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))
        return known
    made = {
        "WRIT_PRIVACY_KEYS": Keyring.new_key("embedded"),
        "WRIT_IDENTITY_KEY": base64.b64encode(os.urandom(32)).decode(),
        "WRIT_PRINT_API_KEY": f"{SANDBOX}{os.urandom(12).hex()}",
        "WRIT_PRINT_WEBHOOK_SECRET": f"{SANDBOX}{os.urandom(12).hex()}",
    }
    half = file.with_suffix(".half")
    half.touch(mode=0o600)
    with half.open("w", encoding="utf-8") as written:
        json.dump(made, written, indent=1)
        written.flush()
        os.fsync(written.fileno())  # what they seal must never outlive them
    half.replace(file)
    _sync_folder(data_dir)
    return made


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


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


def _start_work(env: Env, database: Database, stack: ExitStack) -> Future[None]:
    """Starts workers, steward and relay; the result is done when the relay has ended."""
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
    threads = stack.enter_context(ThreadPoolExecutor(2, thread_name_prefix="writ"))
    stack.callback(stop.set)
    threads.submit(steward.run, stop)
    return threads.submit(relay.run, stop)
