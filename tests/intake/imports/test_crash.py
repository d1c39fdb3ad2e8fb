"""A process that is killed in the middle of a file loses no row and doubles none."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import func, select

from shared.tables.intake import actions
from shared.tables.writing_events import imports
from tests.intake.imports.files import a_row, csv_file, rows
from tests.intake.imports.world import World

ROOT = Path(__file__).parents[3]
ROWS = 4_000
PATIENCE_S = 60


def test_kill_9_in_the_middle_of_a_run_and_each_row_is_there_once(engine_url: str) -> None:
    world = World.start(engine_url)
    checked = world.checked(csv_file([*rows(ROWS), a_row(1)]))
    world.started(checked)

    killed_at = []
    for beyond in (0, ROWS // 3):
        with at_work(engine_url) as process:
            wait_for(world, beyond + 1)
            process.kill()
        killed_at.append(behind(world))
    with at_work(engine_url):
        wait_for(world, ROWS + 1)
        wait_until_over(world)

    done = world.get(checked["links"]["self"])
    assert all(0 < one < ROWS for one in killed_at), killed_at
    assert (done["state"], done["accepted"], done["duplicates"]) == ("done", ROWS, 1)
    with world.intake.database.read() as connection:
        found = connection.execute(
            select(func.count(), func.count(actions.c.import_row.distinct()))
        ).one()
    assert tuple(found) == (ROWS + 1, ROWS + 1)
    world.intake.database.close()


@contextmanager
def at_work(url: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "tests.intake.imports.at_work", url]
    with subprocess.Popen(command, cwd=ROOT) as process:
        try:
            yield process
        finally:
            process.kill()


def behind(world: World) -> int:
    with world.intake.database.read() as connection:
        return connection.scalar(select(imports.c.done)) or 0


def wait_for(world: World, number: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while behind(world) < number:
        assert time.monotonic() < deadline, "it does not go on"
        time.sleep(0.002)


def wait_until_over(world: World) -> None:
    deadline = time.monotonic() + PATIENCE_S
    with world.intake.database.read() as connection:
        while connection.scalar(select(imports.c.ended_at)) is None:
            connection.rollback()
            assert time.monotonic() < deadline, "it does not end"
            time.sleep(0.01)
