"""Serves a WSGI application: waitress on a thread of this process, or gunicorn as the process."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger
from waitress import wasyncore
from waitress.server import create_server

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication


@contextmanager
def listening(app: "WSGIApplication", host: str, port: int, *, threads: int = 8) -> Iterator[int]:
    """Serves `app` on one numeric address while the block runs; yields the port (0 picks one).

    Raises OSError where the port is taken.
    """
    sockets: dict[int, Any] = {}
    server = create_server(
        app,
        map=sockets,
        host=host,
        port=port,
        threads=threads,
        recv_bytes=1 << 16,  # a print order is 36 kB: one read instead of five
        channel_request_lookahead=1,  # or waitress would not notice that a caller has gone
    )
    stopping = threading.Event()

    def loop() -> None:
        while not stopping.is_set():
            wasyncore.loop(timeout=1.0, use_poll=True, map=sockets, count=1)

    thread = threading.Thread(target=loop, name=f"http-{port}", daemon=True)
    thread.start()
    try:
        yield server.effective_port
    finally:
        # The loop must end before its sockets close: it may be waiting on them right now.
        stopping.set()
        server.pull_trigger()
        thread.join()
        wasyncore.close_all(sockets)
        server.task_dispatcher.shutdown()


class _Log(Logger):  # type: ignore[misc]
    """gunicorn's own lines go where all others go, in their form: see shared/logs.py."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        self.error_log.propagate = True


class Gunicorn(BaseApplication):  # type: ignore[misc]
    """gunicorn, gthread workers, configured here and not by a file."""

    def __init__(
        self, make_app: Callable[[], "WSGIApplication"], *, bind: str, workers: int, threads: int
    ) -> None:
        self._make_app = make_app
        self._options = {
            "bind": bind,
            "workers": workers,
            "threads": threads,
            "worker_class": "gthread",
            "keepalive": 30,
            "timeout": 60,
            "graceful_timeout": 20,
            # Bytes, the most gunicorn takes: a map of columns in an address (POST /v1/imports)
            # grows sixfold where its letters are Cyrillic or Arabic.
            "limit_request_line": 8190,
            "logger_class": _Log,
            "errorlog": None,
            "control_socket_disable": True,  # opened below HOME, and nobody talks to it
            # The heartbeat file must not wait for a disk.
            "worker_tmp_dir": "/dev/shm",  # noqa: S108
        }
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> "WSGIApplication":
        # In the worker, after the fork: a database pool must not be shared between processes.
        return self._make_app()
