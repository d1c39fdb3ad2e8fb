"""A mail relay that misbehaves on purpose, and counts what it really has."""

import socket
import ssl
import struct
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from services.dispatch.providers.contract import Email, ProviderError, Taken
from services.dispatch.providers.mail.line import Security
from services.dispatch.providers.smtp import Smtp, make_relay
from shared.clock import new_id

Act = str | bytes  # bytes are sent as they are; a word is one of these
DROP, RESET, STALL, DRIP = "drop", "reset", "stall", "drip"
HALF = "half"  # reads some of the data, then drops the line
FLOOD = "flood"  # a reply without an end
SLOW = "slow"  # the usual answer, after 0.8 s

BOUNCES = "bounces@letters.example"
_USUAL: Mapping[str, bytes] = {
    "GREETING": b"220 relay.example ready\r\n",
    "EHLO": b"250-relay.example\r\n250-SIZE 10000000\r\n250-8BITMIME\r\n250 DSN\r\n",
    "STARTTLS": b"220 go ahead\r\n",
    "AUTH": b"235 2.7.0 welcome\r\n",
    "MAIL": b"250 2.1.0 ok\r\n",
    "RCPT": b"250 2.1.5 ok\r\n",
    "DATA": b"354 go ahead\r\n",
    "END": b"250 2.0.0 queued as 4F7\r\n",
    "RSET": b"250 2.0.0 ok\r\n",
    "QUIT": b"221 2.0.0 bye\r\n",
}


@dataclass
class Got:
    """What arrived."""

    port: int
    connections: int = 0
    commands: list[str] = field(default_factory=list)
    whole: list[bytes] = field(default_factory=list)  # to the last dot
    accepted: list[bytes] = field(default_factory=list)  # whole, and not refused

    def said(self, verb: str) -> list[str]:
        return [one for one in self.commands if one.upper().startswith(verb)]


Script = Mapping[str, Sequence[Act]]


@contextmanager
def misbehaving(script: Script, *, context: ssl.SSLContext | None = None) -> Iterator[Got]:
    """`script`: by verb, what is done instead of the usual, one each time that it is its turn."""
    left = {verb: list(acts) for verb, acts in script.items()}
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(8) as threads:
        got = Got(server.getsockname()[1])
        stop = threading.Event()
        server.settimeout(0.05)

        def serve() -> None:
            while not stop.is_set():
                with suppress(TimeoutError):
                    peer = server.accept()[0]
                    got.connections += 1
                    threads.submit(_Session(peer, left, got, context, stop).run)

        threads.submit(serve)
        try:
            yield got
        finally:
            stop.set()


class _Session:
    def __init__(
        self,
        peer: socket.socket,
        script: dict[str, list[Act]],
        got: Got,
        context: ssl.SSLContext | None,
        stop: threading.Event,
    ) -> None:
        self.peer, self.script, self.got, self.stop = peer, script, got, stop
        self.context = context
        self.buffer = b""

    def run(self) -> None:
        self.peer.settimeout(5)
        with suppress(OSError):
            if self.act("GREETING"):
                while (line := self.until(b"\r\n")) and self.obey(line.decode()):
                    pass
        self.peer.close()

    def obey(self, line: str) -> bool:
        """False where the line is over."""
        self.got.commands.append(line)
        verb = line.split(" ")[0].upper()
        go_on = self.act(verb)
        if verb == "STARTTLS" and go_on and self.context:
            self.peer = self.context.wrap_socket(self.peer, server_side=True)
        if verb == "DATA" and go_on and self.last.startswith(b"3"):
            return self.take()
        return go_on and verb != "QUIT"

    def take(self) -> bool:
        if self.next("END") == HALF:
            self.script["END"].pop(0)
            self.peer.recv(1000)
            return False
        if not (content := self.until(b"\r\n.\r\n", longest=2**25)):
            return False
        self.got.whole.append(content + b"\r\n")
        act = self.next("END") or _USUAL["END"]
        if isinstance(act, str) or act.startswith(b"2"):
            self.got.accepted.append(content + b"\r\n")
        return self.act("END")

    def next(self, verb: str) -> Act | None:
        acts = self.script.get(verb)
        return acts[0] if acts else None

    def act(self, verb: str) -> bool:
        act = self.next(verb)
        usual = _USUAL.get(verb, b"502 5.5.1 what?\r\n")
        if act is not None:
            self.script[verb].pop(0)
        if act == SLOW:
            time.sleep(0.8)
        if act is None or act == SLOW:
            act = usual
        if isinstance(act, bytes):
            self.last = act
            self.peer.sendall(act)
            return True
        return self.misbehave(act)

    def misbehave(self, act: str) -> bool:
        if act == STALL:
            self.stop.wait(5)
        if act == DRIP:  # each byte comes in time, and the line never
            with suppress(OSError):
                while not self.stop.is_set():
                    self.peer.sendall(b"2")
                    time.sleep(0.05)
        if act == FLOOD:
            with suppress(OSError):
                while not self.stop.is_set():
                    self.peer.sendall(b"250-x\r\n" * 1000)
        if act == RESET:
            self.peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return False

    def until(self, end: bytes, *, longest: int = 4096) -> bytes:
        """What stands before `end`; nothing where the line is over."""
        parts = bytearray(self.buffer)
        while (found := parts.find(end, max(0, len(parts) - 70_000))) < 0:
            more = self.peer.recv(65536)
            if not more or len(parts) > longest:
                return b""
            parts += more
        self.buffer = bytes(parts[found + len(end) :])
        return bytes(parts[:found])


def an_email(**changes: Any) -> Email:
    fields: dict[str, Any] = {
        "delivery_id": new_id(),
        "from_": '"Ana Example" <letters@letters.example>',
        "to": "minister@office.example",
        "reply_to": "ana@supporter.example",
        "subject": "Free Zhang Zhan",
        "text": "Dear Minister,\n\n.I have not forgotten her.\n",
        "html": "<p>Dear Minister,</p>\n",
    }
    return Email(**fields | changes)


@contextmanager
def an_smtp(port: int, *, read_timeout_s: float = 2, **changes: Any) -> Iterator[Smtp]:
    fields: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": port,
        "security": Security.NONE,
        "user": "",
        "password": "",
        "bounce_address": BOUNCES,
    }
    told = fields | changes
    smtp = Smtp(
        make_relay(**told),
        bounce_address=told["bounce_address"],
        connect_timeout_s=0.3,
        read_timeout_s=read_timeout_s,
    )
    try:
        yield smtp
    finally:
        smtp.close()


def outcome(smtp: Smtp, email: Email) -> Taken | ProviderError:
    try:
        return smtp.send(email)
    except ProviderError as error:
        return error


def send(
    script: Script, email: Email | None = None, **changes: Any
) -> tuple[Taken | ProviderError, Got]:
    """One email over a relay of its own."""
    with misbehaving(script) as got, an_smtp(got.port, **changes) as smtp:
        ended = outcome(smtp, email or an_email())
    return ended, got  # every session is over: what was counted stays so
