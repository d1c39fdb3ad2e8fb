"""Private PostgreSQL, RabbitMQ and OpenSSH servers for tests, the bench and the fault test.

Each runs from the installed binaries on a free port of 127.0.0.1, in a temporary directory of its
own, as an unprivileged user when we are root, and touches no server the machine may already run.
As a context manager: leaving it kills the server and removes what it wrote. Raises:

    ServerError
    ├── BinariesMissing   not installed; the message says what to do
    └── DidNotStart       the end of its own log is in the message
"""

from tests.servers.postgres import (
    PrivatePostgres,
    drop_database,
    fresh_database,
    postgres_binaries,
)
from tests.servers.process import (
    BinariesMissing,
    DidNotStart,
    PrivateServer,
    ServerError,
    free_port,
)
from tests.servers.rabbit import PrivateRabbit, rabbit_server
from tests.servers.sshd import PrivateSshd, sshd_binary

__all__ = [
    "BinariesMissing",
    "DidNotStart",
    "PrivatePostgres",
    "PrivateRabbit",
    "PrivateServer",
    "PrivateSshd",
    "ServerError",
    "drop_database",
    "free_port",
    "fresh_database",
    "postgres_binaries",
    "rabbit_server",
    "sshd_binary",
]
