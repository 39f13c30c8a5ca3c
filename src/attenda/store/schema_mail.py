"""The tables of e-mail: how far mailboxes were read, what came, threads, and what goes out."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    ForeignKey,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from attenda.store.schema import metadata

__all__ = ["mail_positions", "mail_threads", "mails", "outbox"]

_Id = String(40)


def _of_channel() -> Column[str]:
    points = ForeignKey("channels.id", ondelete="CASCADE")
    return Column("channel_id", _Id, points, nullable=False, index=True)


def _of_session(**options: bool) -> Column[str]:
    return Column("session_id", _Id, ForeignKey("sessions.id", ondelete="CASCADE"), **options)  # type: ignore[arg-type]


mail_positions = Table(
    "mail_positions",
    metadata,
    Column("reader", _Id, primary_key=True),
    Column("uidvalidity", BigInteger, nullable=False),
    Column("uid", BigInteger, nullable=False),
    Column("began_at", BigInteger, nullable=False),
)

mails = Table(
    "mails",
    metadata,
    Column("id", _Id, primary_key=True),
    _of_channel(),
    Column("key", String(64), nullable=False),
    Column("state", String(12), nullable=False, index=True),
    _of_session(nullable=True, index=True),
    Column("sender", String(254), nullable=False),
    Column("body", JSON, nullable=True),
    Column("created_at", BigInteger, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    UniqueConstraint("channel_id", "key"),
)

mail_threads = Table(
    "mail_threads",
    metadata,
    _of_session(primary_key=True),
    _of_channel(),
    Column("address", String(254), nullable=False, index=True),
    Column("name", String(120), nullable=False, server_default=""),
    Column("subject", String(300), nullable=False, server_default=""),
    Column("last_id", Text, nullable=False, server_default=""),
    Column("untaken", JSON, nullable=False),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", _Id, primary_key=True),
    _of_channel(),
    _of_session(nullable=False, index=True),
    Column("message_id", _Id, nullable=False, unique=True),
    Column("address", String(254), nullable=False),
    Column("state", String(12), nullable=False, index=True),
    Column("raw", Text, nullable=False),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("problem", Text, nullable=False, server_default=""),
    Column("not_before", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
)
