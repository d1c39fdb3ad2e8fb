"""A private PostgreSQL, and fresh databases on any."""

import re
import shutil
import signal
import subprocess
import uuid
from pathlib import Path
from typing import Self

import psycopg
from psycopg import sql

from tests.servers.process import INSTALL, BinariesMissing, DidNotStart, PrivateServer


class PrivatePostgres(PrivateServer):
    """PostgreSQL. `durable=False` gives up safety against power cuts for speed."""

    user_names = ("postgres", "nobody")

    def __init__(self, *, durable: bool = True) -> None:
        self._bin = postgres_binaries()
        super().__init__()
        self._durable = durable
        self._data = self.directory / "data"

    @property
    def url(self) -> str:
        """Where its maintenance database is; its user may do everything."""
        return f"postgresql+psycopg://writ@127.0.0.1:{self.port}/postgres"

    def start(self) -> Self:
        if not self._data.exists():
            self._initdb()
        return super().start()

    def stop(self) -> None:
        # SIGTERM would wait for every client to leave by itself; SIGINT rolls them back.
        self._end(signal.SIGINT, patience_s=60)

    def close(self) -> None:
        # SIGQUIT takes the children along: nobody writes into the directory while it is removed.
        self._end(signal.SIGQUIT, patience_s=10)
        super().close()

    def fresh_database(self, *, template: str = "template0") -> str:
        """A new empty database, or a copy of the database named `template`. Its URL."""
        return fresh_database(self.url, template=template)

    def _initdb(self) -> None:
        command = [str(self._bin / "initdb"), "-D", str(self._data), "-U", "writ", "-A", "trust"]
        options = ["--no-sync", "--encoding=UTF8", "--locale=C", "--no-instructions"]
        with (self.directory / "initdb.log").open("wb") as log:
            code = self._popen(command + options, log.fileno()).wait(60)
        if code != 0:
            raise DidNotStart((self.directory / "initdb.log").read_text(errors="replace"))

    def _command(self) -> list[str]:
        options = ["max_connections=200", "unix_socket_directories=", "listen_addresses=127.0.0.1"]
        if not self._durable:
            options += ["fsync=off", "synchronous_commit=off", "full_page_writes=off"]
        command = [str(self._bin / "postgres"), "-D", str(self._data), "-p", str(self.port)]
        return command + [word for option in options for word in ("-c", option)]

    def _answers(self) -> bool:
        try:
            psycopg.connect(_libpq(self.url), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True


def fresh_database(server_url: str, *, template: str = "template0") -> str:
    """Create a database on that server and return its URL. `template` names one to copy."""
    name = f"writ_{uuid.uuid4().hex[:12]}"
    statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
    with psycopg.connect(_libpq(server_url), autocommit=True) as connection:
        connection.execute(statement.format(sql.Identifier(name), sql.Identifier(template)))
    return re.sub(r"/[^/]*$", f"/{name}", server_url)


def drop_database(url: str) -> None:
    """Remove a database made by `fresh_database`, whoever is still connected."""
    server_url, _, name = url.rpartition("/")
    statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
    with psycopg.connect(_libpq(f"{server_url}/postgres"), autocommit=True) as connection:
        connection.execute(statement)


def postgres_binaries() -> Path:
    """The newest installed PostgreSQL's folder of programs, 15 or later. Raises BinariesMissing."""
    installed = [*Path("/usr/lib/postgresql").glob("*/bin"), *Path("/usr").glob("pgsql-*/bin")]
    on_path = shutil.which("initdb")
    folders = sorted(installed, key=_major, reverse=True)
    folders += [Path(on_path).resolve().parent] if on_path else []
    for folder in folders:
        if (folder / "initdb").exists() and (folder / "postgres").exists() and _major(folder) >= 15:
            return folder
    raise BinariesMissing(f"PostgreSQL 15 or later is not installed: {INSTALL}")


def _major(folder: Path) -> int:
    named = re.search(r"(\d+)/bin$", str(folder))
    if named:
        return int(named.group(1))
    said = subprocess.run([folder / "initdb", "--version"], capture_output=True, text=True)
    number = re.search(r"(\d+)", said.stdout)
    return int(number.group(1)) if number else 0


def _libpq(url: str) -> str:
    return url.replace("postgresql+psycopg://", "postgresql://")
