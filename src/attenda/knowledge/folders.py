"""Watches folders: new and changed files are handed in, those that vanish go to the trash.

It looks every few seconds, for no system tells reliably of changes on every disk. A file counts
once it has looked the same twice, so one that is still being written waits. Links are never
followed and names that begin with a dot are left alone. What fails is logged once and does not
stop the rest. It reads the folders and never writes there.
"""

import asyncio
import contextlib
import hashlib
import logging
import os
import stat
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from attenda.core.errors import AttendaError, UserError
from attenda.core.principal import Principal
from attenda.knowledge.ingest import Ingester
from attenda.store import documents, people
from attenda.store.database import Connection, Database
from attenda.store.stamps import Stamps

__all__ = ["FolderWatch"]

_log = logging.getLogger("attenda.folders")
_EVERY_S = 5.0
_BLOCK = 1 << 20
_GONE = "folder.gone"
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_READ = os.O_RDONLY | _NO_LINK | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)

Look = tuple[int, int]
"""Time of the last change in nanoseconds, and size."""


@dataclass
class _Folder:
    """A watched folder, and what was seen in it."""

    root: Path
    source: str
    """Beginning of the sources of its documents: a mark of the place, which it does not show."""
    seen: dict[str, Look] = field(default_factory=dict)
    """How each file looked the last time."""
    settled: dict[str, Look] = field(default_factory=dict)
    """How each file looked when it was last dealt with, well or badly."""
    missing: set[str] = field(default_factory=set)
    """Files with a document that were not there the last time."""
    told: dict[str, str] = field(default_factory=dict)
    """What was last said about each path, so that it is said once."""


