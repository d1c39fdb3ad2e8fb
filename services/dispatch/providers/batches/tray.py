"""Letters that wait on our own disk for their batch, and batches for their way to the house.

Owns WRIT_DATA_DIR/sftp_manifest, which all processes of dispatch share:

    <batch>/due                  its cut-off
    <batch>/<delivery>.pdf       a letter
    <batch>/<delivery>.json      what its row will say: once this stands, the letter is ordered
    <batch>/manifest             closed: nothing is added and nothing taken out any more
    <batch>/handing              all of it is at the house; only the last steps may be missing
    <batch>/handed               all of it stands there under the batch's name, or stood there
    <batch>/sent                 the house has it.  Letters and manifest are deleted; empty .json
                                 files stay, so that a late repeat finds its letter

Whatever changes a batch holds `lock`; whoever sends holds `sender.lock` all the while.
"""

import datetime as dt
import json
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from uuid import UUID

import structlog

from services.dispatch.providers.batches import manifest
from services.dispatch.providers.batches.disk import Disk, sync
from services.dispatch.providers.batches.house import House
from services.dispatch.providers.batches.manifest import Piece

REMEMBERED = dt.timedelta(days=100)  # print houses want a name to be unique for three months

log = structlog.get_logger(__name__)


class NotFiled(Exception):
    """The letter is in no batch; the disk said why."""


@dataclass(frozen=True, slots=True)
class _Load:
    """How much a batch holds."""

    batch: str
    letters: int
    bytes: int


class Tray:
    """One for a process; safe on any thread, and beside any number of other processes."""

    def __init__(self, folder: Path, house: House) -> None:
        self._disk = Disk(folder)
        self._folder = folder
        self._house = house
        self._has_counted = False

    def file(self, piece: Piece, pdf: bytes, now: dt.datetime) -> str:
        """The batch that the letter is in: durably when this returns, and in no other.

        Raises NotFiled; OSError where the letter may be in.
        """
        try:
            # What was sent is searched before the lock: it stays as it is, and there is much of it.
            sent = [one for one in self._batches() if _is_sent(one)]
            if batch := _holding(sent, piece.delivery_id):
                return batch
            row = json.dumps(asdict(piece) | {"delivery_id": str(piece.delivery_id)})
            staged = [self._disk.stage(pdf), self._disk.stage(row.encode())]
            batch = self._file(piece, staged, set(sent), now)
        except OSError as error:
            if self.find(piece.delivery_id):
                raise
            raise NotFiled(type(error).__name__) from error
        sync(self._folder / batch)
        return batch

    def find(self, delivery_id: UUID) -> str | None:
        """The batch that it is in, or was sent in."""
        return _holding(self._batches(), delivery_id)

    def take_out(self, delivery_id: UUID) -> bool:
        """Whether it was in an open batch; it is in none then."""
        with self._disk.locked("lock"):
            batch = _holding(filter(_is_open, self._batches()), delivery_id)
            if batch is None:
                return False
            row = self._folder / batch / f"{delivery_id}.json"
            row.unlink()
            row.with_suffix(".pdf").unlink(missing_ok=True)
            sync(self._folder / batch)
        return True

    def close_due(self, now: dt.datetime) -> None:
        """Closes what reached its cut-off, or is full; an empty batch is thrown away."""
        with self._disk.locked("lock"):
            for batch in filter(_is_open, self._batches()):
                if _due(batch) <= now or self._is_full(_load(batch), more=1):
                    self._close(batch)

    def to_send(self) -> list[str]:
        """Closed and not yet sent, the oldest first."""
        return sorted(one.name for one in self._batches() if _is_closed(one) and not _is_sent(one))

    def content(self, batch: str) -> tuple[Path, Mapping[str, Path]]:
        """Of a closed batch: its manifest, and each letter by the name that it has there."""
        folder = self._folder / batch
        return folder / "manifest", {file.name: file for file in sorted(folder.glob("*.pdf"))}

    def is_handing(self, batch: str) -> bool:
        return (self._folder / batch / "handing").exists()

    def mark_handing(self, batch: str) -> None:
        self._disk.write(self._folder / batch / "handing", b"")

    def is_handed(self, batch: str) -> bool:
        return (self._folder / batch / "handed").exists()

    def mark_handed(self, batch: str) -> None:
        self._disk.write(self._folder / batch / "handed", b"")

    def mark_sent(self, batch: str, now: dt.datetime) -> None:
        load = _load(self._folder / batch)
        told = {"sent_at": now.isoformat(), "letters": load.letters, "bytes": load.bytes}
        self._disk.write(self._folder / batch / "sent", json.dumps(told).encode())

    def tidy(self, now: dt.datetime) -> None:
        """Deletes the letters of what was sent, what is long past, and what crashes left."""
        for batch in filter(_is_sent, self._batches()):
            if _is_closed(batch):
                _empty(batch)
            elif _due(batch) + REMEMBERED < now:
                with self._disk.locked("lock"):
                    self._disk.throw_away(batch)
        self._disk.sweep(now.timestamp())

    @contextmanager
    def sending(self) -> Iterator[bool]:
        """False: another process is sending already."""
        with self._disk.locked("sender.lock", wait=False) as ours:
            yield ours is not None

    def _file(self, piece: Piece, staged: list[Path], sent: set[Path], now: dt.datetime) -> str:
        with self._disk.locked("lock") as ledger:
            assert ledger
            others = (one for one in self._batches() if one not in sent)
            if batch := _holding(others, piece.delivery_id):
                for one in staged:
                    one.unlink()
                return batch
            load = self._open_batch(piece.bytes, ledger, now)
            # Counted before it is in: after a crash a batch seems fuller than it is, never emptier.
            told = [load.batch, load.letters + 1, load.bytes + piece.bytes]
            ledger.write_text(json.dumps(told))
            pdf = self._folder / load.batch / piece.file
            staged[0].replace(pdf)
            staged[1].replace(pdf.with_suffix(".json"))
            return load.batch

    def _open_batch(self, more: int, ledger: Path, now: dt.datetime) -> _Load:
        """The one that a letter of so many bytes goes into, made where there is none."""
        for batch in filter(_is_open, self._batches()):
            if now < _due(batch):
                load = self._load_of(batch, ledger)
                if not self._is_full(load, more):
                    return load
                self._close(batch)
        return _Load(self._new_batch(now), 0, 0)

    def _load_of(self, batch: Path, ledger: Path) -> _Load:
        """From the ledger, which a process believes when it has counted once by itself.

        It is not synced: a power cut may leave an old one, and all processes begin anew then.
        """
        if self._has_counted:
            try:
                load = _Load(*json.loads(ledger.read_text()))
            except (ValueError, TypeError):
                load = None
            if load and load.batch == batch.name:
                return load
        self._has_counted = True
        return _load(batch)

    def _is_full(self, load: _Load, more: int) -> bool:
        most = self._house.batches
        return load.letters >= most.most_letters or (
            load.letters > 0 and load.bytes + more > most.most_mb * 10**6
        )

    def _new_batch(self, now: dt.datetime) -> str:
        # By chance at its end: where a backup was put back no name comes a second time.
        name = f"{self._house.batches.prefix}-{now:%Y%m%dT%H%M%S}-{secrets.token_hex(2)}"
        new = self._disk.corner() / name
        new.mkdir(mode=0o700)
        self._disk.write(new / "due", self._house.next_cut_off(now).isoformat().encode())
        new.rename(self._folder / name)
        sync(self._folder)
        return name

    def _close(self, batch: Path) -> None:
        rows = _whole(batch)
        if not rows:
            self._disk.throw_away(batch)
            return
        sync(batch)
        try:
            pieces = [_piece(row) for row in rows]
            written = manifest.write(batch.name, pieces, self._house)
        except ValueError as error:  # an encoding, mostly: the house's form was changed meanwhile
            log.error("batch_not_closed", batch=batch.name, why=str(error))
            return
        self._disk.write(batch / "manifest", written)

    def _batches(self) -> list[Path]:
        try:
            there = list(os.scandir(self._folder))
        except FileNotFoundError:
            return []
        return [Path(one.path) for one in there if one.is_dir() and not one.name.startswith(".")]


