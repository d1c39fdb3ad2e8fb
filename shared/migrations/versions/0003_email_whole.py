"""Email, whole: paces, lanes, stops, digests, replies."""

import sqlalchemy as sa
from alembic import op

from shared.tables import columns

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    # Intake: who was erased while a file was open.
    op.create_table(
        "import_erasures",
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("supporter_ref", sa.String(length=32), nullable=False),
        sa.Column("client_asked", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("import_id", "supporter_ref", name=op.f("pk_import_erasures")),
        info={"owner": "intake"},
    )
    op.create_table(
        "lanes",
        sa.Column("provider", sa.String(length=32), nullable=False),
        sa.Column("rate_per_s", sa.Float(), nullable=True),
        sa.Column("quota_per_s", sa.Float(), nullable=True),
        sa.Column("quota_24h", sa.BigInteger(), nullable=True),
        sa.Column("sent_24h", sa.BigInteger(), nullable=True),
        sa.Column("asked_at", columns.Instant(), nullable=True),
        sa.Column("free_at", columns.Instant(), nullable=True),
        sa.Column("throttled_at", columns.Instant(), nullable=True),
        sa.Column("held_until", columns.Instant(), nullable=True),
        sa.Column("held_why", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("provider", name=op.f("pk_lanes")),
        info={"owner": "dispatch"},
    )
    op.create_table(
        "paces",
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("domain", sa.String(length=253), nullable=False),
        sa.Column("free_at", columns.Instant(), nullable=False),
        sa.Column("planned_until", columns.Instant(), nullable=True),
        sa.Column("digest_on", sa.Date(), nullable=True),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.Column("refused_at", columns.Instant(), nullable=True),
        sa.Column("stopped_at", columns.Instant(), nullable=True),
        sa.Column("stopped_until", columns.Instant(), nullable=True),
        sa.Column("stopped_why", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_paces")),
        info={"owner": "dispatch"},
    )
    op.create_index(
        "ix_paces_stopped",
        "paces",
        ["stopped_at"],
        unique=False,
        postgresql_where=sa.text("stopped_at IS NOT NULL"),
        sqlite_where=sa.text("stopped_at IS NOT NULL"),
    )
    op.create_table(
        "replies",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("source_id", sa.String(length=200), nullable=False),
        sa.Column("delivery_id", sa.Uuid(), nullable=True),
        sa.Column("matched_by", sa.String(length=24), nullable=True),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("sender", sa.LargeBinary(), nullable=True),
        sa.Column("subject", sa.LargeBinary(), nullable=True),
        sa.Column("text", sa.LargeBinary(), nullable=True),
        sa.Column("message", sa.LargeBinary(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("received_at", columns.Instant(), nullable=False),
        sa.Column("forwarded_at", columns.Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_replies")),
        info={"owner": "tracking"},
    )
    op.create_index("ix_replies_delivery_id", "replies", ["delivery_id"], unique=False)
    op.create_index(
        "ix_replies_unmatched",
        "replies",
        ["received_at"],
        unique=False,
        postgresql_where=sa.text("delivery_id IS NULL"),
        sqlite_where=sa.text("delivery_id IS NULL"),
    )
    op.create_index(
        "ix_replies_kept",
        "replies",
        ["received_at"],
        unique=False,
        postgresql_where=sa.text("text IS NOT NULL"),
        sqlite_where=sa.text("text IS NOT NULL"),
    )
    op.create_index("uq_replies_source", "replies", ["source", "source_id"], unique=True)
    op.create_table(
        "stops",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("why", sa.String(length=32), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("delivery_id", sa.Uuid(), nullable=True),
        sa.Column("stopped_at", columns.Instant(), nullable=False),
        sa.Column("stopped_by", sa.String(length=120), nullable=False),
        sa.Column("mirrored_at", columns.Instant(), nullable=True),
        sa.Column("lifted_at", columns.Instant(), nullable=True),
        sa.Column("lifted_by", sa.String(length=120), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stops")),
        info={"owner": "dispatch"},
    )
    op.create_index(
        "uq_stops_key",
        "stops",
        ["key"],
        unique=True,
        postgresql_where=sa.text("lifted_at IS NULL"),
        sqlite_where=sa.text("lifted_at IS NULL"),
    )
    op.add_column("deliveries", sa.Column("mailbox", sa.String(length=40), nullable=True))
    op.add_column("deliveries", sa.Column("closed_at", columns.Instant(), nullable=True))
    op.create_index(
        "ix_deliveries_mailbox",
        "deliveries",
        ["mailbox", "next_attempt_at"],
        unique=False,
        postgresql_where=sa.text("state = 'due' AND mailbox IS NOT NULL"),
        sqlite_where=sa.text("state = 'due' AND mailbox IS NOT NULL"),
    )
    op.create_index(
        "uq_deliveries_open_digest",
        "deliveries",
        ["campaign", "case", "recipient", "mode"],
        unique=True,
        postgresql_where=sa.text("carrier = 'digest' AND state = 'due' AND closed_at IS NULL"),
        sqlite_where=sa.text("carrier = 'digest' AND state = 'due' AND closed_at IS NULL"),
    )
    op.add_column("events", sa.Column("status", sa.String(length=16), nullable=True))
