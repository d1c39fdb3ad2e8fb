"""Has workbook.py open an XLSX file, and passes on what it reads there.

In: the file's bytes.  Out: the rows of its first visible sheet, as texts.  Raises FileFault, also
where the program fell, or used up the memory or the time it is given.
"""

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from services.intake.imports.unreadable import FileFault

_PROGRAM = Path(__file__).with_name("workbook.py")
_LONGEST_LINE = 8 * 1024 * 1024  # bytes: the largest row, with every character escaped


@dataclass(frozen=True, slots=True)
class Sheet:
    name: str
    rows: Iterator[list[str]]


@contextmanager
def open_sheet(pieces: Iterable[bytes]) -> Iterator[Sheet]:
    """The sheet while the block runs; the program ends with it."""
    program = subprocess.Popen(  # noqa: S603  (our own, and no setting of ours goes with it)
        [sys.executable, "-I", str(_PROGRAM)],
        env={},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    with program:
        try:
            _feed(program.stdin, pieces)
            told = _told(program)
            head = next(told)
            yield Sheet(head["sheet"], told)
        finally:
            program.kill()


def _feed(pipe: IO[bytes] | None, pieces: Iterable[bytes]) -> None:
    assert pipe is not None  # we asked for it
    with suppress(BrokenPipeError), pipe:  # it fell: its exit status says so
        for piece in pieces:
            pipe.write(piece)


def _told(program: subprocess.Popen[bytes]) -> Iterator[Any]:
    """What it says, line by line, until it has said everything."""
    assert program.stdout is not None
    while line := program.stdout.readline(_LONGEST_LINE):
        told = json.loads(line)
        if isinstance(told, dict) and "fault" in told:
            raise FileFault(told["fault"], row=told.get("row"))
        yield told
    if program.wait():
        raise FileFault("sheet_too_large")
