"""One server process of ours: its directory, its port, its account, its life and its end."""

import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

INSTALL = "run `make servers` (Debian, Ubuntu), or install it by hand"


class ServerError(Exception):
    """A private server cannot be had."""


class BinariesMissing(ServerError):
    """The server is not installed on this machine."""


class DidNotStart(ServerError):
    """The server ended, or answered nobody, before its time was up."""


class PrivateServer:
    """One server process of ours. `start`, `stop`, `kill9`, `restart` keep its port and data."""

    user_names: tuple[str, ...] = ("nobody",)
    start_s = 60.0

    def __init__(self) -> None:
        self.port = free_port()
        self.directory = Path(tempfile.mkdtemp(prefix=f"writ-{type(self).__name__.lower()}-"))
        self._account = _account(self.user_names)
        self._process: subprocess.Popen[bytes] | None = None
        self._guardian: _Guardian | None = None
        self._own(self.directory)

    @property
    def pid(self) -> int | None:
        """The server's process id, None while it is down."""
        return self._process.pid if self._process else None

    def start(self) -> Self:
        """Start it, the first time and every time after, and wait until it answers."""
        deadline = time.monotonic() + self.start_s
        while not self._answers_before(deadline):
            # A killed server's children hold its memory for a moment, and the next one refuses.
            if time.monotonic() > deadline:
                raise DidNotStart(f"{type(self).__name__}: {self._last_words()}")
            time.sleep(0.1)
        return self

    def stop(self) -> None:
        """Ask it to shut down in order, and wait; what it promised is on disk."""
        self._end(signal.SIGTERM, patience_s=60)

    def kill9(self) -> None:
        """End it as a power cut would. `start` brings it back with what was durable."""
        self._end(signal.SIGKILL, patience_s=10)

    def restart(self) -> None:
        """Stop in order and start again."""
        self.stop()
        self.start()

    def close(self) -> None:
        """End it quickly and remove everything it wrote."""
        self.kill9()
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _command(self) -> list[str]:
        raise NotImplementedError

    def _environment(self) -> dict[str, str]:
        return {}

    def _answers(self) -> bool:
        raise NotImplementedError

    def _answers_before(self, deadline: float) -> bool:
        with (self.directory / "server.log").open("ab") as log:
            self._process = self._popen(self._command(), log.fileno())
        self._guardian = _Guardian(self._process.pid, self.directory)
        while time.monotonic() < deadline and self._process.poll() is None:
            if self._answers():
                return True
            time.sleep(0.05)
        self.kill9()
        return False

    def _popen(self, command: list[str], output: int) -> subprocess.Popen[bytes]:
        home = {"HOME": str(self.directory), "LANG": "C.UTF-8", "PATH": os.environ["PATH"]}
        user = self._account
        return subprocess.Popen(
            command,
            env=home | self._environment(),
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            # Its own session: Ctrl-C must not end the server before the tests let go of it.
            start_new_session=True,
            user=user.pw_uid if user else None,
            group=user.pw_gid if user else None,
            extra_groups=[] if user else None,
        )

    def _end(self, how: signal.Signals, *, patience_s: float) -> None:
        if self._process is None:
            return
        self._process.send_signal(how)
        try:
            self._process.wait(patience_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)
        self._process = None
        if self._guardian:
            self._guardian.dismiss()

    def _own(self, path: Path) -> None:
        if self._account:
            os.chown(path, self._account.pw_uid, self._account.pw_gid)

    def _last_words(self) -> str:
        log = self.directory / "server.log"
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        return "\n".join(lines[-15:]) or "it wrote no log"


_GUARDIAN = 'read -r _ || { kill -s KILL -- "-$1"; rm -rf "$2"; }'


class _Guardian:
    """Ends the server when we are killed ourselves and can end nothing any more.

    A shell that waits at a pipe whose other end only we hold: it closes with us, however we go.
    """

    def __init__(self, server: int, directory: Path) -> None:
        self._shell = subprocess.Popen(
            ["/bin/sh", "-c", _GUARDIAN, "guardian", str(server), str(directory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def dismiss(self) -> None:
        """The server ended in order: nothing to guard."""
        self._shell.communicate(b"done\n")


def free_port() -> int:
    """A port nobody listens on.

    Below 32768, where outgoing connections get no port of their own: a client that keeps knocking
    on a killed server's port would one day meet itself there, and the server could not come back.
    """
    while True:
        port = random.randrange(20000, 32000)
        with socket.socket() as plug:
            try:
                plug.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def _account(names: tuple[str, ...]) -> pwd.struct_passwd | None:
    """Whom to run as: the first of `names` that exists when we are root, else None: ourselves."""
    if os.getuid() != 0:
        return None
    known = {account.pw_name: account for account in pwd.getpwall()}
    return next(known[name] for name in names if name in known)
