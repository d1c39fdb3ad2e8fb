"""Answers that are none: a connection reset or left hanging; and the server that can do both.

Knows waitress closely, as nothing else here does: its channel is how an answer reaches the socket.
"""

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from flask import Flask, Response
from waitress import create_server, wasyncore
from waitress.channel import ClientDisconnected

THREADS = 16  # a stalled call holds one
LOOK_S = 0.05  # how often a stalled call looks whether its caller is still there


class Reset(Response):
    """Sends RST in place of an answer: the caller never learns what became of its call."""

    def __call__(self, environ: dict[str, Any], start_response: object) -> Iterable[bytes]:
        channel = environ["waitress.client_disconnected"].__self__
        with suppress(OSError):  # the caller may be gone already
            # With no time to linger, close() resets the connection instead of ending it politely.
            channel.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise ClientDisconnected


class Stalled(Reset):
    """Says nothing until the caller goes or `seconds` are over, then resets."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds

    def __call__(self, environ: dict[str, Any], start_response: object) -> Iterable[bytes]:
        gone: Callable[[], bool] = environ["waitress.client_disconnected"]
        end = time.monotonic() + self._seconds
        while not gone() and time.monotonic() < end:
            time.sleep(LOOK_S)
        return super().__call__(environ, start_response)


@contextmanager
def listening(app: Flask, host: str, port: int) -> Iterator[int]:
    """Serve `app` on one numeric address while the block runs; yields the port (0 picks one)."""
    sockets: dict[int, Any] = {}
    server = create_server(
        app,
        map=sockets,
        host=host,
        port=port,
        threads=THREADS,
        channel_request_lookahead=1,  # or waitress would not notice that a caller has gone
    )
    stopping = threading.Event()

    def loop() -> None:
        while not stopping.is_set():
            wasyncore.loop(timeout=1.0, use_poll=True, map=sockets, count=1)

    thread = threading.Thread(target=loop, name="sandbox-server", daemon=True)
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
