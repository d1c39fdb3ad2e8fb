"""Runs all of Writ in one process: SQLite, a broker in memory, and the sandbox for the world.

The same code path as production, because the database is the truth: stop it at any moment, start
it again, and it goes on.  Secrets are made at the first start and kept in the data directory.
"""

import base64
import fcntl
import json
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import dramatiq

from services.dispatch.settings import Settings as DispatchSettings
from services.dispatch.worker import employ, make_relay
from services.intake import app as intake_app
from services.intake.settings import Settings as IntakeSettings
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
from shared.settings import Env, SettingError
from shared.worker import start_worker
from shared.wsgi import listening

HOST = "127.0.0.1"
SANDBOX_PORT = 8002


class AlreadyRunning(Exception):
    """Another process works on this data directory."""


@dataclass(frozen=True, slots=True)
class Running:
    """A whole Writ, at work."""

    database: Database
    data_dir: Path
    api_url: str
    console_url: str
    sandbox_url: str


@contextmanager
def embedded(overrides: Mapping[str, str]) -> Iterator[Running]:
    """Everything started, in the order in which the road runs; stopped at the end of the block.

    Raises AlreadyRunning, SettingError, and OSError where a port is taken.
    """
    env = Env(environment(overrides))
    data_dir = env.path("WRIT_DATA_DIR", "var")
    os.environ.setdefault("AWS_ACCESS_KEY_ID", "sandbox")
    os.environ.setdefault("AWS_SECRET_ACCESS_KEY", "sandbox")
    with ExitStack() as stack:
        stack.enter_context(_alone(data_dir))
        database = _database(env)
        stack.callback(database.close)
        migrate(database)
        sandbox_url = _start_sandbox(env, stack)
        api_url, console_url = _start_http(env, database, stack)
        _start_work(env, database, make_broker(env.text("WRIT_BROKER_URL")), stack)
        yield Running(database, data_dir, api_url, console_url, sandbox_url)


def environment(overrides: Mapping[str, str]) -> dict[str, str]:
    """The embedded Writ's settings: its own defaults, then WRIT_* variables, then overrides."""
    given = {name: value for name, value in os.environ.items() if name.startswith("WRIT_")}
    given |= overrides
    data_dir = Path(given.get("WRIT_DATA_DIR", "var")).absolute()
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    sandbox_port = given.get("WRIT_SANDBOX_PORT", str(SANDBOX_PORT))
    tracking_port = given.get("WRIT_TRACKING_PORT", "8001")
    defaults = {
        "WRIT_ENVIRONMENT": "development",
        "WRIT_DATA_DIR": str(data_dir),
        "WRIT_DATABASE_URL": f"sqlite:///{data_dir / 'writ.db'}",
        "WRIT_BROKER_URL": "stub://",
        "WRIT_LOG_JSON": "no",
        "WRIT_SANDBOX_PORT": sandbox_port,
        "WRIT_TRACKING_URL": f"http://{HOST}:{tracking_port}",
        "WRIT_SES_ENDPOINT_URL": f"http://{HOST}:{sandbox_port}",
        "WRIT_PRINT_URL": f"http://{HOST}:{sandbox_port}",
        "WRIT_SNS_TOPIC_ARNS": TOPIC_ARN,
        "WRIT_SNS_CERTIFICATE_FILE": str(data_dir / "sandbox" / CERTIFICATE_FILE),
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
    return defaults | _secrets(data_dir / "secrets.json") | given


def _secrets(file: Path) -> dict[str, str]:
    if file.exists():
        secrets: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))
        return secrets
    secrets = {
        "WRIT_PRIVACY_KEYS": Keyring.new_key("embedded"),
        "WRIT_IDENTITY_KEY": base64.b64encode(os.urandom(32)).decode(),
        "WRIT_PRINT_API_KEY": f"sandbox-{os.urandom(12).hex()}",
        "WRIT_PRINT_WEBHOOK_SECRET": f"sandbox-{os.urandom(12).hex()}",
    }
    half = file.with_suffix(".half")
    half.touch(mode=0o600)
    half.write_text(json.dumps(secrets, indent=1), encoding="utf-8")
    half.replace(file)
    return secrets


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
    port = stack.enter_context(listening(sandbox.app, HOST, port, threads=THREADS))
    sandbox.start()
    return f"http://{HOST}:{port}"


def _start_http(env: Env, database: Database, stack: ExitStack) -> tuple[str, str]:
    intake, tracking = IntakeSettings.from_env(env), TrackingSettings.from_env(env)
    app = intake_app.create_app(intake, database)
    api = stack.enter_context(listening(app, intake.host, intake.port))
    app = tracking_app.create_app(tracking, database)
    console = stack.enter_context(listening(app, tracking.host, tracking.port))
    return f"http://{intake.host}:{api}", f"http://{tracking.host}:{console}"


def _start_work(env: Env, database: Database, broker: dramatiq.Broker, stack: ExitStack) -> None:
    dispatch, tracking = DispatchSettings.from_env(env), TrackingSettings.from_env(env)
    employ(dispatch, database, broker)
    tracking_actors.declare(broker, database, tracking)
    queues = [wake.queue for wake in ALL]
    worker = start_worker(broker, queues=queues, threads=dispatch.threads)
    stack.callback(worker.stop)
    stop = threading.Event()
    relay = make_relay(dispatch, database, broker, clock=now)
    thread = threading.Thread(target=relay.run, args=(stop,), name="relay", daemon=True)
    thread.start()
    stack.callback(thread.join)
    stack.callback(stop.set)
