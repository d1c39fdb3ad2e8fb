"""What the files of a print house that answers by SFTP look like: read once, from its TOML file.

In: the file that dispatch reads its own half of (deploy/print-house.toml explains each line).
Out: an AnswersForm, or a plain fault.
"""

import tomllib
from collections.abc import Mapping
from enum import StrEnum
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from services.tracking.words import EventWord
from shared.settings import SettingError

OURS = frozenset(("reference", "at", "word", "reason", "batch", "sheets", "class"))


class Kind(StrEnum):
    """What a file is about."""

    ACK = "ack"  # which letters the house took
    DESPATCH = "despatch"  # which it gave to the post
    RETURN = "return"  # which the post brought back
    INVOICE = "invoice"  # for finance: kept, and not read


class Rows(StrEnum):
    """Where a file says how many rows it has."""

    NOWHERE = ""
    DONE = "done"  # in its marker
    TRAILER = "trailer"  # in its last row


def _is_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(f"{name!r} is no time zone like Europe/Berlin") from error
    return name


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FileForm(_Part):
    """One kind of file."""

    kind: Kind
    name: Annotated[str, Field(min_length=1)]  # with * and ?, as in a shell
    done: str = ""  # its marker's name, with {name} in it; empty: there is none
    rows: Rows = Rows.NOWHERE
    trailer: str = ""  # the first cell of the last row, beside the number of the others
    whole_batch: bool = False
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ";"
    encoding: str = "utf-8"
    word: EventWord | None = None  # what every row says
    words: Mapping[str, EventWord] = {}  # what a row says, by theirs
    columns: Mapping[str, str] = {}  # ours to theirs

    @model_validator(mode="after")
    def _can_be_read(self) -> "FileForm":
        if "{name}" not in self.done and self.rows is not Rows.TRAILER:
            raise ValueError("`done` must hold {name}, or nobody knows when a file is whole")
        if self.kind is Kind.INVOICE:
            return self
        if "reference" not in self.columns or self.columns.keys() - OURS:
            raise ValueError(f"columns must hold reference, and none but {', '.join(sorted(OURS))}")
        if (self.word is None) == (not self.words or "word" not in self.columns):
            raise ValueError("either `word`, or `words` and a column for them")
        try:
            "".encode(self.encoding)
        except LookupError as error:
            raise ValueError(f"{self.encoding!r} is no encoding") from error
        return self

    def marker(self, name: str) -> str | None:
        """The name of a file's marker."""
        return self.done.format(name=name) if self.done else None


class _Answers(_Part):
    folder: str
    taken: str = ""  # empty: what was recorded is deleted
    time_form: str = ""
    files: Annotated[tuple[FileForm, ...], Field(min_length=1)]


class _House(_Part):
    time_zone: Annotated[str, AfterValidator(_is_zone)]
    duplex: bool


class AnswersForm(_Part):
    model_config = ConfigDict(extra="ignore", frozen=True)  # the rest is dispatch's

    house: _House
    answers: _Answers

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.house.time_zone)

    def sheets(self, pages: int) -> int:
        return -(-pages // 2) if self.house.duplex else pages

    def of(self, name: str) -> FileForm | None:
        """The form of the file of this name; None: nobody told us of it, or it is a marker."""
        markers = (one.marker(one.name) for one in self.answers.files)
        if any(marker and fnmatchcase(name, marker) for marker in markers):
            return None
        return next((one for one in self.answers.files if fnmatchcase(name, one.name)), None)


def read_answers_form(path: Path) -> AnswersForm:
    """Raises SettingError with every fault."""
    try:
        return AnswersForm.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        faults = (f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise SettingError(f"WRIT_SFTP_HOUSE: {path.name}: {'; '.join(faults)}") from error
    except (OSError, ValueError) as error:
        raise SettingError(f"WRIT_SFTP_HOUSE: {path.name} cannot be read: {error}") from error
