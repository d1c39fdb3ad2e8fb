"""What is sent with a file, and what is told of it: the models of /v1/imports."""

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from services.intake.imports.encodings import ENCODINGS
from services.intake.imports.keeping import ImportState, RowsWanted
from services.intake.imports.mapping import DEFAULTS, ActionField, ColumnMap
from shared.http.bodies import faults_of
from shared.http.paging import PageQuery, Word
from shared.http.problems import Fault, invalid

MOST_IN_MAPPING = 4_000  # characters; of an address the web server takes 8,190 bytes


def _no_person(given: dict[ActionField, str]) -> dict[ActionField, str]:
    if not given.keys() <= set(DEFAULTS):
        raise ValueError("A person's data is not the same in every row")
    return given


def _known_encoding(given: str) -> str:
    if given not in ENCODINGS:
        raise ValueError(f"It is none of {', '.join(ENCODINGS)}")
    return given


MapName = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=64)]
ColumnName = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]+$", max_length=200)]
Columns = Annotated[dict[ColumnName, ActionField | None], Field(max_length=256)]
Encoding = Annotated[
    str, AfterValidator(_known_encoding), Field(json_schema_extra={"enum": list(ENCODINGS)})
]
Defaults = Annotated[dict[ActionField, Word], AfterValidator(_no_person)]
_COLUMNS: TypeAdapter[dict[str, ActionField | None]] = TypeAdapter(Columns)


class ImportQuery(BaseModel, extra="forbid"):
    """What goes with a file, in the address or as fields of the form."""

    map: MapName | None = Field(
        default=None, description="A saved map: `PUT /v1/import-maps/{name}`"
    )
    mapping: str | None = Field(
        default=None,
        max_length=MOST_IN_MAPPING,
        description='The columns as a JSON object, `{"Prénom": "given_name", "Note": null}`; null '
        "is not read. Columns that are not named here are recognised by their names in English, "
        "Spanish, French, German, Russian and Arabic. A long one goes as a field of the form, or "
        "is saved: the whole address has 8,190 bytes at most",
    )
    encoding: Encoding | None = Field(
        default=None,
        description="Of a CSV file, where it is not told right",
    )
    file_name: Word | None = Field(
        default=None, description="What the file is called, for you to see"
    )
    again: bool = Field(default=False, description="Take it though the same file came before")
    case: Word | None = Field(default=None, description="As all that follow: the same in every row")
    kind: Word | None = None
    channel: Word | None = None
    language: Word | None = None
    country: Word | None = None
    recipients: Word | None = None
    source: Word | None = None
    occurred_at: Word | None = None
    show_name: Word | None = Field(default=None, description="`yes` or `no`, as all that follow")
    show_country: Word | None = None
    replies: Word | None = None
    mailings: Word | None = None

    def column_map(self, saved: ColumnMap) -> ColumnMap:
        """On top of a saved one.  Raises Problem."""
        columns = {**saved.columns, **self._columns()}
        given = {one: getattr(self, one.value) for one in DEFAULTS}
        defaults = {one: text for one, text in given.items() if text is not None}
        return ColumnMap(columns, {**saved.defaults, **defaults})

    def _columns(self) -> Mapping[str, ActionField | None]:
        if self.mapping is None:
            return {}
        try:
            return _COLUMNS.validate_json(self.mapping)
        except ValidationError as error:
            found = faults_of(error)
            raise invalid([Fault("?mapping", one.code, one.detail) for one in found]) from None


class ImportPath(BaseModel):
    id: UUID = Field(description="As the answer to `POST /v1/imports` gave it")


class MapPath(BaseModel):
    name: MapName


class FaultsQuery(PageQuery):
    pass


class Start(BaseModel):
    """How an import is started."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"rows": "good"}]})

    rows: RowsWanted = Field(
        description="`all`: every row, refused where one is bad. `good`: the bad ones are left out"
    )


class ImportLinks(BaseModel):
    self: str
    faults: str
    preview: str
    start: str


class ImportView(BaseModel):
    """A file, and how far it is."""

    id: UUID
    state: ImportState = Field(
        description="`checking`: every row is looked at. `ready`: waits for `start`. `running`: "
        "rows are taken. `done`, `failed`, `cancelled`: it is over, and the file is forgotten"
    )
    fault: str | None = Field(description="Why it failed, or was given up")
    file_name: str | None = Field(description="Until it is over")
    size: int = Field(description="Bytes")
    form: str = Field(description="`csv` or `xlsx`")
    encoding: str = Field(description="Of a CSV file, once it is known")
    separator: str = Field(description="Of a CSV file, once it is known")
    sheet: str = Field(description="Of an XLSX file: the one that is read, its first visible")
    columns: dict[str, ActionField | None] = Field(
        description="Which field each column is; once the file was looked at, also what was "
        "recognised. What is not here is not read"
    )
    defaults: dict[ActionField, str] = Field(description="What is the same in every row")
    rows: int | None = Field(description="With something in them, besides the first")
    bad: int = Field(description="Rows with a fault")
    rows_wanted: RowsWanted | None
    done: int = Field(description="Rows that are behind us, of checking or of taking")
    percentage: float | None = Field(description="Of checking or of taking, 0 to 100")
    rows_per_s: float | None
    remaining_s: int | None = Field(description="Seconds left at this rate")
    accepted: int = Field(description="Actions that were taken")
    duplicates: int = Field(description="Taken too, as duplicates of actions of yours")
    created_at: dt.datetime
    checked_at: dt.datetime | None
    started_at: dt.datetime | None
    ended_at: dt.datetime | None
    links: ImportLinks


class FaultView(BaseModel):
    """One thing wrong with one row."""

    row: int = Field(description="As a spreadsheet numbers it: the first one has the names")
    column: str | None = Field(description="The file's own name for it; null: the whole row")
    code: str = Field(description="What, in a word that does not change")
    detail: str = Field(description="What, in words for people; may change")


class CellView(BaseModel):
    """What was made of one cell."""

    field: ActionField
    column: str | None = Field(description="Null: the same in every row")
    text: str = Field(description="As understood; of a person the first letter and the length")


class RowView(BaseModel):
    row: int = Field(description="As a spreadsheet numbers it")
    cells: list[CellView]
    faults: list[FaultView]


class PreviewView(BaseModel):
    """The first rows, as they would be understood."""

    rows: list[RowView]
    unread: list[str] = Field(
        description="Columns that are not read, as a spreadsheet letters them: name those that "
        "should be in `mapping`"
    )
    letters: str = Field(
        description="Letters other than A to Z in the first 1,000 rows, the most frequent first: "
        "where they look wrong, name the right `encoding`"
    )


_MAP_EXAMPLE: dict[str, Any] = {
    "columns": {"Prénom": "given_name", "Nom": "family_name", "Note": None},
    "defaults": {"case": "zhang-zhan", "channel": "letter"},
}


class MapBody(BaseModel):
    """A column map to be saved."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_MAP_EXAMPLE]})

    columns: Columns = Field(default_factory=dict, description="Column → field; null: not read")
    defaults: Defaults = Field(default_factory=dict, description="What is the same in every row")


class MapView(MapBody):
    """A saved column map."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                _MAP_EXAMPLE | {"name": "tuesday-evening", "saved_at": "2026-11-22T09:30:00Z"}
            ]
        }
    )

    name: str
    saved_at: dt.datetime


class MapsView(BaseModel):
    data: list[MapView]
