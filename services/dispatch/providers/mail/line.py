"""One connection to a mail relay.

In: where the relay is, one `Written`.  Out: it was taken, or a ProviderError.  smtplib speaks the
protocol; here every wait has an end, and it is watched what the relay can have: until the last dot
is written nothing, from then until it answers nobody can tell.
"""

import smtplib
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from services.dispatch.providers.contract import LaneHeld, LaneReason, Refused, TryLater, Unclear
from services.dispatch.providers.mail.message import Written
from services.dispatch.providers.mail.replies import LANE_PAUSE_S, Stage, meaning

_LONGEST_REPLY = 64 * 1024
_GOODBYE_S = 1.0


class Security(StrEnum):
    """How the line is kept from others."""

    STARTTLS = "starttls"  # begun in the open, on port 587; refused where the relay cannot
    TLS = "tls"  # from the first byte, on port 465 (RFC 8314)
    NONE = "none"  # on the same machine


@dataclass(frozen=True, slots=True, kw_only=True)
class MailRelay:
    """Where emails are handed in, and as whom."""

    host: str
    port: int
    security: Security
    user: str  # empty: without AUTH
    password: str = field(repr=False)
    own_name: str  # what EHLO says that we are called
    context: ssl.SSLContext  # whose certificates are believed


class Stale(Exception):
    """A kept connection was dead, before anything of an email was accepted on it."""


class Line:
    """An open connection, let in.  One email at a time; not for two threads at once."""

    def __init__(self, talk: "_Talk") -> None:
        self._talk = talk
        self.carried = 0  # emails begun on it
        self.idle_since = time.monotonic()

    def hand_over(self, email: Written, *, until: float, answer_s: float) -> None:
        """`until`: when all before the last dot must be done; `answer_s`: the wait for the answer.

        Raises ProviderError, and Stale on a kept connection only.
        """
        self._talk.until = until
        self._begin(email)
        self._name_recipient(email)
        self._expect(Stage.DATA, "DATA", 354)
        self._write(email.stuffed)
        self._end(answer_s)
        self.idle_since = time.monotonic()

    @property
    def is_open(self) -> bool:
        return self._talk.sock is not None

    def leave(self) -> None:
        """Says goodbye and does not wait for the answer."""
        self._talk.until = time.monotonic() + _GOODBYE_S
        with suppress(OSError, smtplib.SMTPException):
            self._talk.putcmd("QUIT")
        self._talk.close()

    def _begin(self, email: Written) -> None:
        kept = self.carried > 0
        self.carried += 1
        size = f" SIZE={len(email.content)}" if self._talk.has_extn("size") else ""
        # RFC 3461: the reports name the delivery, and bring its headers back without its words.
        dsn = f" RET=HDRS ENVID={email.delivery_id}" if self._talk.has_extn("dsn") else ""
        if 0 < self._largest() < len(email.content):
            raise Refused("it is larger than the relay takes (SIZE)")
        try:
            if kept and self._talk.docmd("RSET")[0] != 250:
                raise Stale
            code, text = self._talk.docmd(f"MAIL FROM:<{email.sender}>{size}{dsn}")
        except OSError as error:
            raise (Stale if kept else _broken(Stage.MAIL, error)) from error
        if kept and code == 421:  # enough emails on one connection, perhaps
            raise Stale
        if code != 250:
            raise meaning(Stage.MAIL, code, text)

    def _name_recipient(self, email: Written) -> None:
        dsn = " NOTIFY=SUCCESS,FAILURE,DELAY" if self._talk.has_extn("dsn") else ""
        self._expect(Stage.RCPT, f"RCPT TO:<{email.recipient}>{dsn}", 250, 251, 252)

    def _expect(self, stage: Stage, command: str, *codes: int) -> None:
        try:
            code, text = self._talk.docmd(command)
        except OSError as error:
            raise _broken(stage, error) from error
        if code not in codes:
            raise meaning(stage, code, text)

    def _write(self, stuffed: bytes) -> None:
        try:
            self._talk.send(stuffed)
        except OSError as error:  # without the last dot the relay has nothing
            raise _broken(Stage.DATA, error) from error

    def _end(self, answer_s: float) -> None:
        self._talk.until = max(self._talk.until, time.monotonic() + answer_s)
        try:
            self._talk.send(b".\r\n")
        except OSError as error:  # its last byte never left this machine
            raise _broken(Stage.END, error) from error
        try:
            code, text = self._talk.getreply()
        except OSError as error:
            raise Unclear(f"the relay did not answer to {Stage.END}: {_cause(error)}") from error
        if not 200 <= code < 300:
            raise meaning(Stage.END, code, text)

    def _largest(self) -> int:
        """What the relay takes, in bytes; 0 where it does not say (RFC 1870, 3)."""
        said = self._talk.esmtp_features.get("size", "")
        return int(said) if said.isascii() and said.isdigit() and len(said) < 19 else 0


def open_line(relay: MailRelay, *, connect_s: float, until: float) -> Line:
    """Connects and is let in.  Raises ProviderError: nothing was handed over yet."""
    with _faults_named():
        talk = _Talk(relay, connect_s=connect_s, until=until)
    try:
        with _faults_named():
            _be_let_in(talk, relay)
    except BaseException:
        talk.close()
        raise
    return Line(talk)


