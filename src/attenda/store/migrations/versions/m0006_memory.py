"""Memory: facts about people, each with the message in which they told it.

Frozen: a later change of a table is a later migration, never an edit here.
"""

import sqlalchemy as sa
from alembic import op

__all__: list[str] = []

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "facts",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("owner_id", sa.String(length=40), nullable=False),
        sa.Column("pack", sa.String(length=80), server_default="", nullable=False),
        sa.Column("name", sa.String(length=80), server_default="", nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("message_id", sa.String(length=40), nullable=False),
        sa.Column("integrity", sa.String(length=12), server_default="untrusted", nullable=False),
        sa.Column("readers", sa.JSON(), server_default="[]", nullable=False),
        sa.Column("sources", sa.JSON(), server_default="[]", nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"], ["messages.id"], name=op.f("fk_facts_message_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_facts")),
    )
    op.create_index(op.f("ix_facts_message_id"), "facts", ["message_id"])
    op.create_index("ix_facts_owner_id_pack_name", "facts", ["owner_id", "pack", "name"])
