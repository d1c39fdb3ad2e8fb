"""Sets long documents in parts, each by a program of its own, and joins them into one PDF/A.

In: the data of each part, and the template that sets it.  Out: the pages.  Typst keeps what it has
set until its process ends (docs/decisions/0019), and only a process can be ended when it takes too
long or too much.  Words go through a pipe, and nowhere else.  Faults: faults.py draws the tree.
"""

import io
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import pikepdf
from pydantic_core import to_json

from services.dispatch.rendering.faults import Check, PageFault

_PROGRAM: Final = "services.dispatch.rendering.parts_program"
AT_ONCE: Final = 2  # programs: one has the processor while another's pipes are read


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one part may take before it is ended; a usual one takes a second and 300 MB."""

    seconds: float = 120
    cpu_seconds: int = 90
    megabytes: int = 2048  # of address space


USUAL: Final = Limits()


def set_part(template: str, data: dict[str, Any], limits: Limits = USUAL) -> bytes:
    """The part's PDF, which nobody has read back yet; `template` lies beside.  Raises PageFault."""
    program = [sys.executable, "-m", _PROGRAM, template]
    try:
        done = subprocess.run(  # noqa: S603  (our own, and no setting of ours goes with it)
            [*program, str(limits.cpu_seconds), str(limits.megabytes)],
            env={"RAYON_NUM_THREADS": "1"},
            input=to_json(data),
            capture_output=True,
            timeout=limits.seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise PageFault(Check.SET) from None  # its words would stand in the traceback
    if done.returncode:
        raise PageFault(Check.SET)
    return done.stdout


def set_parts(
    template: str, parts: Iterable[dict[str, Any]], limits: Limits = USUAL
) -> Iterator[bytes]:
    """Each part's PDF in its turn, some set at the same time.  Raises PageFault."""
    with ThreadPoolExecutor(min(AT_ONCE, os.cpu_count() or 1)) as threads:
        jobs = [threads.submit(set_part, template, part, limits) for part in parts]
        try:
            yield from (job.result() for job in jobs)
        finally:
            for job in jobs:
                job.cancel()


def join(parts: Iterable[bytes]) -> bytes:
    """The first with the pages of the others: profile of colours and metadata are the same."""
    first, *others = parts
    whole = io.BytesIO()
    with pikepdf.open(io.BytesIO(first)) as document:
        for other in others:
            with pikepdf.open(io.BytesIO(other)) as more:
                document.pages.extend(more.pages)
        document.save(
            whole,
            deterministic_id=True,
            object_stream_mode=pikepdf.ObjectStreamMode.generate,
        )
    return whole.getvalue()
