"""Channels, their visitors and visits, ratings; the name that a client gives a message.

Frozen: a later change of a table is a later migration, never an edit here.
"""

import sqlalchemy as sa
from alembic import op

__all__: list[str] = []

revision = "0013"
down_revision = "0012"

_ID = sa.String(length=40)


def upgrade() -> None:
    """Make the tables and the column."""
    op.add_column("messages", sa.Column("client_id", sa.String(length=64), nullable=True))
    op.create_index(
        "ix_messages_session_id_client_id", "messages", ["session_id", "client_id"], unique=True
    )
    _channels()
    _visitors()
    _visits()
    op.create_table(
        "ratings",
        sa.Column("session_id", _ID, nullable=False),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("comment", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        _points_to("ratings", "session_id", "sessions"),
        sa.PrimaryKeyConstraint("session_id", name=op.f("pk_ratings")),
    )


def _points_to(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}")
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=name, ondelete="CASCADE")


def _channels() -> None:
    op.create_table(
        "channels",
        sa.Column("id", _ID, nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("agent_id", _ID, nullable=False),
        sa.Column("collection_ids", sa.JSON(), nullable=False),
        sa.Column("origins", sa.JSON(), nullable=False),
        sa.Column("languages", sa.JSON(), nullable=False),
        sa.Column("colour", sa.String(length=12), server_default="teal", nullable=False),
        sa.Column("mailbox", sa.String(length=80), server_default="", nullable=False),
        sa.Column("tokens_a_day", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.Column("owner_id", _ID, nullable=False),
        sa.Column("team_id", _ID, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_channels")),
    )
    op.create_index(op.f("ix_channels_owner_id"), "channels", ["owner_id"])
    op.create_index(op.f("ix_channels_team_id"), "channels", ["team_id"])


def _visitors() -> None:
    op.create_table(
        "visitors",
        sa.Column("id", _ID, nullable=False),
        sa.Column("channel_id", _ID, nullable=False),
        sa.Column("customer", sa.String(length=200), nullable=True),
        sa.Column("name", sa.String(length=120), server_default="", nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        _points_to("visitors", "channel_id", "channels"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visitors")),
        sa.UniqueConstraint("channel_id", "customer", name=op.f("uq_visitors_channel_id_customer")),
    )
    op.create_index(op.f("ix_visitors_channel_id"), "visitors", ["channel_id"])


def _visits() -> None:
    op.create_table(
        "visits",
        sa.Column("id", _ID, nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("visitor_id", _ID, nullable=False),
        sa.Column("session_id", _ID, nullable=False),
        sa.Column("language", sa.String(length=10), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        _points_to("visits", "visitor_id", "visitors"),
        _points_to("visits", "session_id", "sessions"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visits")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_visits_token_hash")),
    )
    op.create_index(op.f("ix_visits_visitor_id"), "visits", ["visitor_id"])
    op.create_index(op.f("ix_visits_session_id"), "visits", ["session_id"])
