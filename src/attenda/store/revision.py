"""Which revision a database is at, as Alembic noted it."""

from sqlalchemy import Connection, inspect, text

__all__ = ["revision_of"]


def revision_of(connection: Connection) -> str | None:
    """The revision of a database; none for one without tables of ours."""
    if "alembic_version" not in inspect(connection).get_table_names():
        return None
    value = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return None if value is None else str(value)
