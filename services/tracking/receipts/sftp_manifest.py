"""Reads the files in which a print house by SFTP says what became of our letters.

In: a file that is whole, and its form.  Out: a Receipt for each row, in our words.  A row is known
by its file's name, its place, and what it says: the same file twice changes nothing, and a name
that comes again with other rows hides none of them.  They come as files: `fetch_files.py` fetches
them, and nobody may bring them to our door.
"""

import csv
import datetime as dt
import hashlib
import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import structlog

from services.tracking.receipts.contract import (
    Door,
    Receipt,
    Trust,
    Unreadable,
    own_id,
    provider_id,
    without_addresses,
)
from services.tracking.receipts.sftp_manifest_form import AnswersForm, FileForm, Rows
from services.tracking.words import EventWord, Fact

SOURCE = "sftp_manifest"
_A_DAY = "2021-12-10"
_MOST_NAME = 100  # characters of a file's name in a row's id

log = structlog.get_logger(__name__)


class Torn(Exception):
    """The file is not whole yet: it says that it has more rows, or other ones."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """One file, as it came."""

    name: str
    content: bytes
    marker: str  # what its marker says; empty: it has none
    changed_at: dt.datetime  # of a row that tells no time


@dataclass(frozen=True, slots=True)
class Row:
    """What one row tells, beside its receipt."""

    receipt: Receipt
    batch: str | None
    sheets: int | None


def door(_trust: Trust) -> Door:
    def refuse(_headers: Mapping[str, str], _body: bytes) -> Receipt | None:
        raise Unreadable("receipts of a print house by SFTP come as files")

    return refuse


def read(file: Fetched, form: FileForm, answers: AnswersForm) -> list[Row]:
    """Raises Torn, or Unreadable where the house has changed its form."""
    cells = _cells(file, form)
    number = _number_told(cells, file, form)
    body = cells[1:-1] if form.rows is Rows.TRAILER else cells[1:]
    if number is not None and number != len(body):
        raise Torn(f"{len(body)} rows, and it says {number}")
    head = cells[0] if cells else []
    if missing := [theirs for theirs in form.columns.values() if theirs not in head]:
        raise Unreadable(f"it has no column {missing[0]!r}")
    rows = []
    for place, row in enumerate(body, 1):
        if len(row) != len(head):
            raise Unreadable(f"row {place} has {len(row)} cells, the head has {len(head)}")
        said = dict(zip(head, row, strict=True))
        rows.append(_row(said, f"{file.name[:_MOST_NAME]}#{place}", file, form, answers))
    return rows


def _cells(file: Fetched, form: FileForm) -> list[list[str]]:
    try:
        text = file.content.decode(form.encoding).removeprefix("\ufeff")
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=form.delimiter))
    except (UnicodeDecodeError, csv.Error) as error:
        raise Unreadable(f"it cannot be read: {type(error).__name__}") from error
    return [row for row in rows if row]


def _number_told(cells: Sequence[Sequence[str]], file: Fetched, form: FileForm) -> int | None:
    """How many rows it says it has; None where it need not say."""
    if form.rows is Rows.NOWHERE:
        return None
    told = file.marker.strip()
    if form.rows is Rows.TRAILER:
        last = cells[-1] if len(cells) > 1 else []
        if len(last) < 2 or last[0] != form.trailer:
            raise Torn("its last row is missing")
        told = last[1].strip()
    if not (told.isascii() and told.isdigit() and len(told) < 10):
        raise Torn("it does not say how many rows it has")
    return int(told)


def _row(
    said: Mapping[str, str], place: str, file: Fetched, form: FileForm, answers: AnswersForm
) -> Row:
    ours = {name: said[theirs].strip() for name, theirs in form.columns.items()}
    body = json.dumps(said, ensure_ascii=False)
    source_id = f"{place}#{hashlib.sha256(body.encode()).hexdigest()[:16]}"
    sheets = ours.get("sheets", "")
    receipt = Receipt(
        source=SOURCE,
        source_id=source_id,
        body=body,
        delivery_id=own_id(ours["reference"]),
        fact=_fact(ours, source_id, file, form, answers),
    )
    if receipt.delivery_id is None:
        log.warning("receipt_of_no_letter", source=SOURCE, source_id=source_id)
    return Row(
        receipt=receipt,
        batch=provider_id(ours.get("batch")),
        sheets=int(sheets) if sheets.isascii() and sheets.isdigit() and len(sheets) < 6 else None,
    )


def _fact(
    ours: Mapping[str, str], source_id: str, file: Fetched, form: FileForm, answers: AnswersForm
) -> Fact | None:
    word = form.word or form.words.get(ours.get("word", ""))
    at = _moment(ours.get("at"), file, answers)
    if word is None or at is None:
        log.warning("receipt_not_understood", source=SOURCE, source_id=source_id)
        return None
    return Fact(word=word, occurred_at=at, detail=_detail(ours, word), provider_id=_order(ours))


def _detail(ours: Mapping[str, str], word: EventWord) -> str | None:
    parts = [ours.get("reason", "")] if word is not EventWord.SENT_PROOF else []
    if sheets := ours.get("sheets"):
        parts.append(f"sheets: {sheets}")
    if class_ := ours.get("class"):
        parts.append(f"class: {class_}")
    return without_addresses("; ".join(part for part in parts if part))


def _order(ours: Mapping[str, str]) -> str | None:
    """What dispatch calls the order."""
    batch = ours.get("batch")
    return provider_id(f"{batch}/{ours['reference']}") if batch else None


def _moment(told: str | None, file: Fetched, answers: AnswersForm) -> dt.datetime | None:
    """In UTC.  A day without an hour is its noon: no zone turns it into another day."""
    if not told:
        return file.changed_at
    form = answers.answers.time_form
    is_day = not {"%H", "%I"} & set(re.findall("%.", form)) if form else len(told) <= len(_A_DAY)
    try:
        # By the house's clock: its zone is added below.
        read = dt.datetime.strptime(told, form) if form else dt.datetime.fromisoformat(told)  # noqa: DTZ007
        return _in_utc(read.replace(hour=12) if is_day else read, answers.zone)
    except (ValueError, OverflowError):
        return None


def _in_utc(moment: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(dt.UTC)
