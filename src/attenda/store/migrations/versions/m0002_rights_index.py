"""An index that answers who may see a document, and steady plans for SQLite.

Frozen: a later change of a table is a later migration, never an edit here.
"""

from alembic import op

__all__: list[str] = []

revision = "0002"
down_revision = "0001"

_RIGHTS = ["id", "state", "deleted_at", "owner_id", "team_id", "collection_id"]
_STEADY = {
    "ix_documents_collection_id": "100000 10000",
    "ix_documents_deleted_at": "100000 50000",
    "ix_documents_owner_id": "100000 50000",
    "ix_documents_rights": "100000 1 1 1 1 1 1",
    "ix_documents_state": "100000 50000",
    "ix_documents_team_id": "100000 50000",
    "sqlite_autoindex_documents_1": "100000 1",
}
"""Rows in all, and rows that share a value: nearly all documents are ready, live and one team's.

Without figures SQLite takes ten rows for each value of an index, and reads every ready document
to judge the rights of a few passages.
"""


def upgrade() -> None:
    """Make the index; tell SQLite's planner what to expect."""
    op.create_index("ix_documents_rights", "documents", _RIGHTS)
    if op.get_bind().dialect.name == "sqlite":
        connection = op.get_bind()
        connection.exec_driver_sql("ANALYZE access")  # makes the table of figures
        connection.exec_driver_sql("DELETE FROM sqlite_stat1")
        for index, figures in _STEADY.items():
            connection.exec_driver_sql(
                "INSERT INTO sqlite_stat1 VALUES ('documents', ?, ?)", (index, figures)
            )
        connection.exec_driver_sql("ANALYZE sqlite_schema")  # reads the figures anew
