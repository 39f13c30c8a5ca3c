"""The tables of the desk: notes on sessions, labels, saved and suggested replies, hours, alarms."""

from sqlalchemy import JSON, BigInteger, Column, ForeignKey, String, Table, Text

from attenda.store.schema import metadata

__all__ = ["alarms", "canned_replies", "desk_hours", "labels", "notes", "suggestions"]

_Id = String(40)

notes = Table(
    "notes",
    metadata,
    Column("id", _Id, primary_key=True),
    Column(
        "session_id", _Id, ForeignKey("sessions.id", ondelete="CASCADE"), nullable=False, index=True
    ),
    Column("author_id", _Id, nullable=False),
    Column("text", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

labels = Table(
    "labels",
    metadata,
    Column("session_id", _Id, ForeignKey("sessions.id", ondelete="CASCADE"), primary_key=True),
    Column("name", String(40), primary_key=True),
)

canned_replies = Table(
    "canned_replies",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("title", String(80), nullable=False),
    Column("text", Text, nullable=False),
    Column("author_id", _Id, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

desk_hours = Table(
    "desk_hours",
    metadata,
    Column("pack", String(80), primary_key=True),
    Column("zone", String(64), nullable=False),
    Column("week", JSON, nullable=False),
    Column("holidays", JSON, nullable=False),
    Column("changed_by", _Id, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
)

suggestions = Table(
    "suggestions",
    metadata,
    Column("id", _Id, primary_key=True),
    Column(
        "session_id", _Id, ForeignKey("sessions.id", ondelete="CASCADE"), nullable=False, index=True
    ),
    Column("asked_by", _Id, nullable=False),
    Column("text", Text, nullable=False),
    Column("citations", JSON, nullable=False),
    Column("message_id", _Id),
    Column("outcome", String(12), nullable=False, server_default=""),
    Column("created_at", BigInteger, nullable=False),
)

alarms = Table(
    "alarms",
    metadata,
    Column("message_id", _Id, ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True),
    Column(
        "session_id", _Id, ForeignKey("sessions.id", ondelete="CASCADE"), nullable=False, index=True
    ),
    Column("reason", Text, nullable=False),
    Column("raised_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger),
)
