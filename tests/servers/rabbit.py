"""A private RabbitMQ with spare virtual hosts."""

import base64
import hashlib
import json
import os
import shutil
import signal
import socket
from contextlib import suppress
from pathlib import Path

from tests.servers.process import INSTALL, BinariesMissing, PrivateServer, ServerError, free_port


class PrivateRabbit(PrivateServer):
    """RabbitMQ: one node, the user guest, the virtual host `/` and spare empty ones for tests."""

    user_names = ("rabbitmq", "nobody")
    spare_vhosts = 24

    def __init__(self) -> None:
        self._server = rabbit_server()
        super().__init__()
        self._dist_port = free_port()
        self._spares = [f"spare-{number}" for number in range(self.spare_vhosts)]
        self._write("rabbitmq.conf", self._configuration())
        # Made at the start, a virtual host costs 10 ms; by rabbitmqctl, later, two seconds.
        self._write("definitions.json", json.dumps(_definitions(["/", *self._spares])))
        self._write("enabled_plugins", "[].\n")
        self._write("rabbitmq-env.conf", "")

    @property
    def url(self) -> str:
        """The default virtual host."""
        return self._url("%2F")

    def fresh_vhost(self) -> str:
        """The URL of a virtual host nobody has used yet."""
        if not self._spares:
            raise ServerError(f"all {self.spare_vhosts} virtual hosts are used: raise spare_vhosts")
        return self._url(self._spares.pop(0))

    def kill9(self) -> None:
        if self._process is not None:
            # Erlang's small port programs live in the same session; alone they would linger.
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        super().kill9()

    def _url(self, vhost: str) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self.port}/{vhost}"

    def _configuration(self) -> str:
        definitions = self.directory / "definitions.json"
        return f"listeners.tcp.1 = 127.0.0.1:{self.port}\nload_definitions = {definitions}\n"

    def _write(self, name: str, text: str) -> None:
        path = self.directory / name
        path.write_text(text)
        self._own(path)

    def _command(self) -> list[str]:
        return [str(self._server)]

    def _environment(self) -> dict[str, str]:
        here = self.directory
        return {
            "RABBITMQ_NODENAME": f"writ-{self.port}@localhost",
            "RABBITMQ_MNESIA_BASE": str(here / "data"),
            "RABBITMQ_LOG_BASE": str(here / "log"),
            "RABBITMQ_CONFIG_FILE": str(here / "rabbitmq"),
            "RABBITMQ_CONF_ENV_FILE": str(here / "rabbitmq-env.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(here / "enabled_plugins"),
            "RABBITMQ_PID_FILE": str(here / "pid"),
            # The start script then becomes the Erlang machine: our process id is the server's.
            "RUNNING_UNDER_SYSTEMD": "true",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
                # A named node with a fixed port needs no epmd, which would outlive it.
                f"-sname writ-{self.port}@localhost -start_epmd false"
                f" -erl_epmd_port {self._dist_port} -kernel inet_dist_use_interface {{127,0,0,1}}"
                # Idle schedulers sleep instead of spinning: the cores are for what is measured.
                " +sbwt none +sbwtdcpu none +sbwtdio none"
            ),
        }

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as plug:
                plug.sendall(b"AMQP\x00\x00\x09\x01")
                return bool(plug.recv(1))
        except OSError:
            return False


def rabbit_server() -> Path:
    """RabbitMQ's own start script. Raises BinariesMissing."""
    # On Debian the one on the PATH changes user and directory: take the one behind it.
    behind = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
    on_path = shutil.which("rabbitmq-server")
    if behind.exists() and shutil.which("erl"):
        return behind
    if on_path and shutil.which("erl"):
        return Path(on_path)
    raise BinariesMissing(f"RabbitMQ is not installed: {INSTALL}")


def _definitions(vhosts: list[str]) -> dict[str, list[dict[str, str]]]:
    """What RabbitMQ imports when it starts. Source: www.rabbitmq.com/docs/definitions"""
    salt = b"salt"
    password = base64.b64encode(salt + hashlib.sha256(salt + b"guest").digest()).decode()
    user = {"name": "guest", "password_hash": password, "tags": "administrator"}
    everything = {"user": "guest", "configure": ".*", "write": ".*", "read": ".*"}
    return {
        "vhosts": [{"name": vhost} for vhost in vhosts],
        "users": [user | {"hashing_algorithm": "rabbit_password_hashing_sha256"}],
        "permissions": [everything | {"vhost": vhost} for vhost in vhosts],
    }
