"""The tables that intake writes: the catalogue, API clients, actions."""

from sqlalchemy import (
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
)

from shared.privacy import Personal
from shared.tables.columns import METADATA, Id, Instant, Json, feed

_INTAKE = {"owner": "intake"}

pack_loads = Table(
    "pack_loads",
    METADATA,
    Column("version", Integer, primary_key=True, autoincrement=True),  # grows by one a load
    Column("pack", String(64), nullable=False),
    Column("digest", String(64), nullable=False),  # sha256 of all entries
    Column("changes", Json, nullable=False),  # [["case", "zhang-zhan", "changed"], …]
    Column("loaded_at", Instant, nullable=False),
    info=_INTAKE,
)

# Every version of every campaign, case, recipient and template, as shared/catalogue.py reads it.
catalogue_entries = Table(
    "catalogue_entries",
    METADATA,
    Column("type", String(16), primary_key=True),
    Column("key", String(160), primary_key=True),
    Column("version", Integer, primary_key=True),  # the load that brought it
    Column("pack", String(64), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("document", Json, nullable=False),
    Column("current", Boolean, nullable=False),  # false: replaced, or gone from its pack
    Index("ix_catalogue_entries_current", "current", "type"),
    info=_INTAKE,
)

api_clients = Table(
    "api_clients",
    METADATA,
    Column("id", Id, primary_key=True),
    Column("name", String(120), nullable=False),
    Column("mode", String(8), nullable=False),  # live, or test: planned and rendered, never sent
    Column("scopes", Json, nullable=False),  # ["actions:write", "actions:read", …]
    Column("key_start", String(16), nullable=False),  # to recognise a key without knowing it
    Column("key_hash", LargeBinary(32), nullable=False, unique=True),  # sha256 of the whole key
    Column("rate_per_s", Integer, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("revoked_at", Instant),
    info=_INTAKE,
)

idempotency_records = Table(
    "idempotency_records",
    METADATA,
    Column("client_id", Id, primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("body_hash", LargeBinary(32), nullable=False),
    Column("status", Integer, nullable=False),
    Column("answer", Json, nullable=False),
    Column("created_at", Instant, nullable=False),
    Index("ix_idempotency_records_created_at", "created_at"),
    info=_INTAKE,
)

actions = Table(
    "actions",
    METADATA,
    *feed("actions"),
    Column("id", Id, nullable=False, unique=True),
    Column("client_id", Id, nullable=False),
    Column("mode", String(8), nullable=False),
    Column("campaign", String(64), nullable=False),
    Column("case", String(64), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("channel", String(16), nullable=False),
    Column("language", String(16), nullable=False),
    Column("recipients", Json, nullable=False),  # slugs; holder and address wait for the sending
    Column("supporter_identity", LargeBinary(32), nullable=False),
    Column("supporter_name", Personal("actions.supporter_name")),
    Column("supporter_email", Personal("actions.supporter_email")),
    Column("supporter_country", String(2)),
    Column("words", Personal("actions.words")),
    Column("consent", Json, nullable=False),  # {"show_name", "show_country", "replies"}: booleans
    Column("source", String(120)),
    Column("reference", String(120)),  # the client's own name for it
    Column("occurred_at", Instant, nullable=False),
    Column("accepted_at", Instant, nullable=False),
    Column("erased_at", Instant),
    Index("ix_actions_reference", "reference", "client_id"),
    Index("ix_actions_client_feed", "client_id", "xact", "seq"),
    Index("ix_actions_supporter_identity", "supporter_identity"),
    info=_INTAKE,
)
