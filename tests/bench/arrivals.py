"""`intake.batch` and `intake.single`: actions a second, accepted and committed on PostgreSQL.

The rest of Writ stands still meanwhile: what is measured is how fast actions arrive.
"""

import http.client
import json
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from itertools import islice
from urllib.parse import urlsplit

from sqlalchemy import func, select, update

from services.cli.supporters import invent_actions
from shared.tables.intake import Standing, actions
from tests.bench.bare_intake import insert_bare, serving_bare
from tests.bench.cpu import resident_mb
from tests.bench.load import Bench
from tests.bench.report import Figure
from tests.production import Production

BATCHES, BATCHES_QUICK, A_BATCH = 40, 10, 1_000
SINGLES, SINGLES_QUICK = 5_000, 1_000
CONNECTIONS = 4
WRITERS = 2  # processes, as many as intake has


def measure_batch(bench: Bench) -> Figure:
    number = BATCHES_QUICK if bench.quick else BATCHES
    lines = list(_lines(bench, number * A_BATCH))
    bodies = [b"\n".join(lines[at : at + A_BATCH]) for at in range(0, len(lines), A_BATCH)]
    with _arriving(bench.writ) as writ:
        before, memory = _stored(writ), _memory(writ)
        seconds = _post(
            f"{writ.intake_url}/v1/actions/batch", writ, bodies, "application/x-ndjson", 200
        )
        assert _stored(writ) - before == number * A_BATCH, "not all were stored"
        grown = _memory(writ) - memory
        bare_s = insert_bare(writ, len(lines), processes=WRITERS, at_once=A_BATCH)
    ours, floor = len(lines) / seconds, len(lines) / bare_s
    return Figure(
        name="intake.batch",
        value=round(ours, 1),
        unit="actions/s",
        floor=round(floor, 1),
        floor_what=(
            f"The value: {number} batches of {A_BATCH:,} actions (NDJSON) from one client over"
            f" {CONNECTIONS} connections to intake with two gunicorn workers, until the last is"
            " answered: read, checked, moderated, sealed, and committed on PostgreSQL. The floor:"
            f" the same rows, sealed beforehand, in bare multi-row INSERTs of {A_BATCH:,} in"
            f" {WRITERS} processes. Intake's workers grew by {grown:+.0f} MB together."
        ),
    )


def measure_single(bench: Bench) -> Figure:
    number = SINGLES_QUICK if bench.quick else SINGLES
    bodies = list(_lines(bench, number))
    with _arriving(bench.writ) as writ:
        before = _stored(writ)
        seconds = _post(f"{writ.intake_url}/v1/actions", writ, bodies, "application/json", 202)
        assert _stored(writ) - before == number, "not all were stored"
        with serving_bare(writ) as url:
            bare_s = _post(url, writ, bodies, "application/json", 202)
    return Figure(
        name="intake.single",
        value=round(number / seconds, 1),
        unit="actions/s",
        floor=round(number / bare_s, 1),
        floor_what=(
            f"The value: {number:,} actions, a POST each, from one client over {CONNECTIONS}"
            " connections to intake with two gunicorn workers. The floor: the same requests to a"
            " bare Flask route with the same validation and a transaction of one row, served alike."
        ),
    )


def _lines(bench: Bench, number: int) -> Iterator[bytes]:
    catalogue = bench.writ.catalogue()
    for body in islice(invent_actions(catalogue, seed=time.time_ns()), number):
        yield json.dumps(body).encode()


@contextmanager
def _arriving(writ: Production) -> Iterator[Production]:
    """Nothing else moves, and later figures find no forty thousand emails before them."""
    writ.stop("relay")
    before = _last(writ)
    try:
        yield writ
    finally:
        with writ.database.begin() as connection:
            arrived = update(actions).where(actions.c.seq > before)
            connection.execute(arrived.values(standing=Standing.COUNTED, duplicate_key=None))
        writ.start("relay")


def _last(writ: Production) -> int:
    with writ.database.read() as connection:
        return connection.scalar(select(func.max(actions.c.seq))) or 0


def _post(url: str, writ: Production, bodies: Sequence[bytes], kind: str, status: int) -> float:
    """Seconds until every body was answered with that status."""
    headers = {"Authorization": f"Bearer {writ.client.key}", "Content-Type": kind}
    address = urlsplit(url)

    def post_all(mine: Sequence[bytes]) -> None:
        with closing(http.client.HTTPConnection(address.netloc)) as connection:
            for body in mine:
                connection.request("POST", address.path, body, headers)
                answer = connection.getresponse()
                said = answer.read()
                assert answer.status == status, said[:500]

    started = time.monotonic()
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        list(pool.map(post_all, [bodies[at::CONNECTIONS] for at in range(CONNECTIONS)]))
    return time.monotonic() - started


def _stored(writ: Production) -> int:
    with writ.database.read() as connection:
        return connection.scalar(select(func.count()).select_from(actions)) or 0


def _memory(writ: Production) -> float:
    """Megabytes that intake's processes hold."""
    return resident_mb([writ.services["intake"].pid])
