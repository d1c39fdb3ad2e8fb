"""A whole Writ in the shape of production: PostgreSQL, RabbitMQ, each service a process of its own.

    with Production() as writ:
        CampaignTool(writ.intake_url, writ.client.key, run="once").submit(actions)
        writ.wait_until_quiet(60)

For the bench, the storm of faults and the tests. It starts the real `writ` commands on free ports
of 127.0.0.1, the sandbox among them; logs lie in `writ.services[name].directory`. Leaving it ends
every process it started, and removes what they wrote.
"""

import base64
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pika  # type: ignore[import-untyped]
import urllib3
from sqlalchemy import Connection, exists, select, text, tuple_

from services.cli.summary import sandbox_counts
from services.intake.clients.manage import NewClient, create_client
from services.intake.packs.load import load_entries
from services.intake.packs.read import read_pack
from services.sandbox.certificates import CERTIFICATE_FILE
from services.sandbox.ses_events import TOPIC_ARN
from services.sandbox.sqs import PATH
from shared.api_keys import Mode, Scope
from shared.catalogue import Catalogue, Entry, entry_key
from shared.catalogue_reader import CatalogueReader
from shared.database import Database
from shared.migrate import migrate
from shared.privacy import Keyring
from shared.queues import EMAILS, LETTERS, TEND
from shared.tables.dispatch import DUE_UNWOKEN, DUE_WOKEN, cursors, deliveries
from shared.tables.intake import actions
from tests.servers import PrivatePostgres, PrivateRabbit, PrivateServer, ServerError, free_port

ROOT = Path(__file__).parents[1]
PACK = ROOT / "packs" / "write-for-rights-2021"
WRIT = str(Path(sys.executable).with_name("writ"))
HOST = "127.0.0.1"
LOOK_EVERY_S = 0.1
ANSWERING = {  # services that speak HTTP, and what each answers once it is up
    "intake": "/livez",
    "tracking": "/livez",
    "sandbox": "/sandbox/counts",
    "dispatch-preview": "/livez",
}

Command = Sequence[str]
DISPATCH: Command = (WRIT, "dispatch")


class NotQuiet(ServerError):
    """Something still moves, or waits, after all the time it was given."""


