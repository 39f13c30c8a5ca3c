"""Bring a database up to the code's revision, or refuse one that is newer than the code.

An older SQLite database is copied to `backups/` beside it first. The whole way up is one
transaction: a migration that fails, or a process that dies in it, leaves what was there.
"""

import asyncio
from pathlib import Path

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from attenda.core.errors import OperatorError
from attenda.store.database import Database
from attenda.store.revision import revision_of
from attenda.store.stamps import Stamps

__all__ = ["HEAD", "migrate", "migrate_to", "refuse_newer", "upgrade_database"]

HEAD = "0017"
"""The newest revision; a house test holds it against the migrations."""

_KEPT = 3
"""Copies from before migrations that are kept."""


async def upgrade_database(database: Database) -> bool:
    """Migrate when the database is older; whether anything was done.

    Raises:
        OperatorError: the database was made by a newer version of the program, there is no room
            for the copy, or a migration failed; the database is as it was.
    """
    found = await database.read(revision_of)
    if found == HEAD:
        return False
    await asyncio.to_thread(_upgrade, database.engine, found)
    return True


def refuse_newer(found: str | None) -> None:
    """Stop at a revision that the code does not know.

    Raises:
        OperatorError: the revision is none of ours.
    """
    from attenda.store.migrations import known_revisions  # heavy, and rarely needed

    if found is not None and found not in known_revisions():
        raise OperatorError("store.newer", found=found, known=HEAD)


def migrate(engine: Engine) -> None:
    """Bring the database behind `engine` to the newest revision, or leave it as it is.

    Raises:
        OperatorError: a migration failed.
    """
    found: str | None = None
    try:
        with engine.connect() as connection:
            # A table that a migration makes anew is dropped, and with foreign keys on SQLite
            # would delete all that points to it. The switch works outside transactions alone.
            _point_freely(connection, True)
            try:
                with connection.begin():
                    found = revision_of(connection)
                    broken = _broken_keys(connection) if found else set()
                    migrate_to(connection, "head")
                    _refuse_broken(connection, broken)
            finally:
                _point_freely(connection, False)
    except SQLAlchemyError as error:
        problem = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
        raise OperatorError(
            "backup.migration_failed", found=found or "-", known=HEAD, problem=problem
        ) from error


def migrate_to(connection: Connection, revision: str) -> None:
    """Bring the database behind `connection` up to `revision`, in its transaction."""
    from attenda.store.migrations import upgrade  # heavy, and rarely needed

    upgrade(connection, revision)


def _upgrade(engine: Engine, found: str | None) -> None:
    refuse_newer(found)
    place = engine.url.database
    if found is not None and engine.dialect.name == "sqlite" and place:
        _keep_copy(Path(place))
    migrate(engine)


def _keep_copy(database: Path) -> None:
    """Copy the database to `backups/` beside it; the newest copies stay, older ones go."""
    from datetime import UTC, datetime

    from attenda.store.archive import sweep_scratch
    from attenda.store.backup import write_backup

    folder = database.parent / "backups"
    stamps = Stamps()
    made = datetime.fromtimestamp(stamps.now() / 1e6, UTC)
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        problem = error.strerror or error
        raise OperatorError("backup.unwritable", path=folder, problem=problem) from error
    sweep_scratch(folder, "before-*.zip")  # each try has a name of its own
    target = folder / f"before-{HEAD}-{made:%Y%m%dT%H%M%S%f}Z.zip"
    write_backup(f"sqlite:///{database}", database.parent, target, stamps, whole=False)
    copies = sorted(folder.glob("before-*.zip"), key=lambda path: path.name.rpartition("-")[2])
    for old in copies[:-_KEPT]:
        old.unlink(missing_ok=True)


def _point_freely(connection: Connection, wanted: bool) -> None:
    if connection.dialect.name == "sqlite":
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.execute(f"PRAGMA foreign_keys={'OFF' if wanted else 'ON'}")


def _broken_keys(connection: Connection) -> set[tuple[object, ...]]:
    """Rows that point to nothing."""
    if connection.dialect.name != "sqlite":
        return set()
    return {tuple(row) for row in connection.exec_driver_sql("PRAGMA foreign_key_check")}


def _refuse_broken(connection: Connection, before: set[tuple[object, ...]]) -> None:
    new = _broken_keys(connection) - before
    if new:
        table, _, other, _ = min(new, key=str)
        raise SQLAlchemyError(f"rows of {table} would point to no row of {other}")
