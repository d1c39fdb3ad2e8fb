"""What can be wrong with a file: as a whole (FileFault, it fails) or in a row (RowFault).

The words never quote what a cell holds: they name its row, its column and the reason.
"""

from collections.abc import Mapping
from dataclasses import dataclass

FILE_FAULTS: Mapping[str, str] = {
    "empty_file": "There is no row in the file.",
    "old_workbook": "The workbook is of the old form (.xls), or locked with a password: save it as "
    ".xlsx, without a password.",
    "damaged_workbook": "The workbook is damaged, or not whole: save or send it again.",
    "zip_bomb": "The workbook would unpack to far more than a list of supporters holds.",
    "sheet_too_large": "The sheet needs more memory than it is given: save it as CSV.",
    "unknown_encoding": "The file's encoding cannot be told: save it as UTF-8, or name it.",
    "row_too_large": "The row is larger than 1,000,000 characters, or a cell of it larger than "
    "131,072; often a quotation mark is missing.",
    "too_many_rows": "The file has more than 1,000,000 rows: cut it in parts.",
    "too_many_columns": "The file has more than 256 columns.",
    "quote_open": "A quotation mark opens a cell and none closes it: the file may be cut off.",
    "quote_inside": "A quotation mark ends a cell, and the cell goes on: double those inside.",
    "cut_off": "The last row ends too early: the file may be cut off.",
    "column_missing": "The map names a column that the file's first row does not have.",
    "column_repeated": "Two columns of the file have the same name.",
    "field_missing": "No column gives this field: name one that does, or give it for every row.",
    "field_repeated": "Two columns give the same field.",
    "client_ended": "The client's key was ended.",
    "turned_bad": "The row was good when it was checked and is not any more, and all rows were "
    "wanted, or none: those of the chunks before it were taken.",
    "not_whole": "The file never came to its end.",
    "not_started": "Nobody started it within 7 days.",
    "not_moving": "It had not gone on for 7 days; the rows before were taken.",
    "broken": "Something broke on our side; the rows before were taken.",
}
ROW_FAULTS: Mapping[str, str] = {
    "formula": "The cell begins as a formula does, and is not run.",
    "lost_character": "A character was lost: these bytes are not of the file's encoding, or were "
    "lost before.",
    "mixed_encoding": "The cell is UTF-8, and the rest of the file is not.",
    "control_character": "The text holds a control character.",
    "too_many_cells": "The row has more cells than the first row has names.",
    "unclear_answer": "Neither yes nor no.",
    "unclear_moment": "Not a date that everybody reads the same: write 2026-06-30.",
    "erased_meanwhile": "You erased this supporter after the file was handed in: the row was left "
    "out.",
    "left_out": "The row was left out; whoever runs Writ can say why.",
}


class FileFault(Exception):
    """The file cannot be taken.  `code` is one of FILE_FAULTS."""

    def __init__(self, code: str, *, row: int | None = None, name: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.row = row  # as a spreadsheet numbers it
        where = f"Row {row}: " if row is not None else f"`{name}`: " if name else ""
        self.detail = where + FILE_FAULTS[code]


@dataclass(frozen=True, slots=True)
class RowFault:
    """One thing wrong with one row."""

    row: int  # as a spreadsheet numbers it
    column: str | None  # the file's own name for it; None: the row, or a default
    code: str  # one of ROW_FAULTS, or of the codes that POST /v1/actions knows
    detail: str
