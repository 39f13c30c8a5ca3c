"""The tables of how agents came to be: the draft of each, and the versions that were published."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Integer,
    String,
    Table,
)

from attenda.store.schema import metadata

__all__ = ["agent_drafts", "agent_versions"]

_Id = String(40)

agent_drafts = Table(
    "agent_drafts",
    metadata,
    Column("agent_id", _Id, ForeignKey("agents.id", ondelete="CASCADE"), primary_key=True),
    Column("body", JSON, nullable=False),
    Column("shares", Boolean, nullable=True),
    Column("changed_by", _Id, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
)

agent_versions = Table(
    "agent_versions",
    metadata,
    Column("agent_id", _Id, ForeignKey("agents.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("body", JSON, nullable=False),
    Column("changed", JSON, nullable=False),
    Column("restores", Integer, nullable=True),
    Column("published_by", _Id, nullable=False),
    Column("published_at", BigInteger, nullable=False),
)
