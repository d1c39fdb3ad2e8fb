"""`intake.import`: rows a second from one large file, and the memory that it takes.

Letters that supporters posted themselves: they are counted and never planned, so that nothing but
the import is measured, and later figures find no hundred thousand letters before them.
"""

import csv
import io
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import urllib3
import xlsxwriter

from services.cli.supporters import invent_actions
from tests.bench.cpu import LOOK_EVERY_S, peak_mb
from tests.bench.load import PATIENCE_S, Bench
from tests.bench.report import Figure
from tests.production import Production

ROWS, ROWS_QUICK = 100_000, 10_000
GOAL_S = 60
HEADER = ("Name", "E-Mail", "Land", "Nachricht", "Sprache", "Fall", "Kanal", "Newsletter")
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def measure(bench: Bench) -> Figure:
    writ, number = bench.writ, ROWS_QUICK if bench.quick else ROWS
    bar = bench.bars.add_task("intake.import: rows", total=2 * number)
    took, peaks = [], []
    for kind, make in (("text/csv", _csv), (XLSX, _xlsx)):
        file = make(_rows(bench, number, kind))
        with peak_mb(writ.services["intake-worker"].pid) as peak:
            took.append(_import(writ, file, kind, number))
        peaks.append(max(peak))
        bench.bars.advance(bar, number)
    return Figure(
        name="intake.import",
        value=round(number / max(took), 1),
        unit="rows/s",
        floor=round(ROWS / GOAL_S, 1),
        floor_what=(
            f"The value: a file of {number:,} rows, from the first byte of its upload until every"
            " row was read, checked, shown to be good, started by its sender, moderated, sealed"
            f" and committed on PostgreSQL by one intake worker. CSV took {took[0]:.1f} s and at"
            f" most {peaks[0]:.0f} MB of memory, XLSX {took[1]:.1f} s and {peaks[1]:.0f} MB, with"
            f" the program that opens the workbook; the slower one counts. The floor: {ROWS:,} rows"
            f" in {GOAL_S} s."
        ),
        peak_mb=round(max(peaks), 1),
    )


def _rows(bench: Bench, number: int, kind: str) -> Iterator[Sequence[str]]:
    """Of supporters whom nobody has seen before."""
    catalogue = bench.writ.catalogue()
    run = f"{time.time_ns():x}"
    for place, body in enumerate(islice(invent_actions(catalogue, seed=len(kind)), number)):
        who = body["supporter"]
        yield (
            *(who["name"], f"s{place}.{run}@supporters.example", who["country"], body["words"]),
            *(body["language"], body["case"], "own_post", "nein"),
        )


def _csv(rows: Iterator[Sequence[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, delimiter=";").writerows([HEADER, *rows])
    return text.getvalue().encode()


def _xlsx(rows: Iterator[Sequence[str]]) -> bytes:
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"constant_memory": True, "in_memory": True}) as workbook:
        sheet = workbook.add_worksheet()
        for number, cells in enumerate([HEADER, *rows]):
            for place, text in enumerate(cells):
                sheet.write_string(number, place, text)
    return file.getvalue()


def _import(writ: Production, file: bytes, kind: str, number: int) -> float:
    """Seconds until all its rows were taken."""
    headers = {"Authorization": f"Bearer {writ.client.key}"}
    started = time.monotonic()
    sent = urllib3.request(
        "POST",
        f"{writ.intake_url}/v1/imports",
        body=file,
        headers=headers | {"Content-Type": kind},
        timeout=60,
    )
    assert sent.status == 202, sent.data[:500]
    here = f"{writ.intake_url}{sent.headers['Location']}"
    _wait(here, headers, "ready", number)
    begun = urllib3.request("POST", f"{here}/start", json={"rows": "all"}, headers=headers)
    assert begun.status == 202, begun.data[:500]
    done = _wait(here, headers, "done", number)
    assert done["accepted"] == number, f"{done['duplicates']} duplicates, {done['bad']} bad"
    return time.monotonic() - started


def _wait(url: str, headers: dict[str, str], state: str, number: int) -> dict[str, Any]:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        seen: dict[str, Any] = urllib3.request("GET", url, headers=headers, timeout=10).json()
        if seen["state"] == state:
            assert seen["rows"] == number
            return seen
        assert seen["state"] in {"checking", "running"}, seen
        time.sleep(LOOK_EVERY_S)
    raise AssertionError(f"it was not {state} after {PATIENCE_S:.0f} s")
