"""Runs Dramatiq workers in this process, and stops them in order."""

import signal
import threading
from collections.abc import Collection

import dramatiq


def start_worker(
    broker: dramatiq.Broker, *, queues: Collection[str], threads: int
) -> dramatiq.Worker:
    """A started worker; the caller stops it."""
    # The time limit's clock is started by this signal alone, which only Dramatiq's own command
    # emits; twice would start a thread twice.
    broker.emit_after("process_boot")
    worker = dramatiq.Worker(broker, queues=set(queues), worker_threads=threads)
    worker.start()
    return worker


def stop_signal() -> threading.Event:
    """An event that SIGTERM and SIGINT set: what is under way ends, nothing new begins."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop
