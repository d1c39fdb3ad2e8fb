"""How a print house wants its batches: read once from a TOML file that is written by hand.

In: the file (deploy/print-house.toml explains each line).  Out: a House, or a plain fault.  What
the house answers is tracking's to read, from the same file.
"""

import datetime as dt
import re
import tomllib
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from shared.settings import SettingError

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LINES = tuple(f"line{number}" for number in range(1, 9))
FIELDS = frozenset(
    ("reference", "batch", "file", "pages", "sheets", "bytes", "sha256", "class", "country", *LINES)
)
_LOOK_AHEAD_DAYS = 8
_XML_NAME = r"[A-Za-z_][A-Za-z0-9_.-]*"


def _is_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(f"{name!r} is no time zone like Europe/Berlin") from error
    return name


def _has_batch(template: str) -> str:
    if "{batch}" not in template:
        raise ValueError("must hold {batch}")
    return template


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _House(_Part):
    time_zone: Annotated[str, AfterValidator(_is_zone)]
    duplex: bool


class _Batches(_Part):
    prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,8}$")]
    folder: str
    done: Annotated[str, AfterValidator(_has_batch)]
    cut_offs: Annotated[tuple[dt.time, ...], Field(min_length=1)]
    days: Annotated[tuple[Literal[DAYS], ...], Field(min_length=1)] = DAYS  # type: ignore[valid-type]
    most_letters: Annotated[int, Field(ge=1)]
    most_mb: Annotated[float, Field(gt=0)]


class _Class(_Part):
    home: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    national: str
    international: str


class Column(_Part):
    theirs: Annotated[str, Field(min_length=1)]
    ours: str  # one of FIELDS, or "=" and what always stands there

    @field_validator("ours")
    @classmethod
    def _is_known(cls, ours: str) -> str:
        if ours not in FIELDS and not ours.startswith("="):
            raise ValueError(f"{ours!r} is none of {', '.join(sorted(FIELDS))}")
        return ours


class ManifestForm(_Part):
    file: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9._-]*$")]
    form: Literal["csv", "xml"]
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ";"
    encoding: str = "utf-8"
    root: Annotated[str, Field(pattern=f"^{_XML_NAME}$")] = "batch"
    row: Annotated[str, Field(pattern=f"^{_XML_NAME}$")] = "letter"
    columns: tuple[Column, ...]

    @field_validator("encoding")
    @classmethod
    def _is_encoding(cls, encoding: str) -> str:
        try:
            "".encode(encoding)
        except LookupError as error:
            raise ValueError(f"{encoding!r} is no encoding") from error
        return encoding

    @model_validator(mode="after")
    def _fits_together(self) -> "ManifestForm":
        wrong = [one.theirs for one in self.columns if not re.fullmatch(_XML_NAME, one.theirs)]
        if self.form == "xml" and wrong:
            raise ValueError(f"{wrong[0]!r} can be no element in XML")
        if {"reference", "file"} - {column.ours for column in self.columns}:
            raise ValueError("columns must hold our reference and file")
        return self

    @property
    def lines(self) -> int:
        """How many lines of an address it can hold; 0: none, the house reads the PDF's window."""
        ours = {column.ours for column in self.columns}
        return next((number for number, line in enumerate(LINES) if line not in ours), len(LINES))


class House(_Part):
    house: _House
    batches: _Batches
    class_: Annotated[_Class, Field(alias="class")]
    manifest: ManifestForm

    def next_cut_off(self, after: dt.datetime) -> dt.datetime:
        """The first cut-off later than `after`, in UTC.

        By the house's clock, also on the days when that is put forward or back: a time that a day
        has twice is its first, one that a day lacks is an hour later.
        """
        zone = ZoneInfo(self.house.time_zone)
        today = after.astimezone(zone).date()
        days = (today + dt.timedelta(days=number) for number in range(_LOOK_AHEAD_DAYS))
        moments = (
            dt.datetime.combine(day, time, zone).astimezone(dt.UTC)
            for day in days
            if DAYS[day.weekday()] in self.batches.days
            for time in sorted(self.batches.cut_offs)
        )
        return next(moment for moment in moments if moment > after)

    def class_of(self, country: str) -> str:
        known = self.class_
        return known.national if country == known.home else known.international

    def sheets(self, pages: int) -> int:
        return -(-pages // 2) if self.house.duplex else pages


def read_house(path: Path) -> House:
    """Raises SettingError with every fault."""
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingError(f"WRIT_SFTP_HOUSE: {path.name} cannot be read: {error}") from error
    told.pop("answers", None)  # tracking's
    try:
        return House.model_validate(told)
    except ValidationError as error:
        faults = (f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise SettingError(f"WRIT_SFTP_HOUSE: {path.name}: {'; '.join(faults)}") from error
