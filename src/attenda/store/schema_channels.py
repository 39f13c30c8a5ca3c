"""The tables of channels: ways in for people who are no users, those people, and how it was."""

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

__all__ = ["channels", "ratings", "visitors", "visits"]

_Id = String(40)

channels = Table(
    "channels",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("kind", String(8), nullable=False),
    Column("name", String(80), nullable=False),
    Column("agent_id", _Id, nullable=False),
    Column("collection_ids", JSON, nullable=False),
    Column("origins", JSON, nullable=False),
    Column("languages", JSON, nullable=False),
    Column("colour", String(12), nullable=False, server_default="teal"),
    Column("mailbox", String(80), nullable=False, server_default=""),
    Column("tokens_a_day", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
    Column("owner_id", _Id, nullable=False, index=True),
    Column("team_id", _Id, nullable=True, index=True),
)

visitors = Table(
    "visitors",
    metadata,
    Column("id", _Id, primary_key=True),
    Column(
        "channel_id", _Id, ForeignKey("channels.id", ondelete="CASCADE"), nullable=False, index=True
    ),
    Column("customer", String(200), nullable=True),
    Column("name", String(120), nullable=False, server_default=""),
    Column("created_at", BigInteger, nullable=False),
    UniqueConstraint("channel_id", "customer"),
)

visits = Table(
    "visits",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("token_hash", String(64), nullable=False, unique=True),
    Column(
        "visitor_id", _Id, ForeignKey("visitors.id", ondelete="CASCADE"), nullable=False, index=True
    ),
    Column(
        "session_id", _Id, ForeignKey("sessions.id", ondelete="CASCADE"), nullable=False, index=True
    ),
    Column("language", String(10), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
)

ratings = Table(
    "ratings",
    metadata,
    Column("session_id", _Id, ForeignKey("sessions.id", ondelete="CASCADE"), primary_key=True),
    Column("score", Integer, nullable=False),
    Column("comment", Text, nullable=False, server_default=""),
    Column("created_at", BigInteger, nullable=False),
)
