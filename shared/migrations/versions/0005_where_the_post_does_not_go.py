"""Where the post does not go, or not without a person's word; and when a person gave it."""

import sqlalchemy as sa
from alembic import op

from shared.tables import columns

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "route_limits",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("region", sa.String(length=3), nullable=True),
        sa.Column("vendor", sa.String(length=32), nullable=True),
        sa.Column("product", sa.String(length=16), nullable=True),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("starts", sa.Date(), nullable=False),
        sa.Column("ends", sa.Date(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("noted_by", sa.String(length=120), nullable=False),
        sa.Column("noted_at", columns.Instant(), nullable=False),
        sa.Column("dropped_at", columns.Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_route_limits")),
    )
    op.add_column("deliveries", sa.Column("released_at", columns.Instant(), nullable=True))
