"""What packs keep about people: which of their tables, and by which columns.

Frozen: a later change of a table is a later migration, never an edit here.
"""

import sqlalchemy as sa
from alembic import op

__all__: list[str] = []

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "personal_tables",
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("pack", sa.String(length=40), nullable=False),
        sa.Column("person", sa.String(length=63), server_default="", nullable=False),
        sa.Column("through", sa.String(length=80), server_default="", nullable=False),
        sa.Column("redacted", sa.JSON(), nullable=True),
        sa.Column("ages", sa.String(length=63), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_personal_tables")),
    )
