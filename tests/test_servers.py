"""The private servers keep what a durable server promises, and leave nothing behind."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from dramatiq import Message
from dramatiq.brokers.rabbitmq import RabbitmqBroker

from tests.servers import PrivatePostgres, PrivateRabbit, PrivateServer, free_port

ROOT = Path(__file__).parents[1]


@pytest.mark.usefixtures("postgres_url")
def test_a_committed_row_survives_kill_9() -> None:
    with PrivatePostgres() as server:
        url = server.fresh_database().replace("+psycopg", "")
        idle = psycopg.connect(url)  # a client that stays on, as a service would
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")

        server.kill9()
        server.start()

        idle.close()
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT answer FROM kept").fetchall() == [(42,)]
    assert is_gone(server)


@pytest.mark.slow
@pytest.mark.usefixtures("rabbit_url")
def test_a_confirmed_message_survives_kill_9() -> None:
    with PrivateRabbit() as server:
        with broker_at(server.url) as broker:
            broker.enqueue(wake_up())

        server.kill9()
        server.start()

        with broker_at(server.url) as broker:
            assert broker.get_queue_message_counts("kept")[0] == 1
    assert is_gone(server)


@pytest.mark.usefixtures("postgres_url")
def test_a_server_goes_when_its_killed_test_cannot_end_it() -> None:
    program = (
        "import os; from tests.servers import PrivatePostgres\n"
        "server = PrivatePostgres(durable=False).start()\n"
        "print(server.port, server.directory, flush=True); os.kill(os.getpid(), 9)"
    )

    killed = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True
    )

    port, directory = killed.stdout.split()
    assert eventually(lambda: not is_running(int(port)) and not Path(directory).exists())


def test_each_test_has_its_own_virtual_host(rabbit_url: str) -> None:
    with broker_at(rabbit_url) as broker:
        assert broker.get_queue_message_counts("kept")[0] == 0


def test_a_free_port_is_none_that_outgoing_connections_are_given() -> None:
    assert 1024 < free_port() < 32768


@contextmanager
def broker_at(url: str) -> Iterator[RabbitmqBroker]:
    broker = RabbitmqBroker(url=url, confirm_delivery=True, middleware=[])
    broker.declare_queue("kept", ensure=True)
    yield broker
    broker.close()


def wake_up() -> Message[None]:
    return Message(queue_name="kept", actor_name="wake", args=(), kwargs={}, options={})


def is_gone(server: PrivateServer) -> bool:
    return not is_running(server.port) and not server.directory.exists()


def is_running(port: int) -> bool:
    """Whether any process has the port in its command line, as every server of ours has."""
    name = str(port).encode()
    return any(name in command(file) for file in Path("/proc").glob("[0-9]*/cmdline"))


def command(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:  # it ended meanwhile
        return b""


def eventually(is_true: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 10
    while not is_true() and time.monotonic() < deadline:
        time.sleep(0.05)
    return is_true()