def _be_let_in(talk: "_Talk", relay: MailRelay) -> None:
    _say_hello(talk)
    if relay.security is Security.STARTTLS:
        if not talk.has_extn("starttls"):
            raise _held("the relay does not offer STARTTLS")
        _begin_tls(talk, relay.context)
        _say_hello(talk)
    if relay.user:
        if not talk.has_extn("auth"):
            raise _held("the relay does not offer AUTH", LaneReason.CREDENTIALS)
        talk.login(relay.user, relay.password)


def _say_hello(talk: "_Talk") -> None:
    code, text = talk.ehlo()
    if code != 250:
        raise meaning(Stage.HELLO, code, text)


def _begin_tls(talk: "_Talk", context: ssl.SSLContext) -> None:
    try:
        talk.starttls(context=context)
    except smtplib.SMTPResponseException as error:
        raise meaning(Stage.TLS, error.smtp_code, _bytes(error.smtp_error)) from error


@contextmanager
def _faults_named() -> Iterator[None]:
    """smtplib's and the system's errors before an email begins, in our words."""
    try:
        yield
    except smtplib.SMTPConnectError as error:
        raise meaning(Stage.GREETING, error.smtp_code, _bytes(error.smtp_error)) from error
    except smtplib.SMTPAuthenticationError as error:
        raise meaning(Stage.AUTH, error.smtp_code, _bytes(error.smtp_error)) from error
    except ssl.SSLCertVerificationError as error:
        raise _held("the relay's certificate is not trusted") from error
    except smtplib.SMTPServerDisconnected as error:
        raise TryLater(f"the relay hung up before any email: {_cause(error)}") from error
    except smtplib.SMTPException as error:
        raise _held(f"the relay does not speak as we do: {_cause(error)}") from error
    except (OSError, ValueError) as error:
        raise TryLater(f"the relay was not reached: {_cause(error)}") from error


def _held(detail: str, reason: LaneReason = LaneReason.ACCOUNT) -> LaneHeld:
    return LaneHeld(detail, after_s=LANE_PAUSE_S, reason=reason)


def _broken(stage: Stage, error: OSError) -> TryLater:
    return TryLater(f"the line to the relay broke at {stage}: {_cause(error)}")


def _cause(error: BaseException) -> str:
    """The name alone: a message may quote what was said."""
    inner = error.__cause__ or error.__context__
    return type(inner if isinstance(inner, OSError) else error).__name__


def _bytes(text: bytes | str) -> bytes:
    return text if isinstance(text, bytes) else text.encode()


class _Talk(smtplib.SMTP):
    """smtplib whose every wait ends at `until`, however slowly the relay drips."""

    def __init__(self, relay: MailRelay, *, connect_s: float, until: float) -> None:
        self.until = until
        self._relay = relay
        self._connect_s = connect_s
        super().__init__(relay.host, relay.port, local_hostname=relay.own_name)

    def connect(
        self, host: str = "localhost", port: int = 0, source_address: Any = None
    ) -> tuple[int, bytes]:
        plain = socket.create_connection((host, port), min(self._connect_s, self._left()))
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # the last dot goes by itself
        self.sock = plain
        if self._relay.security is Security.TLS:
            self.sock = self._relay.context.wrap_socket(plain, server_hostname=host)
        self.file = None
        return self.getreply()

    def send(self, s: Any) -> None:
        if self.file is not None and self.file.has_more:
            # Else an answer to nothing would be taken for that to what is said now.
            self.close()
            raise smtplib.SMTPServerDisconnected("it said more than it was asked")
        if self.sock is not None:
            self.sock.settimeout(self._left())
        super().send(s)

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None:
            self.file = _Reader(self)
        self.file.start_reply()
        return super().getreply()

    def receive(self) -> bytes:
        if self.sock is None:
            raise smtplib.SMTPServerDisconnected("closed")
        self.sock.settimeout(self._left())
        received: bytes = self.sock.recv(8192)
        return received

    def _left(self) -> float:
        """Seconds.  Raises TimeoutError."""
        if (left := self.until - time.monotonic()) <= 0:
            self.close()
            raise TimeoutError("its time is over")
        return left


class _Reader:
    """What smtplib reads lines from.  Raises OSError, as a socket's file does."""

    def __init__(self, talk: _Talk) -> None:
        self._talk = talk
        self._had = b""
        self._read = 0

    @property
    def has_more(self) -> bool:
        return bool(self._had)

    def start_reply(self) -> None:
        self._read = 0

    def readline(self, limit: int) -> bytes:
        while b"\n" not in self._had and len(self._had) < limit:
            if not (more := self._talk.receive()):
                break
            self._had += more
            self._read += len(more)
        if self._read > _LONGEST_REPLY:
            raise OSError("its reply has no end")
        end = min(self._had.find(b"\n") + 1 or limit, limit)
        line, self._had = self._had[:end], self._had[end:]
        return line

    def close(self) -> None:
        self._had = b""
