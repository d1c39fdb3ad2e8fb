"""Hurts a running Writ as the plan says, and mends it; starts again what died by itself."""

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

import psycopg
import urllib3

from tests.faults.plan import Fault, Kind
from tests.production import Production
from tests.servers import ServerError

LOOK_EVERY_S = 0.5
# Everything that a storm of minutes must show, which in life takes half an hour.
STORMY = {
    "WRIT_CONNECT_TIMEOUT_S": "1",
    "WRIT_READ_TIMEOUT_S": "3",
    "WRIT_CLAIM_TTL_S": "10",
    "WRIT_UNKNOWN_MARGIN_S": "20",
    "WRIT_REWAKE_S": "10",
    "WRIT_SANDBOX_RECEIPT_DELAY_MIN_S": "0.2",
    "WRIT_SANDBOX_RECEIPT_DELAY_MAX_S": "1.5",
}
_CUT = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
)


class Supervisor:
    """Starts services again that ended by themselves; those a fault took down it leaves alone."""

    def __init__(self, writ: Production) -> None:
        self._writ = writ
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self.lock = threading.Lock()
        self.down: set[str] = set()  # by a fault
        self.restarts: dict[str, int] = {}  # by itself

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(LOOK_EVERY_S):
            for name, service in self._writ.services.items():
                with self.lock:
                    if name in self.down or service.is_up:
                        continue
                    self.restarts[name] = self.restarts.get(name, 0) + 1
                    with suppress(ServerError):  # its database may be down: tried again soon
                        service.start()


def strike(fault: Fault, writ: Production, supervisor: Supervisor) -> None:
    """One fault, from its beginning to its mending."""
    _STRIKES[fault.kind](fault, writ, supervisor)


def heal(writ: Production) -> None:
    """Nothing goes wrong at the sandbox any more; everything else a strike has mended itself."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with suppress(urllib3.exceptions.HTTPError):
            writ.put_faults({})
            return
        time.sleep(LOOK_EVERY_S)


def _kill(fault: Fault, writ: Production, supervisor: Supervisor) -> None:
    with supervisor.lock:
        supervisor.down.add(fault.what)
        writ.kill9(fault.what)
    time.sleep(fault.lasts_s)
    with supervisor.lock:
        writ.start(fault.what)
        supervisor.down.discard(fault.what)


def _freeze(fault: Fault, writ: Production, _supervisor: Supervisor) -> None:
    writ.services[fault.what].freeze()
    time.sleep(fault.lasts_s)
    writ.services[fault.what].thaw()


def _kill_rabbit(fault: Fault, writ: Production, _supervisor: Supervisor) -> None:
    writ.rabbit.kill9()
    time.sleep(fault.lasts_s)
    writ.rabbit.start()


def _stop_rabbit(fault: Fault, writ: Production, _supervisor: Supervisor) -> None:
    writ.rabbit.stop()
    time.sleep(fault.lasts_s)
    writ.rabbit.start()


def _kill_postgres(fault: Fault, writ: Production, _supervisor: Supervisor) -> None:
    writ.postgres.kill9()
    time.sleep(fault.lasts_s)
    writ.postgres.start()


def _cut(_fault: Fault, writ: Production, _supervisor: Supervisor) -> None:
    url = writ.postgres.url.replace("postgresql+psycopg://", "postgresql://")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(_CUT)


def _misbehave(fault: Fault, writ: Production, _supervisor: Supervisor) -> None:
    with suppress(urllib3.exceptions.HTTPError):  # an earlier fault may have killed the sandbox
        writ.put_faults(fault.sandbox)
        time.sleep(fault.lasts_s)
        writ.put_faults({})


_STRIKES: Mapping[Kind, Callable[[Fault, Production, Supervisor], None]] = {
    Kind.KILL: _kill,
    Kind.KILL_RABBIT: _kill_rabbit,
    Kind.KILL_POSTGRES: _kill_postgres,
    Kind.STOP_RABBIT: _stop_rabbit,
    Kind.FREEZE: _freeze,
    Kind.CUT: _cut,
    Kind.SES: _misbehave,
    Kind.PRINT: _misbehave,
    Kind.RECEIPTS: _misbehave,
}
