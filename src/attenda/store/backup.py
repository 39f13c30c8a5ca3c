"""A backup: the database as it was at one moment, the copies of its documents, the settings.

It may be taken while the program writes: SQLite is read through one snapshot by its own backup
interface, PostgreSQL in one repeatable read, and a document's copy is on disk before its row is.
The home's key and the weights are not in it. Bringing one back is `restore.py`'s.
"""

import os
import re
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Literal
from zipfile import ZIP_STORED, ZipFile

from sqlalchemy import text

from attenda.core.errors import UserError
from attenda.store.archive import (
    FORMAT,
    Manifest,
    Progress,
    Writer,
    open_backup,
    scratch_folder,
    sync_folder,
    told_plainly,
)
from attenda.store.database import open_database
from attenda.store.files import path_of_copy
from attenda.store.revision import revision_of
from attenda.store.stamps import Stamps
from attenda.store.tables import table_lines, table_names

__all__ = ["copy_database", "sqlite_path", "verify_backup", "write_backup"]

_PAGES = 1024
"""Pages copied between two reports."""


_COPIES = (
    "SELECT DISTINCT content_hash FROM documents WHERE container_id IS NULL ORDER BY content_hash"
)
"""Plain SQL, since the database may be older than the tables that the code knows."""
_IS_HASH = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class _Taken:
    """What was seen in the database that a backup holds."""

    database: Literal["sqlite", "postgresql"]
    revision: str
    hashes: list[str]


class _Meter:
    """Adds up what is done, for whoever watches."""

    def __init__(self, progress: Progress | None) -> None:
        self._total = 0
        self._done = 0
        self._progress = progress

    def expect(self, size: int) -> None:
        self._total += size

    def advance(self, size: int) -> None:
        self._done += size
        if self._progress is not None:
            self._progress(self._done, max(self._total, self._done))


def write_backup(
    url: str,
    home: Path,
    target: Path,
    stamps: Stamps,
    progress: Progress | None = None,
    *,
    whole: bool = True,
) -> Manifest:
    """Write a backup of the database at `url` and the files of `home`; `whole` takes copies along.

    Raises:
        UserError: there is something at `target`, or there is no database.
        OperatorError: the disk is full, or the database or the place can't be used.
    """
    if target.exists():
        raise UserError("backup.exists", path=target)
    source = sqlite_path(url)
    if source is not None and not (source.is_file() and source.stat().st_size):
        raise UserError("backup.no_database", home=home)
    with told_plainly(target), scratch_folder(target.parent, target.name) as scratch:
        draft = scratch / "backup.zip"
        draft.touch(mode=0o600)
        with ZipFile(draft, "w", ZIP_STORED, compresslevel=1) as archive:
            take = partial(_put_sqlite, source, scratch) if source else partial(_put_postgres, url)
            manifest = _fill(archive, take, home if whole else None, stamps, progress)
        with draft.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(draft, target)
        sync_folder(target.parent)
    return manifest


def verify_backup(path: Path, progress: Progress | None = None) -> Manifest:
    """Hold every member against its hash.

    Raises:
        UserError: it is no backup, or a member is not what was written.
    """
    with open_backup(path) as reader:
        meter = _Meter(progress)
        meter.expect(reader.manifest.size)
        for member in reader.manifest.members:
            for block in reader.blocks(member):
                meter.advance(len(block))
        return reader.manifest


def sqlite_path(url: str) -> Path | None:
    """The file of a SQLite database; none for another kind."""
    found = url.removeprefix("sqlite:///")
    return Path(found) if found != url else None


def copy_database(source: Path, target: Path, progress: Progress | None = None) -> None:
    """Copy a SQLite database as it is at this moment, whoever else writes to it.

    The open reading pins the moment: without it, each write from elsewhere would begin the copy
    anew. Nobody waits for it; the write-ahead log grows until it is done.
    """
    with closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as reading:
        reading.isolation_level = None
        reading.execute("PRAGMA busy_timeout=30000")
        reading.execute("BEGIN")
        page_size = int(reading.execute("PRAGMA page_size").fetchone()[0])
        reading.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()

        def report(_status: int, left: int, total: int) -> None:
            if progress is not None:
                progress((total - left) * page_size, total * page_size)

        with closing(sqlite3.connect(target)) as writing:
            writing.execute("PRAGMA synchronous=OFF")  # only the finished backup must last
            reading.backup(writing, pages=_PAGES, progress=report)


def _fill(
    archive: ZipFile,
    take: Callable[[Writer, _Meter], _Taken],
    home: Path | None,
    stamps: Stamps,
    progress: Progress | None,
) -> Manifest:
    """Put everything into the zip: the database first, then what its rows speak of."""
    meter = _Meter(progress)
    writer = Writer(archive, meter.advance)
    taken = take(writer, meter)
    wanting: list[str] = []
    if home is not None:
        wanting = _put_copies(writer, meter, home / "files", taken.hashes)
        settings = home / "attenda.toml"
        if settings.is_file():
            writer.put_file(settings.name, settings)
    manifest = Manifest(
        format=FORMAT,
        database=taken.database,
        revision=taken.revision,
        created_at=datetime.fromtimestamp(stamps.now() / 1e6, UTC).isoformat(timespec="seconds"),
        whole=home is not None,
        members=tuple(writer.members),
        wanting=tuple(wanting),
    )
    writer.close(manifest)
    return manifest


def _put_sqlite(source: Path, scratch: Path, writer: Writer, meter: _Meter) -> _Taken:
    size = source.stat().st_size
    meter.expect(2 * size)  # once into the snapshot, once into the zip
    snapshot = scratch / "attenda.db"
    copied = 0

    def report(done: int, _total: int) -> None:
        nonlocal copied
        meter.advance(done - copied)
        copied = done

    copy_database(source, snapshot, report)
    with closing(sqlite3.connect(snapshot)) as connection:
        (revision,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        hashes = [str(name) for (name,) in connection.execute(_COPIES)]
    writer.put_file(snapshot.name, snapshot, packed=True)
    snapshot.unlink()
    return _Taken("sqlite", str(revision), hashes)


def _put_postgres(url: str, writer: Writer, meter: _Meter) -> _Taken:
    engine = open_database(url).engine.execution_options(isolation_level="REPEATABLE READ")
    try:
        with engine.begin() as connection:
            connection.execute(text("SET TRANSACTION READ ONLY"))
            size = text("SELECT pg_database_size(current_database())")
            meter.expect(int(connection.execute(size).scalar_one()))
            revision = revision_of(connection)
            if revision is None:
                raise UserError("backup.no_database", home=url.rsplit("@", 1)[-1])
            for name in table_names(connection):
                writer.put(f"tables/{name}.jsonl", table_lines(connection, name), packed=True)
            hashes = [str(name) for (name,) in connection.execute(text(_COPIES))]
    finally:
        engine.dispose()
    return _Taken("postgresql", revision, hashes)


def _put_copies(writer: Writer, meter: _Meter, folder: Path, hashes: Sequence[str]) -> list[str]:
    """The copies of documents; hashes of those that are not there or not what they were."""
    wanting: list[str] = []
    found: list[Path] = []
    for name in hashes:
        path = path_of_copy(folder, name)
        if _IS_HASH.fullmatch(name) and path.is_file():
            found.append(path)
            meter.expect(path.stat().st_size)
        else:
            wanting.append(name)
    for path in found:
        member = writer.put_file(f"files/{path.parent.name}/{path.name}", path)
        if member.sha256 != path.name:
            wanting.append(path.name)
    return wanting
