"""A server on the other end of the line that misbehaves on purpose, and counts what reaches it."""

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

Answer = Callable[[socket.socket], None]


@dataclass
class Line:
    """What arrived: one entry a request, its head and body."""

    port: int
    requests: list[bytes] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def listening(answer: Answer, *, context: ssl.SSLContext | None = None) -> Iterator[Line]:
    """Reads one request a connection, whole, then lets `answer` do what it does."""
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(8) as threads:
        line = Line(server.getsockname()[1])
        stop = threading.Event()
        server.settimeout(0.05)

        def serve() -> None:
            while not stop.is_set():
                with suppress(TimeoutError):
                    threads.submit(_hear, server.accept()[0], line, answer, context)

        threads.submit(serve)
        try:
            yield line
        finally:
            stop.set()


def _hear(peer: socket.socket, line: Line, answer: Answer, context: ssl.SSLContext | None) -> None:
    peer.settimeout(5)
    with suppress(OSError), _wrapped(peer, context) as talk:
        if request := _request(talk):
            line.requests.append(request)
            answer(talk)


def answering(status: int, body: str = "{}", **headers: str) -> Answer:
    """Answers every request alike."""
    named = {
        "Content-Type": "application/json",
        "Connection": "close",  # one request a line: else a caller may write into a closing one
        **{k.replace("_", "-"): headers[k] for k in headers},
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    whole = f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n{head}\r\n{body}"

    def answer(peer: socket.socket) -> None:
        peer.sendall(whole.encode())

    return answer


def stalling(peer: socket.socket) -> None:
    """Takes the request and says nothing until the caller is gone."""
    with suppress(OSError):
        while peer.recv(1024):
            pass


def resetting(peer: socket.socket) -> None:
    """Takes the request and breaks the line."""
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()


def hanging_up(peer: socket.socket) -> None:
    """Takes the request and ends the line in order."""
    peer.shutdown(socket.SHUT_RDWR)


def cutting(peer: socket.socket) -> None:
    """Begins to answer and stops in the middle."""
    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{")
    peer.shutdown(socket.SHUT_RDWR)


def babbling(peer: socket.socket) -> None:
    """Takes the request and answers what is no HTTP."""
    peer.sendall(b"\x00\x01 what?\r\n\r\n")
    peer.shutdown(socket.SHUT_RDWR)


def breaking_tls(peer: socket.socket) -> None:
    """Takes the request, and then what comes is no TLS any more."""
    with socket.socket(fileno=peer.detach()) as plain:
        plain.sendall(b"no record of TLS at all\r\n" * 4)


def free_port() -> int:
    """Where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _wrapped(peer: socket.socket, context: ssl.SSLContext | None) -> socket.socket:
    return context.wrap_socket(peer, server_side=True) if context else peer


def _request(peer: socket.socket) -> bytes:
    """One HTTP request with a Content-Length, or nothing where the caller has gone."""
    got = b""
    while b"\r\n\r\n" not in got:
        if not (more := peer.recv(65536)):
            return b""
        got += more
    head, _, body = got.partition(b"\r\n\r\n")
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    wanted = int(lengths[0].split(b":")[1]) if lengths else 0
    while len(body) < wanted and (more := peer.recv(65536)):
        body += more
    return head + b"\r\n\r\n" + body
