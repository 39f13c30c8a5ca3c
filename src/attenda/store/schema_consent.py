"""The table of consents: what people said of their chats as material for training, and when."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, String, Table

from attenda.store.schema import metadata

__all__ = ["consents"]

consents = Table(
    "consents",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("person_id", String(40), nullable=False),
    # No foreign key: that it was taken back outlives the session, for copies that hold its words.
    Column("session_id", String(40), nullable=True),
    Column("allowed", Boolean, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("by", String(40), nullable=False),
    Index("ix_consents_person_id_session_id", "person_id", "session_id"),
)
