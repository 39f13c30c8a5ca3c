"""A backup brought back: everything checked and migrated aside first, then moved into the home.

What was there before is set aside under a name and never deleted. Whoever calls holds the home's
lock. How a backup is written is `backup.py`'s.
"""

import contextlib
import os
import sqlite3
import tomllib
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, inspect

from attenda.core.errors import Conflict, UserError
from attenda.store.archive import (
    Manifest,
    Member,
    Progress,
    Reader,
    open_backup,
    scratch_folder,
    sync_folder,
    told_plainly,
)
from attenda.store.backup import sqlite_path
from attenda.store.database import open_database
from attenda.store.stamps import Stamps
from attenda.store.tables import fill_table, follow_numbers, set_schema_aside
from attenda.store.upgrade import migrate, migrate_to, refuse_newer

__all__ = ["Restored", "restore_backup"]

_SETTINGS = "attenda.toml"


@dataclass(frozen=True, slots=True)
class Restored:
    """What became of a backup."""

    manifest: Manifest
    set_aside: str
    """Where the database is that was there before; empty when there was none."""
    settings_beside: str
    """Where the backup's settings lie, when the home keeps its own; empty otherwise."""


def restore_backup(
    path: Path,
    home: Path,
    url: str,
    stamps: Stamps,
    progress: Progress | None = None,
    *,
    replace: bool = False,
) -> Restored:
    """Bring the backup at `path` into `home` and the database at `url`.

    Raises:
        UserError: it is no backup, is damaged, or holds another kind of database.
        Conflict: there is a database already, and `replace` was not asked for.
        OperatorError: it is newer than the program, a migration failed, or the disk is full. In
            each case the home is as it was.
    """
    with told_plainly(home), open_backup(path) as reader:
        database = sqlite_path(url)
        manifest = reader.manifest
        used = "postgresql" if database is None else "sqlite"
        if manifest.database != used:
            raise UserError("backup.other_kind", path=path, found=manifest.database, used=used)
        refuse_newer(manifest.revision)
        if database is not None and not replace and _has_content(database):
            raise Conflict("backup.home_full", home=home)
        with scratch_folder(home, "restore") as scratch:
            _extract(reader, scratch, progress)
            name = f"replaced-{datetime.fromtimestamp(stamps.now() / 1e6, UTC):%Y%m%dT%H%M%S%fZ}"
            if database is None:
                _move_copies(scratch, home)
                set_aside = _fill_postgres(manifest, scratch, url, name, replace)
            else:
                _migrate_aside(scratch / "attenda.db")
                _move_copies(scratch, home)
                set_aside = _swap(scratch / "attenda.db", database, name)
            return Restored(manifest, set_aside, _move_settings(scratch, home, url))


def _has_content(database: Path) -> bool:
    return database.is_file() and database.stat().st_size > 0


def _extract(reader: Reader, scratch: Path, progress: Progress | None) -> None:
    """Write every member into the scratch folder, each held against its hash."""
    total = reader.manifest.size
    done = 0
    for member in reader.manifest.members:
        reader.extract(member, scratch / member.name)
        done += member.size
        if progress is not None:
            progress(done, total)


def _migrate_aside(database: Path) -> None:
    engine = open_database(f"sqlite:///{database}").engine
    try:
        migrate(engine)
    finally:
        engine.dispose()
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    _sync_file(database)


def _move_copies(scratch: Path, home: Path) -> None:
    """Put the copies of documents to the others; the same name is the same content."""
    folder = home / "files"
    for path in sorted((scratch / "files").glob("*/*")):
        place = folder / path.parent.name
        place.mkdir(parents=True, exist_ok=True)
        os.replace(path, place / path.name)
    for place in (*folder.glob("[0-9a-f][0-9a-f]"), folder, home):
        if place.is_dir():
            sync_folder(place)


def _swap(new: Path, database: Path, name: str) -> str:
    """Put `new` in the place of the database; where the old one is now."""
    aside = database.parent / name
    for left in database.parent.glob(f"replaced-*/{database.name}"):
        if database.exists() and left.samefile(database):  # of a restore that died half way
            left.unlink()
    if _has_content(database):
        with contextlib.suppress(sqlite3.Error), closing(sqlite3.connect(database)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # one file holds it all then
        aside.mkdir(mode=0o700)
        # A link, so that there is no moment at which the home has no database.
        with contextlib.suppress(OSError):
            os.link(database, aside / database.name)
        if not (aside / database.name).exists():
            os.replace(database, aside / database.name)
    for ending in ("-wal", "-shm"):
        log = database.with_name(database.name + ending)
        if log.exists():
            aside.mkdir(mode=0o700, exist_ok=True)
            os.replace(log, aside / log.name)
    os.replace(new, database)
    sync_folder(database.parent)
    return str(aside) if aside.exists() else ""


def _fill_postgres(manifest: Manifest, scratch: Path, url: str, name: str, replace: bool) -> str:
    """Make the tables of the backup's revision, fill and migrate them, in one transaction."""
    engine = open_database(url).engine
    set_aside = ""
    try:
        with engine.begin() as connection:
            if inspect(connection).get_table_names():
                if not replace:
                    raise Conflict("backup.home_full", home=url.rsplit("@", 1)[-1])
                set_aside = name.replace("-", "_").lower()
                set_schema_aside(connection, set_aside)
            migrate_to(connection, manifest.revision)
            for member in manifest.members:
                _fill_from(connection, member, scratch)
            follow_numbers(connection)
            migrate_to(connection, "head")
    finally:
        engine.dispose()
    return set_aside


def _fill_from(connection: Connection, member: Member, scratch: Path) -> None:
    folder, _, file = member.name.rpartition("/")
    if folder == "tables":
        with (scratch / member.name).open("rb") as lines:
            fill_table(connection, file.removesuffix(".jsonl"), lines)


def _move_settings(scratch: Path, home: Path, url: str) -> str:
    """Give the home the backup's settings, or lay them beside its own."""
    new = scratch / _SETTINGS
    if not new.is_file():
        return ""
    target = home / _SETTINGS
    if target.is_file() and target.read_bytes() == new.read_bytes():
        return ""
    # Settings that lead to another database would hide the one that was just filled.
    if target.exists() or not _leads_to(new, url, home):
        target = home / f"{_SETTINGS}.from-backup"
    os.replace(new, target)
    sync_folder(home)
    return str(target) if target.name != _SETTINGS else ""


def _leads_to(settings: Path, url: str, home: Path) -> bool:
    try:
        named = tomllib.loads(settings.read_text("utf-8")).get("database", "")
    except ValueError:
        return False
    return (named or f"sqlite:///{home / 'attenda.db'}") == url


def _sync_file(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
