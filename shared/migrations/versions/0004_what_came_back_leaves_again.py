"""What came back leaves again: a delivery says in whose place it leaves, and the other where to."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("deliveries", sa.Column("again_of", sa.Uuid(), nullable=True))
    op.add_column("deliveries", sa.Column("moved_to", sa.Uuid(), nullable=True))
    op.create_index(
        "uq_deliveries_again_of",
        "deliveries",
        ["again_of"],
        unique=True,
        postgresql_where=sa.text("again_of IS NOT NULL"),
        sqlite_where=sa.text("again_of IS NOT NULL"),
    )
    op.create_index(
        "ix_deliveries_moved_to",
        "deliveries",
        ["moved_to"],
        unique=False,
        postgresql_where=sa.text("moved_to IS NOT NULL"),
        sqlite_where=sa.text("moved_to IS NOT NULL"),
    )
