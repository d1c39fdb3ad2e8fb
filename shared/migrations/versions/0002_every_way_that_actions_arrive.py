"""Every way that actions arrive.

Keys move from `api_clients` to `api_keys` at once, and not in two releases: none was made yet.
"""

import sqlalchemy as sa
from alembic import op

from shared.tables import columns

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("key_start", sa.String(length=16), nullable=False),
        sa.Column("key_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("created_at", columns.Instant(), nullable=False),
        sa.Column("expires_at", columns.Instant(), nullable=True),
        sa.Column("revoked_at", columns.Instant(), nullable=True),
        sa.Column("last_used_at", columns.Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("key_hash", name=op.f("uq_api_keys_key_hash")),
        info={"owner": "intake"},
    )
    op.create_index("ix_api_keys_client_id", "api_keys", ["client_id"], unique=False)
    op.create_table(
        "audit_log",
        sa.Column("seq", columns.Counter, autoincrement=True, nullable=False),
        sa.Column("at", columns.Instant(), nullable=False),
        sa.Column("actor", sa.String(length=120), nullable=False),
        sa.Column("act", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=160), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("details", columns.Json, nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit_log")),
        info={"owner": "intake"},
    )
    op.create_index("ix_audit_log_subject", "audit_log", ["subject"], unique=False)
    op.create_table(
        "clearances",
        sa.Column("seq", columns.Counter, autoincrement=True, nullable=False),
        sa.Column(
            "xact", sa.BigInteger(), server_default=columns.transaction_number(), nullable=False
        ),
        sa.Column("action_id", sa.Uuid(), nullable=False),
        sa.Column("cleared_at", columns.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_clearances")),
        info={"owner": "intake"},
    )
    op.create_index("ix_clearances_feed", "clearances", ["xact", "seq"], unique=False)
    op.create_table(
        "client_usage",
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("limit", sa.String(length=16), nullable=False),
        sa.Column("window", columns.Counter, nullable=False),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("client_id", "limit", "window", name=op.f("pk_client_usage")),
        info={"owner": "intake"},
    )
    op.create_index("ix_client_usage_window", "client_usage", ["window"], unique=False)
    op.create_table(
        "erasures",
        sa.Column("seq", columns.Counter, autoincrement=True, nullable=False),
        sa.Column(
            "xact", sa.BigInteger(), server_default=columns.transaction_number(), nullable=False
        ),
        sa.Column("action_id", sa.Uuid(), nullable=False),
        sa.Column("erased_at", columns.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_erasures")),
        sa.UniqueConstraint("action_id", name=op.f("uq_erasures_action_id")),
        info={"owner": "intake"},
    )
    op.create_index("ix_erasures_feed", "erasures", ["xact", "seq"], unique=False)
    op.create_table(
        "import_faults",
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("column", sa.String(length=200), nullable=True),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("import_id", "number", name=op.f("pk_import_faults")),
        info={"owner": "intake"},
    )
    op.create_table(
        "import_maps",
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("mapping", columns.Json, nullable=False),
        sa.Column("defaults", columns.Json, nullable=False),
        sa.Column("saved_at", columns.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("client_id", "name", name=op.f("pk_import_maps")),
        info={"owner": "intake"},
    )
    op.create_table(
        "import_parts",
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("import_id", "number", name=op.f("pk_import_parts")),
        info={"owner": "intake"},
    )
    op.create_table(
        "imports",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(length=8), nullable=False),
        sa.Column("file_name", sa.LargeBinary(), nullable=True),
        sa.Column("sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("form", sa.String(length=8), nullable=False),
        sa.Column("mapping", columns.Json, nullable=False),
        sa.Column("defaults", columns.Json, nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("rows_wanted", sa.String(length=8), nullable=True),
        sa.Column("rows", sa.Integer(), nullable=True),
        sa.Column("bad", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("accepted", sa.Integer(), nullable=False),
        sa.Column("duplicates", sa.Integer(), nullable=False),
        sa.Column("fault", sa.Text(), nullable=True),
        sa.Column("created_at", columns.Instant(), nullable=False),
        sa.Column("checked_at", columns.Instant(), nullable=True),
        sa.Column("started_at", columns.Instant(), nullable=True),
        sa.Column("ended_at", columns.Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imports")),
        info={"owner": "intake"},
    )
    op.create_index("ix_imports_client_id", "imports", ["client_id", "created_at"], unique=False)
    op.create_index(
        "ix_imports_open",
        "imports",
        ["created_at"],
        unique=False,
        postgresql_where=sa.text("state IN ('checking', 'running')"),
        sqlite_where=sa.text("state IN ('checking', 'running')"),
    )
    op.create_index("ix_imports_sha256", "imports", ["sha256", "client_id"], unique=False)
    op.create_table(
        "notices",
        sa.Column("seq", columns.Counter, autoincrement=True, nullable=False),
        sa.Column(
            "xact", sa.BigInteger(), server_default=columns.transaction_number(), nullable=False
        ),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("action_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("link", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", columns.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_notices")),
        sa.UniqueConstraint("id", name=op.f("uq_notices_id")),
        info={"owner": "intake"},
    )
    op.create_index("ix_notices_feed", "notices", ["xact", "seq"], unique=False)
    op.create_index("uq_notices_action", "notices", ["action_id", "kind"], unique=True)
    op.create_table(
        "reported_counts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(length=8), nullable=False),
        sa.Column("campaign", sa.String(length=64), nullable=False),
        sa.Column("case", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("organiser", sa.LargeBinary(), nullable=True),
        sa.Column("event_on", sa.Date(), nullable=False),
        sa.Column("reference", sa.String(length=120), nullable=True),
        sa.Column("evidence_type", sa.String(length=32), nullable=True),
        sa.Column("evidence", sa.LargeBinary(), nullable=True),
        sa.Column("reported_at", columns.Instant(), nullable=False),
        sa.Column("withdrawn_at", columns.Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reported_counts")),
        sa.UniqueConstraint(
            "client_id", "reference", name=op.f("uq_reported_counts_client_id_reference")
        ),
        info={"owner": "intake"},
    )
    op.create_index("ix_reported_counts_case", "reported_counts", ["case", "channel"], unique=False)
    op.create_table(
        "tracking_cursors",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("xact", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_tracking_cursors")),
        info={"owner": "tracking"},
    )
    op.create_table(
        "word_prints",
        sa.Column("action_id", sa.Uuid(), nullable=False),
        sa.Column("band", sa.SmallInteger(), nullable=False),
        sa.Column("case", sa.String(length=64), nullable=False),
        sa.Column("value", sa.Integer(), nullable=False),
        sa.Column("print", columns.Counter, nullable=False),
        sa.Column("at", columns.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("action_id", "band", name=op.f("pk_word_prints")),
        info={"owner": "intake"},
    )
    op.create_index("ix_word_prints_at", "word_prints", ["at"], unique=False)
    op.create_index(
        "ix_word_prints_look", "word_prints", ["case", "band", "value", "at"], unique=False
    )
    op.add_column(
        "actions",
        sa.Column("standing", sa.String(length=12), nullable=False, server_default="clear"),
    )
    op.add_column("actions", sa.Column("held_for", columns.Json, nullable=True))
    op.add_column("actions", sa.Column("duplicate_key", sa.LargeBinary(length=32), nullable=True))
    op.add_column("actions", sa.Column("duplicate_of", sa.Uuid(), nullable=True))
    op.add_column(
        "actions",
        sa.Column("supporter_ref", sa.String(length=32), nullable=False, server_default=""),
    )
    op.add_column("actions", sa.Column("confirmed_at", columns.Instant(), nullable=True))
    op.add_column("actions", sa.Column("import_id", sa.Uuid(), nullable=True))
    op.add_column("actions", sa.Column("import_row", sa.Integer(), nullable=True))
    op.drop_index("ix_actions_supporter_identity", table_name="actions")
    op.create_index(
        "ix_actions_supporter_identity", "actions", ["supporter_identity", "accepted_at"]
    )
    op.create_index(
        "ix_actions_duplicate",
        "actions",
        ["duplicate_key"],
        unique=False,
        postgresql_where=sa.text("standing = 'duplicate'"),
        sqlite_where=sa.text("standing = 'duplicate'"),
    )
    op.create_index(
        "ix_actions_held",
        "actions",
        ["id"],
        unique=False,
        postgresql_where=sa.text("standing = 'held'"),
        sqlite_where=sa.text("standing = 'held'"),
    )
    op.create_index(
        "ix_actions_supporter_ref", "actions", ["supporter_ref", "client_id"], unique=False
    )
    op.create_index(
        "ix_actions_unconfirmed",
        "actions",
        ["accepted_at"],
        unique=False,
        postgresql_where=sa.text("standing = 'unconfirmed'"),
        sqlite_where=sa.text("standing = 'unconfirmed'"),
    )
    op.create_index(
        "uq_actions_first",
        "actions",
        ["duplicate_key"],
        unique=True,
        postgresql_where=sa.text("standing IN ('clear', 'counted', 'held')"),
        sqlite_where=sa.text("standing IN ('clear', 'counted', 'held')"),
    )
    op.create_index(
        "uq_actions_import",
        "actions",
        ["import_id", "import_row"],
        unique=True,
        postgresql_where=sa.text("import_id IS NOT NULL"),
        sqlite_where=sa.text("import_id IS NOT NULL"),
    )
    op.add_column("api_clients", sa.Column("campaigns", columns.Json, nullable=True))
    op.add_column(
        "api_clients",
        sa.Column("daily_actions", sa.Integer(), nullable=False, server_default="0"),
    )
    _move_keys()
    op.create_index(
        "uq_deliveries_open_petition",
        "deliveries",
        ["campaign", "case", "recipient", "mode"],
        unique=True,
        postgresql_where=sa.text("carrier = 'petition' AND state = 'due'"),
        sqlite_where=sa.text("carrier = 'petition' AND state = 'due'"),
    )
    with op.batch_alter_table("receipts") as receipts:
        receipts.alter_column("body", existing_type=sa.LargeBinary(), nullable=True)
        receipts.add_column(sa.Column("delivery_id", sa.Uuid(), nullable=True))
        receipts.create_index("ix_receipts_delivery_id", ["delivery_id"])
    op.execute(
        "UPDATE receipts SET delivery_id = (SELECT min(CAST(events.delivery_id AS TEXT))"
        " FROM events WHERE events.receipt_id = receipts.id)"
        if op.get_bind().dialect.name == "sqlite"
        else "UPDATE receipts SET delivery_id = events.delivery_id"
        " FROM events WHERE events.receipt_id = receipts.id"
    )


def _move_keys() -> None:
    """Each client had one key, with an id of its own from now on: the client's."""
    op.execute(
        "INSERT INTO api_keys (id, client_id, key_start, key_hash, created_at, revoked_at)"
        " SELECT id, id, key_start, key_hash, created_at, revoked_at FROM api_clients"
    )
    with op.batch_alter_table("api_clients") as clients:
        clients.drop_constraint("uq_api_clients_key_hash", type_="unique")
        clients.drop_column("key_start")
        clients.drop_column("key_hash")
    # Scopes have the words of the guide now.
    words = {
        "actions:write": "submit",
        "actions:read": "read",
        "deliveries:read": "read",
        "tally:read": "read",
    }
    for old, new in words.items():
        op.execute(
            "UPDATE api_clients SET scopes ="
            f" CAST(replace(CAST(scopes AS TEXT), '\"{old}\"', '\"{new}\"') AS {_json()})"
        )


def _json() -> str:
    return "JSONB" if op.get_bind().dialect.name == "postgresql" else "TEXT"
