"""A program of its own that opens an XLSX file: what a hostile one does, it does to this alone.

In: the file on stdin.  Out: lines of JSON on stdout: `{"sheet": …}` and then one list of texts for
each row, from the first of the sheet; or `{"fault": code}`, of unreadable.py.  It has a limit on
memory and processor time, imports nothing of Writ, and none of Writ's settings come with it.
"""

import datetime as dt
import io
import json
import resource
import sys
import zipfile
from collections.abc import Iterator
from typing import Any

from python_calamine import (
    CalamineError,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
)

MOST_MEMORY = 512 * 1024 * 1024  # bytes of address space; 100,000 rows of 10 cells need 135 MB
MOST_CPU_S = 120
MOST_ENTRIES = 2_000  # of the zip archive; pictures and comments are entries, too
MOST_UNPACKED = 1024 * 1024 * 1024  # bytes
MOST_RATIO = 100  # a sheet of text unpacks to about 15 times its size
MOST_IN_ROW = 1_000_000  # characters
SMALL = 32 * 1024 * 1024  # bytes: so much may unpack at any ratio
_OLD = b"\xd0\xcf\x11\xe0"  # OLE: an .xls, or an .xlsx that is locked with a password


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_CPU_S, MOST_CPU_S))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core would hold people's data
    try:
        for line in _told(sys.stdin.buffer.read()):
            sys.stdout.buffer.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
    except MemoryError:
        sys.exit(1)


def _told(content: bytes) -> Iterator[Any]:
    if fault := _fault(content):
        yield {"fault": fault}
        return
    try:
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(content))
        name = _first_sheet(workbook)
        sheet = workbook.get_sheet_by_name(name)
    except PasswordError:
        yield {"fault": "old_workbook"}
        return
    except (CalamineError, OSError, ValueError):  # its words may quote a cell
        yield {"fault": "damaged_workbook"}
        return
    yield {"sheet": name}
    for number, row in enumerate(sheet.iter_rows(), start=1):
        cells = [_text(cell) for cell in row]
        if sum(map(len, cells)) > MOST_IN_ROW:
            yield {"fault": "row_too_large", "row": number}
            return
        yield cells


def _fault(content: bytes) -> str:
    """What the archive's own directory says against it, before anything is unpacked."""
    if content.startswith(_OLD):
        return "old_workbook"
    try:
        entries = zipfile.ZipFile(io.BytesIO(content)).infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError):
        return "damaged_workbook"
    unpacked = sum(one.file_size for one in entries)
    too_dense = unpacked > SMALL and unpacked > MOST_RATIO * len(content)
    if len(entries) > MOST_ENTRIES or unpacked > MOST_UNPACKED or too_dense:
        return "zip_bomb"
    return ""


def _first_sheet(workbook: CalamineWorkbook) -> str:
    """The first sheet that a person would see.  Raises ValueError where there is none."""
    for sheet in workbook.sheets_metadata:
        if sheet.typ is SheetTypeEnum.WorkSheet and sheet.visible is SheetVisibleEnum.Visible:
            return sheet.name
    raise ValueError("no sheet")


def _text(cell: Any) -> str:
    """The cell as CSV would say it: 12 and not 12.0, dates in ISO 8601."""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, dt.datetime):
        day_alone = cell.time() == dt.time()
        return cell.date().isoformat() if day_alone else cell.isoformat(" ", "seconds")
    if isinstance(cell, dt.date | dt.time):
        return cell.isoformat()
    return str(cell)


if __name__ == "__main__":
    main()
