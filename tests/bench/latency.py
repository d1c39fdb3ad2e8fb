"""`road.latency_p99_ms`: one action at a time, idle, from the 202 to the provider's call."""

import datetime as dt
import random
import time
from collections.abc import Sequence
from itertools import islice
from uuid import UUID, uuid4

import urllib3
from sqlalchemy import select

from shared.catalogue import Channel
from shared.tables.dispatch import carriages
from tests.bench.floor import run_bare
from tests.bench.load import PATIENCE_S, Bench
from tests.bench.report import Figure

FULL, QUICK = 200, 60
BETWEEN_S = 0.12  # idle again, and never in step with the relay's own looking


def measure(bench: Bench) -> list[Figure]:
    writ, number = bench.writ, QUICK if bench.quick else FULL
    answered = _submit_one_by_one(bench, number)
    writ.wait_until_quiet(PATIENCE_S)
    called = _called(bench)
    with writ.database.read() as connection:
        rests_on = carriages.c.action_id.in_(answered)
        rows = connection.execute(
            select(carriages.c.action_id, carriages.c.delivery_id).where(rests_on)
        ).all()
    ours = [called[delivery] - answered[action] for action, delivery in rows]
    bare = run_bare(writ, "ses", [row.delivery_id for row in rows], processes=1, threads=1)
    writ.wait_until_quiet(PATIENCE_S)
    return [
        Figure(
            name=f"road.latency_{name}_ms",
            value=round(of(ours) * 1000, 1),
            unit="ms",
            floor=round(of(bare.took) * 1000, 1),
            floor_what=(
                f"The value: {len(ours)} emails of {number} actions handed in one at a time to an"
                " idle Writ, from the moment the client has its 202 to the sandbox's own time of"
                f" taking the email: {words}. The floor: the same of bare boto3 calls, one at a"
                " time."
            ),
        )
        for name, of, words in (("p50", p50, "the median"), ("p99", p99, "99th percentile"))
    ]


def _submit_one_by_one(bench: Bench, number: int) -> dict[UUID, float]:
    """Unix seconds at which each action's 202 was in the client's hands."""
    bar = bench.bars.add_task("road.latency_p99_ms: one at a time", total=number)
    key, answered = bench.writ.client.key, {}
    headers = {"Authorization": f"Bearer {key}"}
    url = f"{bench.writ.intake_url}/v1/actions"
    with urllib3.PoolManager() as http:
        for action in islice(bench.actions(Channel.EMAIL), number):
            once = {**headers, "Idempotency-Key": str(uuid4())}
            answer = http.request("POST", url, json=action, headers=once)
            answered[UUID(answer.json()["id"])] = time.time()
            bench.bars.advance(bar)
            time.sleep(BETWEEN_S + random.random() / 10)
    return answered


def _called(bench: Bench) -> dict[UUID, float]:
    """Unix seconds at which the sandbox took each delivery's email."""
    return {
        UUID(one["delivery_id"]): dt.datetime.fromisoformat(one["accepted_at"]).timestamp()
        for one in bench.writ.emails_taken()
    }


def p99(seconds: Sequence[float]) -> float:
    return sorted(seconds)[-(-len(seconds) * 99 // 100) - 1]


def p50(seconds: Sequence[float]) -> float:
    return sorted(seconds)[len(seconds) // 2]
