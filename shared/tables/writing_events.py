"""The tables that intake writes of writing events: their files, and counts without names."""

from sqlalchemy import (
    Boolean,
    Column,
    Date,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from shared.privacy import Personal
from shared.tables.columns import METADATA, Id, Instant, Json, partial

_INTAKE = {"owner": "intake"}

# Files from writing events.
imports = Table(
    "imports",
    METADATA,
    Column("id", Id, primary_key=True),
    Column("client_id", Id, nullable=False),
    Column("mode", String(8), nullable=False),
    Column("file_name", Personal("imports.file_name")),
    Column("sha256", LargeBinary(32), nullable=False),
    Column("size", Integer, nullable=False),  # bytes
    Column("form", String(8), nullable=False),  # csv or xlsx
    Column("mapping", Json, nullable=False),  # columns → fields, encoding, separator
    Column("defaults", Json, nullable=False),  # fields that are the same in every row
    Column("state", String(12), nullable=False),
    Column("rows_wanted", String(8)),  # all or good; null: only looked at so far
    Column("rows", Integer),  # of the file, once it was checked
    Column("bad", Integer, nullable=False),
    Column("done", Integer, nullable=False),  # rows that are behind us, in order
    Column("accepted", Integer, nullable=False),
    Column("duplicates", Integer, nullable=False),
    Column("fault", Text),  # why it failed; never a person's words
    Column("created_at", Instant, nullable=False),
    Column("checked_at", Instant),
    Column("started_at", Instant),
    Column("ended_at", Instant),
    Index("ix_imports_sha256", "sha256", "client_id"),
    Index("ix_imports_client_id", "client_id", "created_at"),
    partial("ix_imports_open", "created_at", where="state IN ('checking', 'running')"),
    info=_INTAKE,
)

# The file itself, sealed, until all its rows are behind us.
import_parts = Table(
    "import_parts",
    METADATA,
    Column("import_id", Id, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("content", LargeBinary, nullable=False),
    info=_INTAKE,
)

import_faults = Table(
    "import_faults",
    METADATA,
    Column("import_id", Id, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("row", Integer, nullable=False),  # as a spreadsheet numbers them
    Column("column", String(200)),  # the file's own name for it
    Column("code", String(40), nullable=False),
    Column("detail", Text, nullable=False),
    info=_INTAKE,
)

# Who was erased while a file was open, by the handle by which the file's client knows them: their
# rows in it are not taken.  Gone with the file.
import_erasures = Table(
    "import_erasures",
    METADATA,
    Column("import_id", Id, primary_key=True),
    Column("supporter_ref", String(32), primary_key=True),
    Column("client_asked", Boolean, nullable=False),  # false: whoever runs Writ erased them
    info=_INTAKE,
)

import_maps = Table(
    "import_maps",
    METADATA,
    Column("client_id", Id, primary_key=True),
    Column("name", String(64), primary_key=True),
    Column("mapping", Json, nullable=False),
    Column("defaults", Json, nullable=False),
    Column("saved_at", Instant, nullable=False),
    info=_INTAKE,
)

# Numbers that organisers report, without names: never mixed with actions that are proven.
reported_counts = Table(
    "reported_counts",
    METADATA,
    Column("id", Id, primary_key=True),
    Column("client_id", Id, nullable=False),
    Column("mode", String(8), nullable=False),
    Column("campaign", String(64), nullable=False),
    Column("case", String(64), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("channel", String(16), nullable=False),
    Column("number", Integer, nullable=False),
    Column("organiser", Personal("reported_counts.organiser")),
    Column("event_on", Date, nullable=False),
    Column("reference", String(120)),
    Column("evidence_type", String(32)),  # a media type; null: no picture
    Column("evidence", LargeBinary),  # sealed
    Column("reported_at", Instant, nullable=False),
    Column("withdrawn_at", Instant),
    UniqueConstraint("client_id", "reference"),
    Index("ix_reported_counts_case", "case", "channel"),
    info=_INTAKE,
)
