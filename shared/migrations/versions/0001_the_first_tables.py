"""The first tables."""

import sqlalchemy as sa
from alembic import op

from shared.tables import columns

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "actions",
        sa.Column("seq", columns.Counter, autoincrement=True, nullable=False),
        sa.Column(
            "xact", sa.BigInteger(), server_default=columns.transaction_number(), nullable=False
        ),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(length=8), nullable=False),
        sa.Column("campaign", sa.String(length=64), nullable=False),
        sa.Column("case", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("language", sa.String(length=16), nullable=False),
        sa.Column("recipients", columns.Json, nullable=False),
        sa.Column("supporter_identity", sa.LargeBinary(length=32), nullable=False),
        sa.Column("supporter_name", sa.LargeBinary(), nullable=True),
        sa.Column("supporter_email", sa.LargeBinary(), nullable=True),
        sa.Column("supporter_country", sa.String(length=2), nullable=True),
        sa.Column("words", sa.LargeBinary(), nullable=True),
        sa.Column("consent", columns.Json, nullable=False),
        sa.Column("source", sa.String(length=120), nullable=True),
        sa.Column("reference", sa.String(length=120), nullable=True),
        sa.Column("occurred_at", columns.Instant(), nullable=False),
        sa.Column("accepted_at", columns.Instant(), nullable=False),
        sa.Column("erased_at", columns.Instant(), nullable=True),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_actions")),
        sa.UniqueConstraint("id", name=op.f("uq_actions_id")),
        info={"owner": "intake"},
    )
    op.create_index("ix_actions_client_feed", "actions", ["client_id", "xact", "seq"], unique=False)
    op.create_index("ix_actions_reference", "actions", ["reference", "client_id"], unique=False)
    op.create_index("ix_actions_feed", "actions", ["xact", "seq"], unique=False)
    op.create_index(
        "ix_actions_supporter_identity", "actions", ["supporter_identity"], unique=False
    )
    op.create_table(
        "api_clients",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("mode", sa.String(length=8), nullable=False),
        sa.Column("scopes", columns.Json, nullable=False),
        sa.Column("key_start", sa.String(length=16), nullable=False),
        sa.Column("key_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("rate_per_s", sa.Integer(), nullable=False),
        sa.Column("created_at", columns.Instant(), nullable=False),
        sa.Column("revoked_at", columns.Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_clients")),
        sa.UniqueConstraint("key_hash", name=op.f("uq_api_clients_key_hash")),
        info={"owner": "intake"},
    )
    op.create_table(
        "attempts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("provider", sa.String(length=32), nullable=False),
        sa.Column("provider_id", sa.String(length=160), nullable=True),
        sa.Column("idempotency_key", sa.String(length=64), nullable=False),
        sa.Column("holder", sa.String(length=200), nullable=True),
        sa.Column("address", sa.LargeBinary(), nullable=True),
        sa.Column("document", sa.String(length=200), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("started_at", columns.Instant(), nullable=False),
        sa.Column("ended_at", columns.Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempts")),
        info={"owner": "dispatch"},
    )
    op.create_index("ix_attempts_delivery_id", "attempts", ["delivery_id", "number"], unique=True)
    op.create_index(
        "ix_attempts_unknown",
        "attempts",
        ["started_at"],
        unique=False,
        postgresql_where=sa.text("state = 'unknown'"),
        sqlite_where=sa.text("state = 'unknown'"),
    )
    op.create_table(
        "carriages",
        sa.Column("action_id", sa.Uuid(), nullable=False),
        sa.Column("recipient", sa.String(length=64), nullable=False),
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("action_id", "recipient", name=op.f("pk_carriages")),
        info={"owner": "dispatch"},
    )
    op.create_index("ix_carriages_delivery_id", "carriages", ["delivery_id"], unique=False)
    op.create_table(
        "catalogue_entries",
        sa.Column("type", sa.String(length=16), nullable=False),
        sa.Column("key", sa.String(length=160), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("pack", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("document", columns.Json, nullable=False),
        sa.Column("current", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("type", "key", "version", name=op.f("pk_catalogue_entries")),
        info={"owner": "intake"},
    )
    op.create_index(
        "ix_catalogue_entries_current", "catalogue_entries", ["current", "type"], unique=False
    )
    op.create_table(
        "commands",
        sa.Column("seq", columns.Counter, autoincrement=True, nullable=False),
        sa.Column(
            "xact", sa.BigInteger(), server_default=columns.transaction_number(), nullable=False
        ),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("verb", sa.String(length=32), nullable=False),
        sa.Column("delivery_id", sa.Uuid(), nullable=True),
        sa.Column("attempt_id", sa.Uuid(), nullable=True),
        sa.Column("arguments", columns.Json, nullable=False),
        sa.Column("given_by", sa.String(length=120), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("given_at", columns.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_commands")),
        sa.UniqueConstraint("id", name=op.f("uq_commands_id")),
        info={"owner": "tracking"},
    )
    op.create_index("ix_commands_feed", "commands", ["xact", "seq"], unique=False)
    op.create_table(
        "cursors",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("xact", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_cursors")),
        info={"owner": "dispatch"},
    )
    op.create_table(
        "deliveries",
        sa.Column("seq", columns.Counter, autoincrement=True, nullable=False),
        sa.Column(
            "xact", sa.BigInteger(), server_default=columns.transaction_number(), nullable=False
        ),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("carrier", sa.String(length=16), nullable=False),
        sa.Column("mode", sa.String(length=8), nullable=False),
        sa.Column("campaign", sa.String(length=64), nullable=False),
        sa.Column("case", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("language", sa.String(length=16), nullable=False),
        sa.Column("recipient", sa.String(length=64), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("held_reason", sa.Text(), nullable=True),
        sa.Column("next_attempt_at", columns.Instant(), nullable=False),
        sa.Column("woken_at", columns.Instant(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("claimed_at", columns.Instant(), nullable=True),
        sa.Column("provider", sa.String(length=32), nullable=True),
        sa.Column("provider_id", sa.String(length=160), nullable=True),
        sa.Column("planned_at", columns.Instant(), nullable=False),
        sa.Column("handed_over_at", columns.Instant(), nullable=True),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_deliveries")),
        sa.UniqueConstraint("id", name=op.f("uq_deliveries_id")),
        info={"owner": "dispatch"},
    )
    op.create_index(
        "ix_deliveries_case_channel", "deliveries", ["case", "channel", "state"], unique=False
    )
    op.create_index(
        "ix_deliveries_due",
        "deliveries",
        ["channel", "next_attempt_at"],
        unique=False,
        postgresql_where=sa.text("state = 'due' AND held_reason IS NULL AND woken_at IS NULL"),
        sqlite_where=sa.text("state = 'due' AND held_reason IS NULL AND woken_at IS NULL"),
    )
    op.create_index("ix_deliveries_feed", "deliveries", ["xact", "seq"], unique=False)
    op.create_index(
        "ix_deliveries_held",
        "deliveries",
        ["id"],
        unique=False,
        postgresql_where=sa.text("state = 'due' AND held_reason IS NOT NULL"),
        sqlite_where=sa.text("state = 'due' AND held_reason IS NOT NULL"),
    )
    op.create_index(
        "ix_deliveries_provider_id",
        "deliveries",
        ["provider_id"],
        unique=False,
        postgresql_where=sa.text("provider_id IS NOT NULL"),
        sqlite_where=sa.text("provider_id IS NOT NULL"),
    )
    op.create_index(
        "ix_deliveries_sending",
        "deliveries",
        ["claimed_at"],
        unique=False,
        postgresql_where=sa.text("state = 'sending'"),
        sqlite_where=sa.text("state = 'sending'"),
    )
    op.create_index(
        "ix_deliveries_unknown",
        "deliveries",
        ["next_attempt_at"],
        unique=False,
        postgresql_where=sa.text("state = 'unknown'"),
        sqlite_where=sa.text("state = 'unknown'"),
    )
    op.create_index(
        "ix_deliveries_woken",
        "deliveries",
        ["channel", "woken_at"],
        unique=False,
        postgresql_where=sa.text("state = 'due' AND held_reason IS NULL AND woken_at IS NOT NULL"),
        sqlite_where=sa.text("state = 'due' AND held_reason IS NULL AND woken_at IS NOT NULL"),
    )
    op.create_table(
        "events",
        sa.Column("seq", columns.Counter, autoincrement=True, nullable=False),
        sa.Column(
            "xact", sa.BigInteger(), server_default=columns.transaction_number(), nullable=False
        ),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        sa.Column("word", sa.String(length=24), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("provider_id", sa.String(length=160), nullable=True),
        sa.Column("occurred_at", columns.Instant(), nullable=False),
        sa.Column("received_at", columns.Instant(), nullable=False),
        sa.Column("receipt_id", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_events")),
        sa.UniqueConstraint("id", name=op.f("uq_events_id")),
        info={"owner": "tracking"},
    )
    op.create_index("ix_events_delivery_id", "events", ["delivery_id", "occurred_at"], unique=False)
    op.create_index("ix_events_feed", "events", ["xact", "seq"], unique=False)
    op.create_index("ix_events_word_occurred_at", "events", ["word", "occurred_at"], unique=False)
    op.create_table(
        "idempotency_records",
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("body_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("answer", columns.Json, nullable=False),
        sa.Column("created_at", columns.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("client_id", "key", name=op.f("pk_idempotency_records")),
        info={"owner": "intake"},
    )
    op.create_index(
        "ix_idempotency_records_created_at", "idempotency_records", ["created_at"], unique=False
    )
    op.create_table(
        "obeyed_commands",
        sa.Column("command_id", sa.Uuid(), nullable=False),
        sa.Column("effect", sa.Text(), nullable=False),
        sa.Column("obeyed_at", columns.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("command_id", name=op.f("pk_obeyed_commands")),
        info={"owner": "dispatch"},
    )
    op.create_table(
        "outcomes",
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=True),
        sa.Column("since", columns.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("delivery_id", name=op.f("pk_outcomes")),
        info={"owner": "tracking"},
    )
    op.create_index("ix_outcomes_state", "outcomes", ["state"], unique=False)
    op.create_table(
        "pack_loads",
        sa.Column("version", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("pack", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("changes", columns.Json, nullable=False),
        sa.Column("loaded_at", columns.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_pack_loads")),
        info={"owner": "intake"},
    )
    op.create_table(
        "print_orders",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        sa.Column("vendor", sa.String(length=32), nullable=False),
        sa.Column("vendor_order_id", sa.String(length=160), nullable=False),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.Column("price_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=True),
        sa.Column("ordered_at", columns.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_print_orders")),
        sa.UniqueConstraint("delivery_id", name=op.f("uq_print_orders_delivery_id")),
        info={"owner": "dispatch"},
    )
    op.create_table(
        "receipts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("source_id", sa.String(length=160), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", columns.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receipts")),
        info={"owner": "tracking"},
    )
    op.create_index("uq_receipts_source", "receipts", ["source", "source_id"], unique=True)
