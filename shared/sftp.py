"""One conversation over SFTP with a partner whose host key we know, by our key alone.

In: a Partner.  Out: a Line, on which files are put, read and renamed; a name stands there only when
its file is whole.  Nothing is repeated here.  Files travel many at once, or a far partner would
take a night for a batch.

LineFault
├── LineLost     not reached, or gone in the middle: what was asked for last may have been done
├── Distrusted   its host key is another one, or it does not take ours: a person must look
└── Refused      it answered no: no right, no room, no such file
"""

import asyncio
import posixpath
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self, TypeVar, cast

import asyncssh
from asyncssh import SFTPClient, SFTPError, SFTPNoSuchFile

from shared.settings import Env, SettingError

AT_ONCE = 16  # files on their way
SLOWEST_BYTES_PER_S = 16 * 1024  # a file that travels slower is given up
_HALF = ".part"  # the end of a name whose file may not be whole

_Answer = TypeVar("_Answer")

asyncssh.set_log_level("ERROR")  # what it says in words, we say in fields


class LineFault(Exception):
    """The conversation failed; the message names no person."""


class LineLost(LineFault):
    """Not reached, or gone in the middle."""


class Distrusted(LineFault):
    """Not the partner we know, or one that does not know us."""


class Refused(LineFault):
    """The partner answered no."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Partner:
    """Whom to speak with, and how it is known."""

    host: str
    port: int
    user: str
    key: str = field(repr=False)  # ours, private: the text of an OpenSSH or PEM file
    host_keys: tuple[str, ...]  # its own: "ssh-ed25519 AAAA…"; several while it changes them
    connect_timeout_s: float = 15
    answer_timeout_s: float = 60

    @classmethod
    def from_env(cls, env: Env) -> Self:
        return cls(
            host=env.text("WRIT_SFTP_HOST", ""),
            port=env.whole("WRIT_SFTP_PORT", 22),
            user=env.text("WRIT_SFTP_USER", ""),
            key=env.text("WRIT_SFTP_KEY", ""),
            host_keys=env.words("WRIT_SFTP_HOST_KEYS"),
        )

    def check(self) -> None:
        """Raises SettingError."""
        if not self.host or not self.user:
            raise SettingError("WRIT_SFTP_HOST and WRIT_SFTP_USER must name the partner")
        if not 0 < self.port < 65536:
            raise SettingError("WRIT_SFTP_PORT must be a port: 22, mostly")
        if not self.host_keys:
            raise SettingError(
                "WRIT_SFTP_HOST_KEYS must hold the host key the print house told you"
            )
        try:
            _public(self)
        except (asyncssh.KeyImportError, ValueError) as error:
            raise SettingError("WRIT_SFTP_HOST_KEYS: one is not like ssh-ed25519 AAAA…") from error
        try:
            asyncssh.import_private_key(self.key)
        except (asyncssh.KeyImportError, ValueError) as error:
            raise SettingError("WRIT_SFTP_KEY is no private key without passphrase") from error


class Line:
    """One open conversation, for one thread.  Paths begin where the partner lets us in.

    Each call raises LineFault.
    """

    def __init__(self, runner: asyncio.Runner, sftp: SFTPClient, partner: Partner) -> None:
        self._runner = runner
        self._sftp = sftp
        self._partner = partner

    def sizes(self, folder: str) -> dict[str, int] | None:
        """Each file in the folder, in bytes; None where there is no such folder."""
        return self._ask(self._sizes(folder))

    def size(self, path: str) -> int | None:
        """In bytes; None where there is no such file."""
        return self._ask(self._size(path))

    def changed_at(self, path: str) -> int | None:
        """Seconds since 1970, by the partner's clock; None where there is none, or it says none."""
        return self._ask(self._changed_at(path))

    def make(self, folder: str) -> None:
        """The folder; one that is there already stays."""
        return self._ask(self._make(folder))

    def put(self, folder: str, files: Mapping[str, Path]) -> None:
        """Each file under its name in the folder; returns when all are whole."""
        longest_s = sum(file.stat().st_size for file in files.values()) / SLOWEST_BYTES_PER_S
        self._ask(self._put(folder, files), longest_s)

    def write(self, path: str, content: bytes) -> None:
        """A small file, under its name only when it is whole; one of that name is replaced."""
        self._ask(self._write(path, content), len(content) / SLOWEST_BYTES_PER_S)

    def read(self, path: str, *, most_bytes: int) -> bytes:
        """At most one byte more than `most_bytes`: so a larger file can be told."""
        return self._ask(self._read(path, most_bytes + 1), most_bytes / SLOWEST_BYTES_PER_S)

    def rename(self, old: str, new: str) -> None:
        """Refused where `new` is there already."""
        self._ask(self._sftp.rename(old, new))

    def replace(self, old: str, new: str) -> None:
        """Also where `new` is there already."""
        self._ask(self._replace(old, new))

    def remove(self, path: str) -> None:
        """The file; one that is not there may stay away."""
        self._ask(self._remove(path))

    def _ask(self, what: Coroutine[Any, Any, _Answer], longest_s: float = 0) -> _Answer:
        return _run(self._runner, what, self._partner.answer_timeout_s + longest_s)

    async def _sizes(self, folder: str) -> dict[str, int] | None:
        found: dict[str, int] = {}
        try:
            async for entry in self._sftp.scandir(folder):
                if entry.attrs.type == asyncssh.FILEXFER_TYPE_REGULAR:
                    found[str(entry.filename)] = entry.attrs.size or 0
        except SFTPNoSuchFile:
            return None
        return found

    async def _size(self, path: str) -> int | None:
        try:
            return (await self._sftp.stat(path)).size or 0
        except SFTPNoSuchFile:
            return None

    async def _changed_at(self, path: str) -> int | None:
        try:
            told = (await self._sftp.stat(path)).mtime
        except SFTPNoSuchFile:
            return None
        return None if told is None else int(told)

    async def _make(self, folder: str) -> None:
        if not await self._sftp.isdir(folder):
            await self._sftp.mkdir(folder)

    async def _put(self, folder: str, files: Mapping[str, Path]) -> None:
        waiting = iter(files.items())

        async def carry() -> None:
            for name, file in waiting:
                await self._write(posixpath.join(folder, name), file.read_bytes())

        async with asyncio.TaskGroup() as carriers:
            for _ in range(min(AT_ONCE, len(files))):
                carriers.create_task(carry())

    async def _write(self, path: str, content: bytes) -> None:
        async with self._sftp.open(path + _HALF, "wb") as file:
            await file.write(content)
        await self._replace(path + _HALF, path)

    async def _read(self, path: str, most_bytes: int) -> bytes:
        async with self._sftp.open(path, "rb") as file:
            return cast(bytes, await file.read(most_bytes))  # its types think of text alone

    async def _replace(self, old: str, new: str) -> None:
        try:
            await self._sftp.rename(old, new)
        except SFTPError:  # version 3 has no word for "it is there already"
            await self._remove(new)
            await self._sftp.rename(old, new)

    async def _remove(self, path: str) -> None:
        try:
            await self._sftp.remove(path)
        except SFTPNoSuchFile:
            return


