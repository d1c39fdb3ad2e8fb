"""Answers that are none: a connection reset or left hanging.  Serve them with shared/wsgi.py.

Knows waitress closely, as nothing else here does: its channel is how an answer reaches the socket.
"""

import socket
import struct
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from flask import Response
from waitress.channel import ClientDisconnected

THREADS = 16  # a stalled call holds one
LOOK_S = 0.05  # how often a stalled call looks whether its caller is still there


class Reset(Response):
    """Sends RST in place of an answer: the caller never learns what became of its call."""

    def __call__(self, environ: dict[str, Any], start_response: object) -> Iterable[bytes]:
        channel = environ["waitress.client_disconnected"].__self__
        with suppress(OSError, AttributeError):  # the caller may be gone already, socket and all
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
