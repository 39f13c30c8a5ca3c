"""Hours of the desk, and what was promised to who came outside them.

Frozen: a later change of a table is a later migration, never an edit here.
"""

import sqlalchemy as sa
from alembic import op

__all__: list[str] = []

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Make the table and the column."""
    op.create_table(
        "desk_hours",
        sa.Column("pack", sa.String(length=80), nullable=False),
        sa.Column("zone", sa.String(length=64), nullable=False),
        sa.Column("week", sa.JSON(), nullable=False),
        sa.Column("holidays", sa.JSON(), nullable=False),
        sa.Column("changed_by", sa.String(length=40), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("pack", name=op.f("pk_desk_hours")),
    )
    op.add_column("sessions", sa.Column("promised_at", sa.BigInteger(), nullable=True))
