"""E-mail: how far mailboxes were read, what came, threads, and what goes out.

Frozen: a later change of a table is a later migration, never an edit here.
"""

import sqlalchemy as sa
from alembic import op

__all__: list[str] = []

revision = "0014"
down_revision = "0013"

_ID = sa.String(length=40)
_ADDRESS = sa.String(length=254)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "mail_positions",
        sa.Column("reader", _ID, nullable=False),
        sa.Column("uidvalidity", sa.BigInteger(), nullable=False),
        sa.Column("uid", sa.BigInteger(), nullable=False),
        sa.Column("began_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("reader", name=op.f("pk_mail_positions")),
    )
    _mails()
    _threads()
    _outbox()
    for table, column in (
        ("mails", "channel_id"),
        ("mails", "state"),
        ("mails", "session_id"),
        ("mail_threads", "channel_id"),
        ("mail_threads", "address"),
        ("outbox", "channel_id"),
        ("outbox", "session_id"),
        ("outbox", "state"),
    ):
        op.create_index(op.f(f"ix_{table}_{column}"), table, [column])


def _points_to(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}")
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=name, ondelete="CASCADE")


def _mails() -> None:
    op.create_table(
        "mails",
        sa.Column("id", _ID, nullable=False),
        sa.Column("channel_id", _ID, nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("session_id", _ID, nullable=True),
        sa.Column("sender", _ADDRESS, nullable=False),
        sa.Column("body", sa.JSON(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        _points_to("mails", "channel_id", "channels"),
        _points_to("mails", "session_id", "sessions"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mails")),
        sa.UniqueConstraint("channel_id", "key", name=op.f("uq_mails_channel_id_key")),
    )


def _threads() -> None:
    op.create_table(
        "mail_threads",
        sa.Column("session_id", _ID, nullable=False),
        sa.Column("channel_id", _ID, nullable=False),
        sa.Column("address", _ADDRESS, nullable=False),
        sa.Column("name", sa.String(length=120), server_default="", nullable=False),
        sa.Column("subject", sa.String(length=300), server_default="", nullable=False),
        sa.Column("last_id", sa.Text(), server_default="", nullable=False),
        sa.Column("untaken", sa.JSON(), nullable=False),
        _points_to("mail_threads", "session_id", "sessions"),
        _points_to("mail_threads", "channel_id", "channels"),
        sa.PrimaryKeyConstraint("session_id", name=op.f("pk_mail_threads")),
    )


def _outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", _ID, nullable=False),
        sa.Column("channel_id", _ID, nullable=False),
        sa.Column("session_id", _ID, nullable=False),
        sa.Column("message_id", _ID, nullable=False),
        sa.Column("address", _ADDRESS, nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("raw", sa.Text(), nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("problem", sa.Text(), server_default="", nullable=False),
        sa.Column("not_before", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        _points_to("outbox", "channel_id", "channels"),
        _points_to("outbox", "session_id", "sessions"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("message_id", name=op.f("uq_outbox_message_id")),
    )
