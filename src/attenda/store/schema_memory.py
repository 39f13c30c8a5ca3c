"""The table of memory: facts about people, each with the message in which they told it."""

from sqlalchemy import JSON, BigInteger, Column, ForeignKey, Index, String, Table, Text

from attenda.store.schema import metadata

__all__ = ["facts"]

_Id = String(40)

facts = Table(
    "facts",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("owner_id", _Id, nullable=False),
    Column("pack", String(80), nullable=False, server_default=""),
    Column("name", String(80), nullable=False, server_default=""),
    Column("text", Text, nullable=False),
    Column(
        "message_id", _Id, ForeignKey("messages.id", ondelete="CASCADE"), nullable=False, index=True
    ),
    Column("integrity", String(12), nullable=False, server_default="untrusted"),
    Column("readers", JSON, nullable=False, server_default="[]"),
    Column("sources", JSON, nullable=False, server_default="[]"),
    Column("created_at", BigInteger, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Index("ix_facts_owner_id_pack_name", "owner_id", "pack", "name"),
)
