"""Brings closed batches to the house, each exactly once, whatever breaks on the way.

In: the tray, and a line to the house.  Out: `<folder>/<batch>/` there, and its done-marker, after
which alone the house may begin.  Until `handing` stands on our disk nothing of the batch is visible
to the house, and all may be done again; after it no letter travels any more.  One that is gone from
there was taken by the house only if it is `handed`: certainly renamed.

    fill <batch>.tmp  ▶  look whether all is there  ▶  `handing`  ▶  rename  ▶  `handed`
    ▶  marker  ▶  `sent`
"""

import datetime as dt
import hashlib
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from services.dispatch.providers.batches.house import House
from services.dispatch.providers.batches.tray import Tray
from shared.sftp import Line, Refused

log = structlog.get_logger(__name__)

OpenLine = Callable[[], AbstractContextManager[Line]]


class WrongAtTheHouse(Exception):
    """What stands there is not what we brought: a person must ask."""


@dataclass(slots=True)
class Sent:
    """What became of one round."""

    batches: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)  # they wait for the next round; the log says why


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchSender:
    """Any number may run on one tray: one sends, the others look on."""

    tray: Tray
    house: House
    open_line: OpenLine

    def send_due(self, now: dt.datetime) -> Sent:
        """Closes what is due and sends what is closed.  Raises LineFault, OSError."""
        done = Sent()
        with self.tray.sending() as ours:
            if not ours:
                return done
            self.tray.close_due(now)
            if batches := self.tray.to_send():
                with self.open_line() as line:
                    for batch in batches:
                        (done.batches if self._sent(line, batch, now) else done.left).append(batch)
            self.tray.tidy(now)
        return done

    def _sent(self, line: Line, batch: str, now: dt.datetime) -> bool:
        try:
            self._bring(line, batch)
        except (WrongAtTheHouse, Refused) as error:
            log.error("batch_left", batch=batch, why=str(error))
            return False
        self.tray.mark_sent(batch, now)
        log.info("batch_sent", batch=batch)
        return True

    def _bring(self, line: Line, batch: str) -> None:
        manifest, letters = self.tray.content(batch)
        files = {self.house.manifest.file: manifest, **letters}
        place = f"{self.house.batches.folder}/{batch}"
        filling = f"{place}.tmp"
        done = f"{self.house.batches.folder}/{self.house.batches.done.format(batch=batch)}"
        there = line.sizes(place)
        if there is None:
            if self._was_taken(line, batch, filling):
                return
            _fill(line, filling, files)
            self.tray.mark_handing(batch)
            line.rename(filling, place)
        elif line.size(done) is not None:
            return
        else:
            _compare(there, files)
        self.tray.mark_handed(batch)
        line.write(done, _checksum(manifest, self.house.manifest.file))

    def _was_taken(self, line: Line, batch: str, filling: str) -> bool:
        """Of one that is not there under its name.  Raises WrongAtTheHouse where nobody can tell.

        A folder of the house's that is away, and a rename that was lost, look the same from here.
        """
        if not self.tray.is_handing(batch) or line.sizes(filling) is not None:
            return False
        if line.sizes(f"{self.house.batches.folder}/") is None:
            raise WrongAtTheHouse("the house's folder is not there, so nobody can tell what it has")
        if not self.tray.is_handed(batch):
            raise WrongAtTheHouse("it is gone, and perhaps was never handed over: ask the house")
        return True


def _fill(line: Line, folder: str, files: Mapping[str, Path]) -> None:
    """What an earlier try brought is whole where it has its name: that travels no more."""
    line.make(folder)
    there = line.sizes(folder) or {}
    for stray in there.keys() - files.keys():  # half files
        line.remove(f"{folder}/{stray}")
    missing = {name: file for name, file in files.items() if there.get(name) != file.stat().st_size}
    line.put(folder, missing)
    _compare(line.sizes(folder) or {}, files)


def _compare(there: Mapping[str, int], files: Mapping[str, Path]) -> None:
    """Raises WrongAtTheHouse."""
    ours = {name: file.stat().st_size for name, file in files.items()}
    if wrong := {name for name, size in ours.items() if there.get(name) != size}:
        raise WrongAtTheHouse(f"{len(wrong)} of {len(ours)} files are not there as they were sent")


def _checksum(manifest: Path, name: str) -> bytes:
    """As `sha256sum -c` reads it."""
    return f"{hashlib.sha256(manifest.read_bytes()).hexdigest()}  {name}\n".encode()