class Service(PrivateServer):
    """One process and its children. Without `answers_at` it counts as up once it runs."""

    user_names = ("root",)  # whoever we are: code and data are ours

    def __init__(
        self, command: Command, environment: Mapping[str, str], answers_at: str = ""
    ) -> None:
        super().__init__()
        self._words = list(command)
        self._settings = dict(environment)
        self._answers_at = answers_at

    @property
    def is_up(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> Self:
        self.kill9()  # it may have ended by itself; its children may not
        return super().start()

    def kill9(self) -> None:
        self._signal(signal.SIGKILL)
        super().kill9()

    def freeze(self) -> None:
        """Stops it where it stands, in the middle of whatever it does."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    def _command(self) -> list[str]:
        return self._words

    def _environment(self) -> dict[str, str]:
        return self._settings

    def _answers(self) -> bool:
        if not self._answers_at:
            return True
        try:
            answer = urllib3.request("GET", self._answers_at, timeout=2, retries=False)
        except urllib3.exceptions.HTTPError:
            return False
        return answer.status == 200


class Production:
    """Writ at work. Its servers are its own unless their URLs are given."""

    postgres: PrivatePostgres
    rabbit: PrivateRabbit
    database: Database
    client: NewClient
    services: dict[str, Service]

    def __init__(
        self,
        *,
        settings: Mapping[str, str] | None = None,
        dispatchers: int = 2,
        dispatch: Command = DISPATCH,
        database_url: str = "",
        broker_url: str = "",
        logs: Path | None = None,
    ) -> None:
        """`settings` overrides; `dispatch` is the command that the dispatch processes run.

        Where `logs` names a folder, every process's log is kept there at the end.
        """
        self._overrides = dict(settings or {})
        self._dispatch = {f"dispatch-{number + 1}": dispatch for number in range(dispatchers)}
        self._database_url, self._broker_url = database_url, broker_url
        self._logs = logs
        self._ports = {name: free_port() for name in ANSWERING}
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._start_servers(stack)
            folder = tempfile.TemporaryDirectory(
                prefix="writ-production-", ignore_cleanup_errors=True
            )
            self.data_dir = Path(stack.enter_context(folder))
            self.environment = self._environment() | self._overrides
            self.database = self._open(stack)
            self.services = {name: self._service(name, stack) for name in self._names()}
            stack.callback(self._keep_logs)
            together(service.start for service in self.services.values())
            self._wait_for_workers()
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    @property
    def intake_url(self) -> str:
        return self._url("intake")

    @property
    def tracking_url(self) -> str:
        return self._url("tracking")

    @property
    def sandbox_url(self) -> str:
        return self._url("sandbox")

    @property
    def dispatchers(self) -> list[str]:
        """The names of the dispatch processes."""
        return list(self._dispatch)

    def catalogue(self) -> Catalogue:
        return CatalogueReader(self.database).current()

    def change(self, *changed: Entry) -> None:
        """Loads the pack once more, with these entries in place of its own."""
        known = {entry_key(one): one for one in (*read_pack(PACK).entries, *changed)}
        load_entries(self.database, PACK.name, list(known.values()))

    def kill9(self, name: str) -> None:
        """Ends a service as a power cut would; `start` brings it back."""
        self.services[name].kill9()

    def start(self, name: str) -> None:
        self.services[name].start()

    def stop(self, name: str) -> None:
        self.services[name].stop()

    def moving(self) -> list[str]:
        """What has not come to rest yet, in words; held deliveries are at rest.

        Cheap however much is stored: each question has an index of its own.
        """
        with self.database.read() as connection:
            found = [word for word, asks in _MOVES.items() if _any(connection, asks)]
            if _any_unplanned(connection):
                found.append("to be planned")
        counts = sandbox_counts(self.sandbox_url)
        if counts["receipts_pending"] or counts["receipts_in_queue"]:
            found.append("receipts on their way")
        return found

    def wait_until_quiet(
        self,
        patience_s: float,
        *,
        meanwhile: Callable[[], object] = lambda: None,
        every_s: float = LOOK_EVERY_S,
    ) -> None:
        """Returns when nothing moves any more.  Raises NotQuiet."""
        deadline = time.monotonic() + patience_s
        while found := self.moving():
            if time.monotonic() > deadline:
                raise NotQuiet(f"after {patience_s:.0f} s there are still {', '.join(found)}")
            meanwhile()
            time.sleep(every_s)

    def emails_taken(self) -> Iterator[dict[str, Any]]:
        """Every email that the sandbox took, as it tells it."""
        return self._taken("emails")

    def orders_taken(self) -> Iterator[dict[str, Any]]:
        """Every print order that the sandbox took, as it tells it."""
        return self._taken("orders")

    def put_faults(self, faults: Mapping[str, Any]) -> None:
        """What goes wrong at the sandbox from now on: see services/sandbox/faults.py."""
        url = f"{self.sandbox_url}/sandbox/faults"
        answer = urllib3.request("PUT", url, json=faults, timeout=5)
        if answer.status != 200:
            raise ServerError(f"the sandbox does not know these faults: {answer.data.decode()}")

    def _taken(self, what: str) -> Iterator[dict[str, Any]]:
        after: int | None = 0
        while after is not None:
            url = f"{self.sandbox_url}/sandbox/{what}?after={after}&limit=10000"
            page = urllib3.request("GET", url, timeout=30).json()
            yield from page[what]
            after = page["next"]

    def _start_servers(self, stack: ExitStack) -> None:
        starts: list[Callable[[], object]] = []
        if not self._database_url:
            self.postgres = stack.enter_context(closing(PrivatePostgres()))
            starts.append(self.postgres.start)
        if not self._broker_url:
            self.rabbit = stack.enter_context(closing(PrivateRabbit()))
            starts.append(self.rabbit.start)
        together(starts)
        self._database_url = self._database_url or self.postgres.fresh_database()
        self._broker_url = self._broker_url or self.rabbit.url

    def _open(self, stack: ExitStack) -> Database:
        database = Database(
            self._database_url, Keyring.parse(self.environment["WRIT_PRIVACY_KEYS"])
        )
        stack.callback(database.close)
        migrate(database)
        load_entries(database, PACK.name, read_pack(PACK).entries)
        self.client = create_client(database, "production", mode=Mode.LIVE, scopes=tuple(Scope))
        return database

    def _names(self) -> list[str]:
        alone = ["sandbox", "tracking", "tracking-worker", "intake", "intake-worker", "relay"]
        if self.environment.get("WRIT_SANDBOX_RECEIPTS") == "sqs":
            alone.append("receipts")
        return [*alone, "dispatch-preview", *self._dispatch]

    def _service(self, name: str, stack: ExitStack) -> Service:
        command = self._dispatch.get(name, (WRIT, name))
        path = ANSWERING.get(name)
        answers_at = f"{self._url(name)}{path}" if path else ""
        service = Service(command, self.environment, answers_at)
        stack.callback(service.close)
        return service

    def _wait_for_workers(self) -> None:
        """A dispatch process is at work once RabbitMQ counts it among its consumers."""
        wanted = {
            EMAILS.queue: len(self._dispatch),
            LETTERS.queue: len(self._dispatch),
            TEND.queue: 1,
        }
        deadline = time.monotonic() + 60
        with pika.BlockingConnection(pika.URLParameters(self._broker_url)) as connection:
            while any(_consumers(connection, queue) < number for queue, number in wanted.items()):
                if time.monotonic() > deadline:
                    raise NotQuiet("the workers do not listen on their queues")
                time.sleep(LOOK_EVERY_S)

    def _keep_logs(self) -> None:
        if self._logs is None:
            return
        self._logs.mkdir(parents=True, exist_ok=True)
        for name, service in self.services.items():
            shutil.copy(service.directory / "server.log", self._logs / f"{name}.log")

    def _url(self, name: str) -> str:
        return f"http://{HOST}:{self._ports[name]}"

    def _environment(self) -> dict[str, str]:
        sandbox, secret = self._url("sandbox"), os.urandom(12).hex()
        return {
            "PYTHONPATH": str(ROOT),
            "AWS_ACCESS_KEY_ID": "sandbox",
            "AWS_SECRET_ACCESS_KEY": "sandbox",
            "WRIT_ENVIRONMENT": "development",  # production refuses to trust a sandbox
            "WRIT_PACE": "off",  # no test waits for an office's hours
            "WRIT_DATA_DIR": str(self.data_dir),
            "WRIT_DATABASE_URL": self._database_url,
            "WRIT_BROKER_URL": self._broker_url,
            "WRIT_PRIVACY_KEYS": Keyring.new_key("private"),
            "WRIT_IDENTITY_KEY": base64.b64encode(os.urandom(32)).decode(),
            "WRIT_INTAKE_PORT": str(self._ports["intake"]),
            "WRIT_TRACKING_PORT": str(self._ports["tracking"]),
            "WRIT_SANDBOX_PORT": str(self._ports["sandbox"]),
            "WRIT_PREVIEW_PORT": str(self._ports["dispatch-preview"]),
            "WRIT_PREVIEW_URL": self._url("dispatch-preview"),
            "WRIT_PREVIEW_KEY": os.urandom(32).hex(),
            "WRIT_TRACKING_URL": self._url("tracking"),
            "WRIT_SES_ENDPOINT_URL": sandbox,
            "WRIT_SQS_QUEUE_URL": f"{sandbox}{PATH}",
            "WRIT_SQS_ENDPOINT_URL": sandbox,
            "WRIT_SQS_ACCESS_KEY_ID": "sandbox",
            "WRIT_SQS_SECRET_ACCESS_KEY": "sandbox",
            "WRIT_PRINT_URL": sandbox,
            "WRIT_PRINT_API_KEY": f"sandbox-{secret}",
            "WRIT_PRINT_WEBHOOK_SECRET": f"sandbox-{secret}",
            "WRIT_SNS_TOPIC_ARNS": TOPIC_ARN,
            "WRIT_SNS_CERTIFICATE_FILE": str(self.data_dir / "sandbox" / CERTIFICATE_FILE),
        }


def together(calls: Iterable[Callable[[], object]]) -> None:
    """Makes all the calls at the same time; raises what one of them raised."""
    with ThreadPoolExecutor() as threads:
        for done in [threads.submit(call) for call in calls]:
            done.result()


# As the partial indexes of deliveries say it: so each question touches a few rows.
_MOVES = {
    "to be woken": DUE_UNWOKEN,
    "on a queue": DUE_WOKEN,
    "being sent": "state = 'sending'",
    "unknown": "state = 'unknown'",
}


def _any(connection: Connection, condition: str) -> bool:
    return bool(connection.scalar(select(exists(select(deliveries.c.id).where(text(condition))))))


def _any_unplanned(connection: Connection) -> bool:
    at = connection.execute(
        select(cursors.c.xact, cursors.c.seq).where(cursors.c.name == "planned")
    ).one_or_none()
    behind = tuple_(actions.c.xact, actions.c.seq) > tuple_(*(at or (0, 0)))
    return bool(connection.scalar(select(exists(select(actions.c.id).where(behind)))))


def _consumers(connection: pika.BlockingConnection, queue: str) -> int:
    """How many listen; 0 where the queue is not there yet."""
    channel = connection.channel()
    try:
        declared = channel.queue_declare(queue, passive=True)
    except pika.exceptions.ChannelClosedByBroker:
        return 0
    channel.close()
    return int(declared.method.consumer_count)
