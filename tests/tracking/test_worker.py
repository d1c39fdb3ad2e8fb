"""`writ receipts` as it runs: a process of its own, on the sandbox's queue."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select

from services.sandbox.queue import DEAD, NAME
from services.sandbox.ses_events import TOPIC_ARN
from services.tracking.words import ShownState
from shared.clock import new_id
from shared.database import Database
from shared.tables.tracking import events, outcomes
from tests.sandbox.world import World, a_world
from tests.tracking.builders import KEYS, a_database
from tests.tracking.test_record import count

WRIT = str(Path(sys.executable).with_name("writ"))
EMAILS = 15


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with a_world(tmp_path / "sandbox", "http://127.0.0.1:9", receipts="sqs") as world:
        yield world


@pytest.fixture
def database(engine_url: str) -> Iterator[Database]:
    made = a_database(engine_url)
    yield made
    made.close()


@contextmanager
def listening(world: World, database_url: str, directory: Path) -> Iterator[subprocess.Popen[str]]:
    """The process; killed at the end where it did not end by itself."""
    settings = {
        "PATH": os.environ["PATH"],
        "WRIT_ENVIRONMENT": "development",
        "WRIT_DATABASE_URL": database_url,
        "WRIT_PRIVACY_KEYS": KEYS,
        "WRIT_DATA_DIR": str(directory),
        "WRIT_SNS_TOPIC_ARNS": TOPIC_ARN,
        "WRIT_SQS_QUEUE_URL": f"{world.url}/000000000000/{NAME}",
        "WRIT_SQS_ENDPOINT_URL": world.url,
        "WRIT_SQS_ACCESS_KEY_ID": "any",
        "WRIT_SQS_SECRET_ACCESS_KEY": "any",
    }
    process = subprocess.Popen(
        [WRIT, "receipts", "--threads", "2"],
        env=settings,
        cwd=directory,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_until(true: Callable[[], bool], seconds: float = 40.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def states(database: Database) -> dict[UUID, str]:
    with database.read() as connection:
        return {row.delivery_id: row.state for row in connection.execute(select(outcomes))}


def test_what_ses_tells_arrives_once_through_the_queue(
    world: World, database: Database, engine_url: str, tmp_path: Path
) -> None:
    world.faults(receipts={"duplicate": 0.5, "shuffle": True, "reappear": 0.3})
    ids = [new_id() for _ in range(EMAILS)]
    words = ["office", "bounce", "complaint"]
    for number, id_ in enumerate(ids):
        world.send(to=f"{words[number % 3]}@ministry.example", delivery_id=str(id_))
    world.sandbox.queues.put("no receipt of anybody's")

    with listening(world, engine_url, tmp_path) as process:
        # Send and its one or two followers of each; what nobody can read lies with the dead.
        wait_until(lambda: count(database, events) == EMAILS // 3 * 7)
        wait_until(lambda: world.counts()["receipts_pending"] == 0)
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=10)

    shown = [ShownState.DELIVERED, ShownState.BOUNCED, ShownState.COMPLAINED]
    assert process.returncode == 0, said
    assert states(database) == {id_: shown[number % 3] for number, id_ in enumerate(ids)}
    assert sum(world.sandbox.queues.numbers(NAME)) + sum(world.sandbox.queues.numbers(DEAD)) >= 1


def test_killed_at_any_moment_it_loses_nothing(
    world: World, database: Database, engine_url: str, tmp_path: Path
) -> None:
    world.faults(receipts={"hidden_s": 1})  # what a killed process had in hand is shown again
    ids = [new_id() for _ in range(EMAILS)]
    for id_ in ids:
        world.send(delivery_id=str(id_))
    with listening(world, engine_url, tmp_path) as process:
        wait_until(lambda: count(database, events) > 0)
        process.kill()

    with listening(world, engine_url, tmp_path):
        wait_until(lambda: world.counts()["receipts_pending"] == 0)
        wait_until(lambda: sum(world.sandbox.queues.numbers(NAME)) == 0)

    assert set(states(database)) == set(ids)
    assert count(database, events) == EMAILS * 2


def test_without_a_queue_it_says_so_in_one_sentence(tmp_path: Path) -> None:
    settings = {
        "PATH": os.environ["PATH"],
        "WRIT_ENVIRONMENT": "development",
        "WRIT_DATABASE_URL": "sqlite:///writ.db",
        "WRIT_PRIVACY_KEYS": KEYS,
    }

    ended = subprocess.run(
        [WRIT, "receipts"], env=settings, cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert ended.returncode == 2
    assert ended.stderr.startswith("writ: WRIT_SQS_QUEUE_URL is not set")