class FolderWatch:
    """Keeps the documents of some folders as their files are, for the installation's owner."""

    def __init__(
        self,
        database: Database,
        stamps: Stamps,
        ingester: Ingester,
        folders: Sequence[str],
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """The documents of a folder stand in a collection of the folder's name."""
        self._database = database
        self._stamps = stamps
        self._ingester = ingester
        self._sleep = sleep
        roots = dict.fromkeys(Path(name).expanduser().absolute() for name in folders)
        self._folders = [_Folder(root, f"watch:{_mark(root)}/") for root in roots]

    async def run(self) -> None:
        """Look for ever; run as one task."""
        while self._folders:
            await self.poll()
            await self._sleep(_EVERY_S)

    async def poll(self) -> None:
        """Look once at every folder."""
        for folder in self._folders:
            try:
                await self._poll_folder(folder)
            except (AttendaError, OSError) as error:
                _tell(folder, "", str(error))
            except Exception as error:  # noqa: BLE001 - one look that breaks must not be the last
                _tell(folder, "", f"{type(error).__name__}: {error}")

    async def _poll_folder(self, folder: _Folder) -> None:
        looks, unreadable = await asyncio.to_thread(_walk, folder.root)
        for place, problem in unreadable.items():
            _tell(folder, place, problem)
        who = await self._database.read(lambda c: people.principal_of(c, people.OWNER_ID))
        known = await self._database.read(lambda c: documents.documents_from(c, who, folder.source))
        for name, look in looks.items():
            calm = folder.seen.get(name) == look
            if calm and folder.settled.get(name) != look:
                await self._settle(folder, who, name, known.get(_source(folder, name)))
                folder.settled[name] = look
        here = {_source(folder, name) for name in looks}
        beyond = tuple(f"{_source(folder, place)}/" for place in unreadable)
        gone = {
            source
            for source, document in known.items()
            if source not in here and not source.startswith(beyond) and document.deleted_at is None
        }
        await self._trash(who, [known[source].id for source in gone & folder.missing])
        folder.missing = gone
        folder.seen = looks
        folder.settled = {name: look for name, look in folder.settled.items() if name in looks}
        folder.told.pop("", None)

    async def _settle(
        self, folder: _Folder, who: Principal, name: str, document: documents.Document | None
    ) -> None:
        """Hand a file in, or bring its document back, if that is what it wants."""
        try:
            digest = await asyncio.to_thread(_digest, folder.root, name)
            if document is not None and document.content_hash == digest:
                if _was_gone(document):
                    await self._ingester.restore(who, document.id)
                    await self._ingester.retry(who, document.id)  # only if it had failed
                return  # a person who threw it away meant this content
            if document is not None and document.deleted_at is not None:
                await self._ingester.restore(who, document.id)
            content = _blocks(folder.root, name)
            shelf = folder.root.name or "Library"
            await self._ingester.add(who, shelf, name, content, _source(folder, name))
            folder.told.pop(name, None)
        except (AttendaError, OSError) as error:
            _tell(folder, name, str(error))

    async def _trash(self, who: Principal, ids: Sequence[str]) -> None:
        def trash(connection: Connection) -> None:
            for id_ in ids:
                documents.trash_document(connection, self._stamps, who, id_, _GONE)

        if ids:
            await self._database.write(trash)


def _was_gone(document: documents.Document) -> bool:
    """Whether it is in the trash because its file was gone, and not by a person."""
    reason = document.reason or {}
    return document.deleted_at is not None and reason.get("key") == _GONE


def _mark(root: Path) -> str:
    return hashlib.sha256(os.fsencode(root)).hexdigest()[:16]


def _source(folder: _Folder, name: str) -> str:
    return documents.as_stored(folder.source + name)


def _tell(folder: _Folder, place: str, problem: str) -> None:
    """Say what is wrong, unless that was the last thing said about the place."""
    if folder.told.get(place) != problem:
        folder.told[place] = problem
        _log.warning("%s: %s", folder.root / place, problem)


def _walk(root: Path) -> tuple[dict[str, Look], dict[str, str]]:
    """How each plain file below a folder looks, by its path; and the folders not to be read.

    Raises:
        OSError: the watched folder itself cannot be read, so nothing is known.
    """
    looks: dict[str, Look] = {}
    unreadable: dict[str, str] = {}
    pending = [""]
    while pending:
        below = pending.pop()
        try:
            for name, entry in _entries(root / below if below else root):
                path = f"{below}/{name}" if below else name
                if entry.is_dir(follow_symlinks=False):
                    pending.append(path)
                elif entry.is_file(follow_symlinks=False):
                    found = entry.stat(follow_symlinks=False)
                    looks[path] = (found.st_mtime_ns, found.st_size)
        except OSError as error:
            if not below:
                raise
            unreadable[below] = error.strerror or str(error)
    return looks, unreadable


def _entries(folder: Path) -> Iterator[tuple[str, os.DirEntry[str]]]:
    with os.scandir(folder) as found:
        for entry in found:
            if not entry.name.startswith(".") and not entry.is_symlink():
                yield entry.name, entry


def _open(root: Path, name: str) -> int:
    """A descriptor of a plain file below `root`, reached without passing a link.

    Raises:
        OSError: it went, or a folder on the way to it was changed into a link.
    """
    parts = name.split("/")
    with contextlib.ExitStack() as stack:
        at: int | None = None
        if os.open in os.supports_dir_fd:
            at = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
            stack.callback(os.close, at)
            for part in parts[:-1]:
                at = os.open(part, os.O_RDONLY | os.O_DIRECTORY | _NO_LINK, dir_fd=at)
                stack.callback(os.close, at)
        descriptor = os.open(parts[-1] if at is not None else root / name, _READ, dir_fd=at)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError("it is no plain file")
    return descriptor


def _digest(root: Path, name: str) -> str:
    with os.fdopen(_open(root, name), "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


async def _blocks(root: Path, name: str) -> AsyncIterator[bytes]:
    """The content of a file.

    Raises:
        UserError: it cannot be read.
    """
    try:
        file = os.fdopen(await asyncio.to_thread(_open, root, name), "rb")
    except OSError as error:
        raise UserError("file.missing", path=name) from error
    with file:
        while True:
            try:
                block = await asyncio.to_thread(file.read, _BLOCK)
            except OSError as error:
                raise UserError("file.missing", path=name) from error
            if not block:
                return
            yield block
