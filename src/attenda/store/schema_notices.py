"""The tables of notices: whom to tell when somebody waits at the desk, and who was told of whom."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from attenda.store.schema import metadata

__all__ = ["notice_rules", "notices"]

_Id = String(40)

notice_rules = Table(
    "notice_rules",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("kind", String(12), nullable=False),
    Column("target", Text, nullable=False),
    Column("secret", String(80), nullable=False, server_default=""),
    Column("after_s", Integer, nullable=False, server_default="0"),
    Column("owner_id", _Id, nullable=False, index=True),
    Column("created_at", BigInteger, nullable=False),
)

notices = Table(
    "notices",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("rule_id", _Id, ForeignKey("notice_rules.id", ondelete="CASCADE"), nullable=False),
    Column(
        "session_id", _Id, ForeignKey("sessions.id", ondelete="CASCADE"), nullable=False, index=True
    ),
    Column("waits_since", BigInteger, nullable=False),
    Column("state", String(12), nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("next_at", BigInteger, nullable=False),
    Column("problem", JSON(none_as_null=True)),
    Column("made_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Column("alarm", Boolean, nullable=False, server_default="0"),
    UniqueConstraint("rule_id", "session_id", "waits_since"),
    Index("ix_notices_state_next_at", "state", "next_at"),
)
