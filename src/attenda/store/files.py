"""The copies of documents on disk: which of them no row needs any more, and their removal.

A copy is named by the SHA-256 of its content, so two documents of the same content share one. It
knows the folder and the table of documents, not how a copy comes in.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Connection, select

from attenda.store.schema import documents
from attenda.store.stamps import Stamps

__all__ = ["path_of_copy", "sweep_files", "unreferenced_files"]

_INCOMING = ".incoming-"
"""Beginning of the names of copies that are still on their way in."""
_TOGETHER = 500


def path_of_copy(folder: Path, content_hash: str) -> Path:
    """Where the copy with that hash lies."""
    return folder / content_hash[:2] / content_hash


def unreferenced_files(connection: Connection, folder: Path) -> Iterator[Path]:
    """Copies that belong to no document, the trash included."""
    copies = sorted(_copies(folder))
    for first in range(0, len(copies), _TOGETHER):
        some = copies[first : first + _TOGETHER]
        statement = select(documents.c.content_hash).where(
            documents.c.content_hash.in_([path.name for path in some]),
            documents.c.container_id.is_(None),
        )
        needed = {str(name) for (name,) in connection.execute(statement)}
        yield from (path for path in some if path.name not in needed)


def sweep_files(connection: Connection, folder: Path, *, grace_s: float = 3600.0) -> int:
    """Delete copies that no document needs, and what a dead process left half copied; how many.

    A copy is on disk before its row is, so what is younger than `grace_s` is left alone. Ages are
    told by the machine's clock, which is also the one that dates files.
    """
    newest = Stamps().now() / 1e6 - grace_s
    left = [*unreferenced_files(connection, folder), *folder.glob(f"{_INCOMING}*")]
    gone = 0
    for path in left:
        with contextlib.suppress(FileNotFoundError):  # it came in, or another sweep was quicker
            if path.stat().st_mtime <= newest:
                path.unlink()
                gone += 1
    return gone


def _copies(folder: Path) -> Iterator[Path]:
    return (path for path in folder.glob("[0-9a-f][0-9a-f]/*") if path.is_file())
