"""Which of its pack's flows and tools an agent has; nothing means all.

Frozen: a later change of a table is a later migration, never an edit here.
"""

import sqlalchemy as sa
from alembic import op

__all__: list[str] = []

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Make the columns."""
    op.add_column("agents", sa.Column("flows", sa.JSON(), nullable=True))
    op.add_column("agents", sa.Column("tools", sa.JSON(), nullable=True))
