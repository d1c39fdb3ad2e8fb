"""Fetches what a print house wrote for us, records it, and only then takes it away.

In: files in the house's folder.  Out: receipts, each row once; invoices, kept for finance below
WRIT_DATA_DIR/print_files.  A file that is not whole waits; one that cannot be read stays, the log
names it, and it stops none beside it.  What the house counts otherwise than we do, a letter's
sheets or a batch's letters, is told in the fact and in the log.
"""

import datetime as dt
import hashlib
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from uuid import UUID

import structlog
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from services.tracking.blame import is_about_one
from services.tracking.receipts.contract import Receipt, Unreadable, without_addresses
from services.tracking.receipts.sftp_manifest import SOURCE, Fetched, Row, Torn, read
from services.tracking.receipts.sftp_manifest_form import AnswersForm, FileForm, Kind
from services.tracking.record import Recorded
from services.tracking.take import Taker
from shared.database import Database
from shared.sftp import Line, Refused
from shared.tables.dispatch import DeliveryState, deliveries, print_orders

INVOICES = "print_files/invoices"  # below WRIT_DATA_DIR
MOST_BYTES = 64 * 10**6  # of one file
ROWS = 500  # recorded in one transaction
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_. ()-]{0,199}")  # others lead elsewhere, or hide

log = structlog.get_logger(__name__)

OpenLine = Callable[[], AbstractContextManager[Line]]


