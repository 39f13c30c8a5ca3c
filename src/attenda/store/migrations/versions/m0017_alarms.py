"""Alarms: what was said to people, or to nobody yet, where somebody may be in danger.

Frozen: a later change of a table is a later migration, never an edit here.
"""

import sqlalchemy as sa
from alembic import op

__all__: list[str] = []

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Make the table and the column."""
    op.create_table(
        "alarms",
        sa.Column("message_id", sa.String(length=40), nullable=False),
        sa.Column("session_id", sa.String(length=40), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("raised_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["message_id"], ["messages.id"], name=op.f("fk_alarms_message_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], name=op.f("fk_alarms_session_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_alarms")),
    )
    op.create_index(op.f("ix_alarms_session_id"), "alarms", ["session_id"])
    op.add_column("notices", sa.Column("alarm", sa.Boolean(), server_default="0", nullable=False))
