"""Bring a database up to the code's revision, or refuse one that is newer than the code."""

from sqlalchemy import Connection, inspect, text

from attenda.core.errors import OperatorError
from attenda.store.database import Database

__all__ = ["HEAD", "upgrade_database"]

HEAD = "0001"
"""The newest revision; a house test holds it against the migrations."""


async def upgrade_database(database: Database) -> bool:
    """Migrate when the database is older; whether anything was done.

    Raises:
        OperatorError: the database was made by a newer version of the program.
    """
    found = await database.read(_revision)
    if found == HEAD:
        return False
    await database.write(_upgrade)
    return True


def _revision(connection: Connection) -> str | None:
    if "alembic_version" not in inspect(connection).get_table_names():
        return None
    value = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return None if value is None else str(value)


def _upgrade(connection: Connection) -> None:
    from attenda.store.migrations import known_revisions, upgrade  # heavy, and rarely needed

    found = _revision(connection)
    if found is not None and found not in known_revisions():
        raise OperatorError("store.newer", found=found, known=HEAD)
    upgrade(connection)
