"""What decides what an agent does: its flows, or its model.

Frozen: a later change of a table is a later migration, never an edit here.
"""

import sqlalchemy as sa
from alembic import op

__all__: list[str] = []

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make the column."""
    column = sa.Column("mode", sa.String(length=12), server_default="flows", nullable=False)
    op.add_column("agents", column)