@contextmanager
def open_line(partner: Partner) -> Iterator[Line]:
    """A conversation that ends with the block.  Raises LineFault."""
    with asyncio.Runner() as runner:
        connection = _run(runner, _connect(partner), 2 * partner.connect_timeout_s)
        try:
            sftp = _run(runner, _start(connection), partner.answer_timeout_s)
            yield Line(runner, sftp, partner)
        finally:
            runner.run(_close(connection))


async def _connect(partner: Partner) -> asyncssh.SSHClientConnection:
    return await asyncssh.connect(
        partner.host,
        partner.port,
        username=partner.user,
        client_keys=[asyncssh.import_private_key(partner.key)],
        known_hosts=(_public(partner), [], []),  # no other, also at first sight
        preferred_auth="publickey",
        # Nothing of whoever started this process: no configuration, no agent, no tickets.
        config=None,
        agent_path=None,
        gss_host=None,
        connect_timeout=partner.connect_timeout_s,
        login_timeout=partner.connect_timeout_s,
    )


async def _start(connection: asyncssh.SSHClientConnection) -> SFTPClient:
    return await connection.start_sftp_client()


async def _close(connection: asyncssh.SSHClientConnection) -> None:
    connection.abort()  # what was asked for is answered already, or it is lost
    await connection.wait_closed()


def _public(partner: Partner) -> list[asyncssh.SSHKey]:
    return [asyncssh.import_public_key(key) for key in partner.host_keys]


def _run(runner: asyncio.Runner, what: Coroutine[Any, Any, _Answer], longest_s: float) -> _Answer:
    async def within() -> _Answer:
        async with asyncio.timeout(longest_s):
            return await what

    try:
        return runner.run(within())
    except ExceptionGroup as several:  # many at once: they fail of one cause
        raise _fault(_first(several)) from several
    except (asyncssh.Error, OSError, TimeoutError) as error:
        raise _fault(error) from error


def _first(several: ExceptionGroup[Exception]) -> Exception:
    one = several.exceptions[0]
    return _first(one) if isinstance(one, ExceptionGroup) else one


def _fault(error: Exception) -> LineFault:
    kind = type(error).__name__
    if isinstance(error, asyncssh.HostKeyNotVerifiable):
        return Distrusted("its host key is none of those we know")
    if isinstance(error, asyncssh.PermissionDenied):
        return Distrusted("it does not let us in with our key")
    if isinstance(error, SFTPError) and not _is_loss(error):
        return Refused(f"it answered {kind}")
    return LineLost(f"the line was lost: {kind}")


def _is_loss(error: SFTPError) -> bool:
    return isinstance(error, asyncssh.SFTPConnectionLost | asyncssh.SFTPNoConnection)
