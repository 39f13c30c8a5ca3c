"""The table of what packs keep about people: which of their tables, and by which columns."""

from sqlalchemy import JSON, Column, String, Table

from attenda.store.schema import metadata

__all__ = ["personal_tables"]

personal_tables = Table(
    "personal_tables",
    metadata,
    Column("name", String(80), primary_key=True),
    Column("pack", String(40), nullable=False),
    Column("person", String(63), nullable=False, server_default=""),
    # Another table of the pack's: `person` holds its keys, not people's ids.
    Column("through", String(80), nullable=False, server_default=""),
    # Columns that are emptied where the row must stay; none where the row goes.
    Column("redacted", JSON(none_as_null=True), nullable=True),
    Column("ages", String(63), nullable=False, server_default=""),
)
