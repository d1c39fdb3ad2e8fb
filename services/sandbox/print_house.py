"""A small print house that takes batches from a folder, and answers with files in another.

In: `in/<batch>/` with PDFs, `manifest.csv` and, last, `READY`, as deploy/print-house.toml says.
Out: ack, despatch, return and invoice files in `out/`, each with a `.done` that holds its number of
rows; faults on demand.  It keeps its own count of what it printed, below `own/`.
An address with RETURNED comes back, one with REJECTED is not printed.
"""

import csv
import datetime as dt
import hashlib
import io
import re
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pikepdf

Row = Mapping[str, str]

_ADDRESS = tuple(f"address{number}" for number in range(1, 7))
_NAME = re.compile(r"[A-Za-z0-9_-]{1,30}")


@dataclass(slots=True)
class HouseFaults:
    """What goes wrong with the files that it writes; each is used up by one file."""

    silent: int = 0  # never written
    torn: int = 0  # half of its rows, and no marker; the rest follows with the next turn
    short: int = 0  # marked, but with one row less than it says
    twice: int = 0  # written again with the next turn
    late: int = 0  # written with the next turn


@dataclass
class PrintHouse:
    """One house in a folder.  It works when it is told to: `receive`, `post`, `deliver_late`."""

    root: Path
    faults: HouseFaults = field(default_factory=HouseFaults)
    price_minor: int = 95  # for a sheet with its postage

    def __post_init__(self) -> None:
        for name in ("in", "out", "out/taken", "own", "own/batches", "own/late"):
            (self.root / name).mkdir(parents=True, exist_ok=True)

    def receive(self, now: dt.datetime) -> list[str]:
        """Takes the batches that are ready, and acknowledges each letter; their names."""
        ready = sorted(marker.parent for marker in (self.root / "in").glob("*/READY"))
        for batch in ready:
            self._receive(batch, now)
        return [batch.name for batch in ready]

    def post(self, now: dt.datetime) -> None:
        """Posts what was printed; what cannot arrive is back the same day.  Invoices it all."""
        printed = self.printed()
        manifests = sorted((self.root / "own/batches").glob("*/manifest.csv"))
        for batch in (manifest.parent for manifest in manifests):
            accepted = [row for row in self._rows(batch) if row["reference"] in printed]
            if not accepted or (batch / "posted").exists():
                continue
            told = [
                {
                    "reference": row["reference"],
                    "batch": batch.name,
                    "posted_on": f"{now:%Y-%m-%d}",
                    "sheets": str(_sheets(int(row["pages"]))),
                    "class": row["class"],
                }
                for row in accepted
            ]
            self._answer(f"despatch_{batch.name}.csv", told)
            self._return(batch.name, accepted, now)
            self._invoice(batch.name, told)
            (batch / "posted").touch()

    def deliver_late(self) -> None:
        """Puts out what was late, torn, or comes a second time."""
        for file in sorted((self.root / "own/late").glob("*.csv")):
            self._put_out(file.name, file.read_bytes())
            file.unlink()

    def printed(self) -> Counter[str]:
        """How often each letter was printed, by its reference."""
        log = self.root / "own/printed.txt"
        return Counter(log.read_text().split()) if log.exists() else Counter()

    def _receive(self, batch: Path, now: dt.datetime) -> None:
        fault = _fault_of(batch)
        taken = self.root / "own/batches" / batch.name
        if taken.exists():
            raise RuntimeError(f"the batch {batch.name} came a second time")
        shutil.move(batch, taken)
        # Of a batch that is wrong as a whole it tells one row, of no letter.
        rows = [] if fault else list(self._rows(taken))
        reasons = {row["reference"]: _fault_in(row, taken) for row in rows} or {"": fault}
        with (self.root / "own/printed.txt").open("a") as log:
            log.writelines(f"{id_}\n" for id_, reason in reasons.items() if not reason)
        told = [
            {
                "reference": id_,
                "batch": batch.name,
                "at": f"{now:%Y-%m-%dT%H:%M:%SZ}",
                "status": "REJECTED" if reason else "ACCEPTED",
                "reason": reason,
            }
            for id_, reason in reasons.items()
        ]
        self._answer(f"ack_{batch.name}.csv", told)

    def _return(self, batch: str, accepted: Iterable[Row], now: dt.datetime) -> None:
        back = [row for row in accepted if "RETURNED" in _address(row)]
        told = [
            {
                "reference": row["reference"],
                "returned_on": f"{now:%Y-%m-%d}",
                "reason": "addressee_unknown",
            }
            for row in back
        ]
        if told:
            self._answer(f"return_{batch}.csv", told)

    def _invoice(self, batch: str, posted: Sequence[Row]) -> None:
        sheets = sum(int(row["sheets"]) for row in posted)
        told = {"batch": batch, "letters": str(len(posted)), "sheets": str(sheets)}
        self._answer(f"invoice_{batch}.csv", [told | {"net": str(sheets * self.price_minor)}])

    def _answer(self, name: str, rows: Sequence[Row]) -> None:
        content, faults = _csv(rows), self.faults
        if _uses(faults, "silent"):
            return
        if _uses(faults, "late"):
            self._keep(name, content)
        elif _uses(faults, "torn"):
            half = content[: len(content) // 2]
            (self.root / "out" / name).write_bytes(half)
            self._keep(name, content)
        elif _uses(faults, "short"):
            self._put_out(name, _csv(rows[:-1]), rows=len(rows))
            self._keep(name, content)
        else:
            self._put_out(name, content)
            if _uses(faults, "twice"):
                self._keep(name, content)

    def _keep(self, name: str, content: bytes) -> None:
        (self.root / "own/late" / name).write_bytes(content)

    def _put_out(self, name: str, content: bytes, *, rows: int | None = None) -> None:
        (self.root / "out" / name).write_bytes(content)
        number = content.count(b"\n") - 1 if rows is None else rows
        (self.root / "out" / f"{name}.done").write_text(str(number))

    def _rows(self, batch: Path) -> Iterator[Row]:
        with (batch / "manifest.csv").open(encoding="utf-8", newline="") as file:
            yield from csv.DictReader(file, delimiter=";")


def _fault_of(batch: Path) -> str:
    """What is wrong with the whole of it; nothing, mostly."""
    if not _NAME.fullmatch(batch.name):
        return "name_unusable"
    try:
        manifest = (batch / "manifest.csv").read_bytes()
    except FileNotFoundError:
        return "manifest_missing"
    told = (batch / "READY").read_text()
    is_whole = told == f"{hashlib.sha256(manifest).hexdigest()}  manifest.csv\n"
    return "" if is_whole else "manifest_torn"


def _fault_in(row: Row, batch: Path) -> str:
    """What is wrong with one letter."""
    try:
        pdf = (batch / row["file"]).read_bytes()
    except FileNotFoundError:
        return "file_missing"
    if hashlib.sha256(pdf).hexdigest() != row["sha256"]:
        return "sha256_mismatch"
    try:
        with pikepdf.open(io.BytesIO(pdf)) as document:
            pages = len(document.pages)
    except pikepdf.PdfError:
        return "pdf_unreadable"
    if str(pages) != row["pages"]:
        return "pages_mismatch"
    return "address_unusable" if "REJECTED" in _address(row) else ""


def _address(row: Row) -> str:
    return " ".join(row[line] for line in _ADDRESS)


def _sheets(pages: int) -> int:
    return -(-pages // 2)


def _csv(rows: Sequence[Row]) -> bytes:
    text = io.StringIO()
    names = list(rows[0]) if rows else ["reference"]
    writer = csv.DictWriter(text, names, delimiter=";", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def _uses(faults: HouseFaults, name: str) -> bool:
    left: int = getattr(faults, name)
    setattr(faults, name, max(left - 1, 0))
    return left > 0
