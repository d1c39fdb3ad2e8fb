"""CPU time and memory of processes and their children, from /proc (proc(5))."""

import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
LOOK_EVERY_S = 0.2


def cpu_s(roots: Iterable[int | None]) -> float:
    """User and system seconds of these processes and all below them, the ended ones too."""
    # utime, stime, and both of the children that ended and were waited for.
    return sum(sum(map(int, stat[11:15])) for stat in _family(roots)) * _TICK_S


def resident_mb(roots: Iterable[int | None]) -> float:
    """What these processes and all below them hold in memory; pages they share count for each."""
    return sum(int(stat[21]) for stat in _family(roots)) * _PAGE / 1e6


@contextmanager
def peak_mb(root: int | None) -> Iterator[list[float]]:
    """What a process and all below it held, looked at again and again; the largest is the peak."""
    seen, stop = [0.0], threading.Event()

    def look() -> None:
        while not stop.wait(LOOK_EVERY_S):
            seen.append(resident_mb([root]))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join()


def own_mb(pid: int | None) -> float:
    """What one process adds to the machine: of pages that several share, its share alone (PSS)."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise ValueError(f"the kernel does not say what process {pid} holds")


def _family(roots: Iterable[int | None]) -> list[list[str]]:
    stats = {int(path.name): stat for path in Path("/proc").glob("[0-9]*") if (stat := _stat(path))}
    family = {pid for pid in roots if pid is not None}
    grown = 0
    while len(family) > grown:
        grown = len(family)
        family |= {pid for pid, stat in stats.items() if int(stat[1]) in family}
    return [stats[pid] for pid in family if pid in stats]


def _stat(process: Path) -> list[str]:
    """The fields after the name: state, parent, …  Empty where the process has just ended."""
    try:
        return (process / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
