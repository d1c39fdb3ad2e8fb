"""`paper.petition_100k_s`: seconds until 100,000 signatures are a PDF that can be handed over."""

import os
import tempfile
import time
from pathlib import Path

from services.dispatch.rendering.letter import LetterPress
from services.dispatch.rendering.petition import bind_petition
from tests.bench.cpu import peak_mb
from tests.bench.load import Bench
from tests.bench.report import Figure
from tests.dispatch.rendering.petitions import a_petition, some_signatures

FULL, QUICK = 100_000, 20_000
GOAL_S = 60.0


def measure(bench: Bench) -> Figure:
    number = QUICK if bench.quick else FULL
    request = a_petition(signatures=some_signatures(number))
    bar = bench.bars.add_task("paper.petition_100k_s: pages", total=None)
    with tempfile.TemporaryDirectory() as room, peak_mb(os.getpid()) as peak:
        press = LetterPress(Path(room))
        started = time.monotonic()
        petition = bind_petition(
            request,
            press,
            progress=lambda done, of: bench.bars.update(bar, completed=done, total=of),
        )
        took = time.monotonic() - started
    return Figure(
        name="paper.petition_100k_s",
        value=round(took * FULL / number, 1),
        unit="s",
        floor=GOAL_S,
        floor_what=(
            f"The value: {number:,} signatures of invented people, no two names alike and one in"
            f" ten of another script, become a cover letter, totals by country and the list of"
            f" {petition.named:,} names: {petition.pages:,} pages, {len(petition.pdf) / 1e6:.1f} MB"
            f" of PDF/A, in {took:.1f} s and at most {max(peak):.0f} MB of memory, all programs and"
            " the bench itself together"
            + (f"; for {FULL:,} it is reckoned." if number < FULL else ".")
            + " The floor: the goal."
        ),
        peak_mb=round(max(peak), 1),
    )
