"""The tables of what agents do: effects, approvals, switches, and flows as they were begun."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    String,
    Table,
    Text,
)

from attenda.store.schema import metadata

__all__ = ["approvals", "effects", "flows", "switches"]

_Id = String(40)
_Time = BigInteger
_Hash = String(64)

effects = Table(
    "effects",
    metadata,
    Column("key", _Hash, primary_key=True),
    Column("session_id", _Id, nullable=False, index=True),
    Column("instance", String(200), nullable=False),
    Column("step", String(80), nullable=False),
    Column("tool", String(80), nullable=False),
    Column("arguments", Text, nullable=False),
    Column("label", JSON, nullable=False),
    Column("state", String(12), nullable=False),
    Column("result", Text),
    Column("problem", Text, nullable=False, server_default=""),
    Column("rule", String(80), nullable=False, server_default=""),
    Column("approved_by", _Id),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("owner_id", _Id, nullable=False),
    Column("begun_at", _Time, nullable=False),
    Column("ended_at", _Time),
    Index("ix_effects_owner_id_tool_begun_at", "owner_id", "tool", "begun_at"),
    Index("ix_effects_state", "state"),
)

approvals = Table(
    "approvals",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("hash", _Hash, nullable=False, index=True),
    Column("session_id", _Id, nullable=False, index=True),
    Column("instance", String(200), nullable=False),
    Column("step", String(80), nullable=False),
    Column("tool", String(80), nullable=False),
    Column("arguments", Text, nullable=False),
    Column("label", JSON, nullable=False),
    Column("rule", String(80), nullable=False),
    Column("role", String(12), nullable=False),
    Column("asked_for", _Id, nullable=False),
    Column("state", String(12), nullable=False, index=True),
    Column("asked_at", _Time, nullable=False),
    Column("expires_at", _Time, nullable=False),
    Column("decided_by", _Id),
    Column("decided_at", _Time),
    Column("reason", Text, nullable=False, server_default=""),
)

switches = Table(
    "switches",
    metadata,
    Column("name", String(80), primary_key=True),
    Column("off", Boolean, nullable=False),
    Column("by", _Id, nullable=False),
    Column("at", _Time, nullable=False),
)

flows = Table(
    "flows",
    metadata,
    Column("fingerprint", String(40), primary_key=True),
    Column("name", String(80), nullable=False),
    Column("body", Text, nullable=False),
    Column("kept_at", _Time, nullable=False),
)