def _holding(batches: Iterable[Path], delivery_id: UUID) -> str | None:
    name = f"{delivery_id}.json"
    return next((one.name for one in batches if (one / name).exists()), None)


def _is_open(batch: Path) -> bool:
    return not _is_closed(batch) and not _is_sent(batch)


def _is_closed(batch: Path) -> bool:
    return (batch / "manifest").exists()


def _is_sent(batch: Path) -> bool:
    return (batch / "sent").exists()


def _due(batch: Path) -> dt.datetime:
    return dt.datetime.fromisoformat((batch / "due").read_text())


def _load(batch: Path) -> _Load:
    sizes = [file.stat().st_size for file in batch.glob("*.pdf")]
    return _Load(batch.name, len(sizes), sum(sizes))


def _whole(batch: Path) -> list[Path]:
    """The rows of its letters in order; deletes what is there of half ones."""
    rows = {row.stem: row for row in batch.glob("*.json")}
    pdfs = {pdf.stem: pdf for pdf in batch.glob("*.pdf")}
    for stem in pdfs.keys() - rows.keys():  # a crash came between the two: nobody was told of it
        pdfs[stem].unlink()
    for stem in sorted(rows.keys() - pdfs.keys()):  # somebody was: the disk has lost it
        log.error("letter_lost", batch=batch.name, delivery_id=stem)
        rows[stem].unlink()
    return [rows[stem] for stem in sorted(rows.keys() & pdfs.keys())]


def _piece(row: Path) -> Piece:
    told = json.loads(row.read_text())
    given = told | {"delivery_id": UUID(told["delivery_id"]), "lines": tuple(told["lines"])}
    return Piece(**given)


def _empty(batch: Path) -> None:
    """Leaves names alone: letters and addresses are people's, and the house has them."""
    for pdf in batch.glob("*.pdf"):
        pdf.unlink()
    for row in batch.glob("*.json"):
        os.truncate(row, 0)
    (batch / "manifest").unlink()  # last: while it stands, this is done again