@dataclass(slots=True)
class Done:
    """What one round did."""

    files: int = 0
    rows: Counter[Recorded] = field(default_factory=Counter)
    invoices: list[str] = field(default_factory=list)  # paths below WRIT_DATA_DIR
    waiting: list[str] = field(default_factory=list)  # not whole yet
    left: list[str] = field(default_factory=list)  # they cannot be read, stored or moved


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFetcher:
    """One for a process; two at once do no harm."""

    form: AnswersForm
    open_line: OpenLine
    database: Database
    taker: Taker
    data_dir: Path

    def fetch(self) -> Done:
        """Takes what is there now.  Raises LineFault, OSError and the database's errors."""
        done, folder = Done(), self.form.answers.folder
        with self.open_line() as line:
            there = line.sizes(folder) or {}
            for name in sorted(there):
                if _NAME.fullmatch(name) and (form := self.form.of(name)):
                    self._one(line, name, form, there, done)
            self._sweep_markers(line, there)
        return done

    def _one(
        self, line: Line, name: str, form: FileForm, there: Mapping[str, int], done: Done
    ) -> None:
        marker = form.marker(name)
        if marker and marker not in there:
            done.waiting.append(name)
            return
        try:
            file = self._fetch(line, name, marker)
            if form.kind is Kind.INVOICE:
                done.invoices.append(self._keep(file))
            else:
                done.rows.update(self._record(file, form))
            self._put_away(line, name, marker)
        except Torn as error:
            log.info("print_file_waits", file=name, why=str(error))
            done.waiting.append(name)
            return
        except (Unreadable, Refused, SQLAlchemyError) as error:
            if not is_about_one(error):
                raise
            why = type(error).__name__ if isinstance(error, SQLAlchemyError) else str(error)
            log.error("print_file_left", file=name, why=why)
            done.left.append(name)
            return
        done.files += 1
        log.info("print_file_taken", file=name, kind=form.kind.value)

    def _fetch(self, line: Line, name: str, marker: str | None) -> Fetched:
        folder = self.form.answers.folder
        content = line.read(f"{folder}/{name}", most_bytes=MOST_BYTES)
        if len(content) > MOST_BYTES:
            raise Unreadable(f"it is larger than {MOST_BYTES} bytes")
        told = line.read(f"{folder}/{marker}", most_bytes=1000) if marker else b""
        changed_at = line.changed_at(f"{folder}/{name}") or 0
        return Fetched(
            name=name,
            content=content,
            marker=told.decode(errors="replace"),
            changed_at=dt.datetime.fromtimestamp(changed_at, dt.UTC),
        )

    def _record(self, file: Fetched, form: FileForm) -> Counter[Recorded]:
        rows = read(file, form, self.form)
        wrong = self._miscounted(rows) if form.whole_batch else {}
        became: Counter[Recorded] = Counter()
        for at in range(0, len(rows), ROWS):
            some = rows[at : at + ROWS]
            pages = self._pages([row.receipt.delivery_id for row in some])
            compared = [self._compared(row, pages, wrong) for row in some]
            became.update(one for one in self.taker.take(compared) if one is not None)
        return became

    def _pages(self, ids: Sequence[UUID | None]) -> Mapping[UUID | None, int]:
        query = select(print_orders.c.delivery_id, print_orders.c.pages).where(
            print_orders.c.vendor == SOURCE,
            print_orders.c.delivery_id.in_([one for one in ids if one]),
        )
        with self.database.read() as connection:
            return {row.delivery_id: row.pages for row in connection.execute(query)}

    def _miscounted(self, rows: Sequence[Row]) -> Mapping[str | None, str]:
        """Of each batch that the house counts otherwise, what it counts and what we do."""
        told = Counter(row.batch for row in rows if row.batch)
        wrong: dict[str | None, str] = {}
        for batch, theirs in told.items():
            ours = self._letters_in(batch)
            if ours != theirs:
                log.error("batch_count_differs", batch=batch, theirs=theirs, ours=ours)
                wrong[batch] = f"letters of the batch: theirs {theirs}, ours {ours}"
        return wrong

    def _letters_in(self, batch: str) -> int:
        query = (
            select(func.count())
            .select_from(deliveries)
            .where(
                deliveries.c.provider == SOURCE,
                deliveries.c.provider_id.startswith(f"{batch}/", autoescape=True),
                deliveries.c.state != DeliveryState.CANCELLED,
            )
        )
        with self.database.read() as connection:
            return connection.scalar(query) or 0

    def _compared(
        self, row: Row, pages: Mapping[UUID | None, int], wrong: Mapping[str | None, str]
    ) -> Receipt:
        """Its receipt, which tells what the house counts otherwise than we do."""
        receipt, remarks = row.receipt, [wrong.get(row.batch, "")]
        printed = pages.get(receipt.delivery_id)
        if printed and row.sheets and row.sheets != (ours := self.form.sheets(printed)):
            id_ = str(receipt.delivery_id)
            log.error("sheets_differ", delivery_id=id_, theirs=row.sheets, ours=ours)
            remarks.append(f"sheets: theirs {row.sheets}, ours {ours}")
        said = [one for one in remarks if one]
        if receipt.fact is None or not said:
            return receipt
        detail = "; ".join([*said, *filter(None, [receipt.fact.detail])])
        return replace(receipt, fact=replace(receipt.fact, detail=without_addresses(detail)))

    def _keep(self, file: Fetched) -> str:
        """The invoice's path below WRIT_DATA_DIR; listed among the receipts, too."""
        digest = hashlib.sha256(file.content).hexdigest()
        path = f"{INVOICES}/{file.name}"
        kept = self.data_dir / path
        if kept.exists() and kept.read_bytes() != file.content:
            path = f"{INVOICES}/{digest[:8]}-{file.name}"
        self._write(self.data_dir / path, file.content)
        source_id = f"{file.name[:100]}#{digest[:16]}"
        listed = Receipt(source=SOURCE, source_id=source_id, body=path, delivery_id=None, fact=None)
        self.taker.take([listed])
        log.info("invoice_kept", path=path)
        return path

    @staticmethod
    def _write(path: Path, content: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        half = path.with_name(f".{path.name}")
        half.write_bytes(content)
        half.replace(path)

    def _put_away(self, line: Line, name: str, marker: str | None) -> None:
        """Call it after the commit.  The file goes first: alone its marker means nothing."""
        answers = self.form.answers
        path = f"{answers.folder}/{name}"
        if line.size(path) is None:  # another process was at it, too
            return
        if answers.taken:
            line.make(answers.taken)
            line.replace(path, f"{answers.taken}/{name}")
        else:
            line.remove(path)
        if marker:
            line.remove(f"{answers.folder}/{marker}")

    def _sweep_markers(self, line: Line, there: Mapping[str, int]) -> None:
        """Those whose file we took away before a crash: the next of its name would seem whole."""
        for form in self.form.answers.files:
            before, _, after = form.done.partition("{name}")
            for marker in there:
                name = marker.removeprefix(before).removesuffix(after)
                is_marker = form.done and form.marker(name) == marker and form is self.form.of(name)
                # A house writes the marker last: who sees it sees the file, too, if there is one.
                if is_marker and name not in there and line.size(self._at(name)) is None:
                    line.remove(self._at(marker))

    def _at(self, name: str) -> str:
        return f"{self.form.answers.folder}/{name}"
