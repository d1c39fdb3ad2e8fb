"""Runs the bare programs (bare.py) on the same machine and data, and says how fast they were."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import IO, Any, Literal
from uuid import UUID

from tests.production import ROOT, Production


@dataclass(frozen=True, slots=True)
class Bare:
    """Unix seconds of the first program's start and the last one's end; seconds of each call."""

    started: float
    ended: float
    took: tuple[float, ...]

    @property
    def per_second(self) -> float:
        return len(self.took) / (self.ended - self.started)


def run_bare(
    writ: Production,
    what: Literal["ses", "typst"],
    ids: Sequence[UUID],
    *,
    processes: int,
    threads: int,
) -> Bare:
    """The deliveries dealt out to that many programs, which start on the same word."""
    with ExitStack() as stack:
        programs = [
            stack.enter_context(_program(writ, what, ids[at::processes], threads))
            for at in range(processes)
        ]
        for program in programs:
            assert _read(program) == "ready"
        for program in programs:
            _write(program, "go")
        told = [_read(program) for program in programs]
    return Bare(
        started=min(one["started"] for one in told),
        ended=max(one["ended"] for one in told),
        took=tuple(seconds for one in told for seconds in one["took"]),
    )


@contextmanager
def _program(
    writ: Production, what: str, ids: Sequence[UUID], threads: int
) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.bench.bare", what, str(threads)]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=os.environ | writ.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as program:
        try:
            _write(program, [str(one) for one in ids])
            yield program
        finally:
            program.kill()


def _write(program: subprocess.Popen[str], what: object) -> None:
    pipe = _pipe(program.stdin)
    pipe.write(json.dumps(what) + "\n")
    pipe.flush()


def _read(program: subprocess.Popen[str]) -> Any:
    return json.loads(_pipe(program.stdout).readline() or '"it ended without a word"')


def _pipe(pipe: IO[str] | None) -> IO[str]:
    assert pipe is not None
    return pipe
