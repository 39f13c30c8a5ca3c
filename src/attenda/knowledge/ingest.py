"""A file's way in: copied, queued, read, indexed; every step a state in the database.

`add` acknowledges a file once its bytes are on disk and its row is queued. One worker takes the
queue; a crash puts what was half way back into it, and whatever goes wrong with a document ends
that document with a reason and nothing else. A file whose content is already there under its
name is left alone.
"""

import asyncio
import errno
import hashlib
import logging
import os
import tempfile
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from itertools import chain, repeat
from pathlib import Path
from typing import BinaryIO, TypeVar

from attenda.core.errors import AttendaError, OperatorError, TooLarge, UserError
from attenda.core.ports import Embedder
from attenda.core.principal import Principal
from attenda.knowledge.indexing import Indexer, Superseded
from attenda.knowledge.reading import read_file, read_ours
from attenda.store import documents, intake
from attenda.store.database import Connection, Database
from attenda.store.stamps import Stamps

__all__ = ["OURS", "Added", "Ingester"]

T = TypeVar("T")

OURS = "packfile:"
"""How the source of a file begins that came with a pack."""
_log = logging.getLogger("attenda.ingest")
_PAUSES_S = (0.05, 0.5, 2.0, 10.0)
"""Waits before the database is tried again; the last one repeats."""


@dataclass(frozen=True, slots=True)
class Added:
    """What became of one file that was handed in."""

    document_id: str
    name: str
    outcome: str
    """`queued`, `unchanged` or `updated`."""


@dataclass(frozen=True, slots=True)
class _Incoming:
    """A file whose copy is on disk."""

    name: str
    source: str
    digest: str
    size: int


class Ingester:
    """The way in for files, and the worker behind it."""

    def __init__(
        self,
        database: Database,
        stamps: Stamps,
        embedder: Embedder | None,
        folder: Path,
        *,
        deadline_s: float = 600.0,
        max_bytes: int = 200 << 20,
    ) -> None:
        """Copies of the files are kept in `folder`, named by their hash."""
        self._database = database
        self._stamps = stamps
        self._indexer = Indexer(database, stamps, embedder)
        self._folder = folder
        self._deadline_s = deadline_s
        self._max_bytes = max_bytes
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._failures: dict[str, AttendaError] = {}
        """Failures that are not in the database yet; the next claim writes them."""

    async def add(
        self,
        who: Principal,
        collection_name: str,
        name: str,
        content: AsyncIterator[bytes],
        source: str = "",
    ) -> Added:
        """Take a file in; returns once it is on disk and queued.

        A file is known by its name, and a name's folders count only where `source` says that the
        file is not an upload.

        Raises:
            UserError: it is empty or too large.
            OperatorError: the disk is full.
        """
        clean = documents.as_stored(name).strip().replace("\\", "/")
        clean = (clean if source else clean.rsplit("/", 1)[-1])[-300:] or "document"
        digest, size = await self._keep(content, clean)
        incoming = _Incoming(clean, documents.as_stored(source), digest, size)
        added = await self._database.write(lambda c: self._enter(c, who, collection_name, incoming))
        if added.outcome != "unchanged":
            self._call_worker()
        return added

    async def work(self) -> None:
        """Take the queue for ever; run as one task."""
        await self._insist(lambda c: intake.requeue_interrupted(c, self._stamps))
        while True:
            self._wake.clear()
            document_id = await self._insist(self._claim)
            self._failures.clear()
            if document_id is not None:
                await self._ingest(document_id)
            elif not self._wake.is_set():  # nothing came while the queue was looked at
                self._idle.set()
                await self._wake.wait()

    async def wait_idle(self) -> None:
        """Return when the queue is empty."""
        await self._idle.wait()

    async def retry(self, who: Principal, document_id: str) -> None:
        """Queue a failed document again; of a record, the file that it came in.

        Raises:
            NotFound: it is not there or not theirs.
        """

        def again(connection: Connection) -> None:
            document = documents.get_document(connection, who, document_id)
            intake.queue_again(connection, self._stamps, document)

        await self._database.write(again)
        self._call_worker()

    async def restore(self, who: Principal, document_id: str) -> None:
        """Bring a document back from the trash; one that was still queued is then read.

        Raises:
            NotFound: it is not there or not theirs to change.
        """
        await self._database.write(lambda c: documents.untrash_document(c, who, document_id))
        self._call_worker()

    def path_of(self, content_hash: str) -> Path:
        """Where the copy with that hash lies."""
        return self._folder / content_hash[:2] / content_hash

    def _call_worker(self) -> None:
        self._idle.clear()
        self._wake.set()

    async def _keep(self, content: AsyncIterator[bytes], name: str) -> tuple[str, int]:
        """Copy to disk while hashing; nothing stays behind when it fails."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            handle, scratch = tempfile.mkstemp(dir=self._folder, prefix=".incoming-")
        except OSError as error:
            raise _unkept(self._folder, error) from error
        try:
            with os.fdopen(handle, "wb") as file:
                digest, size = await self._copy(content, file, name)
            if size == 0:
                raise UserError("ingest.empty", name=name, detail="")
            target = self.path_of(digest)
            target.parent.mkdir(exist_ok=True)
            os.replace(scratch, target)
        except OSError as error:
            raise _unkept(self._folder, error) from error
        finally:
            _discard(scratch)
        return digest, size

    async def _copy(
        self, content: AsyncIterator[bytes], file: BinaryIO, name: str
    ) -> tuple[str, int]:
        digest, size = hashlib.sha256(), 0
        async for block in content:
            size += len(block)
            if size > self._max_bytes:
                raise TooLarge("ingest.over_limit", name=name, mb=self._max_bytes >> 20)
            digest.update(block)
            file.write(block)
        file.flush()
        await asyncio.to_thread(os.fsync, file.fileno())
        return digest.hexdigest(), size

    def _enter(
        self, connection: Connection, who: Principal, collection_name: str, file: _Incoming
    ) -> Added:
        collection = documents.ensure_collection(connection, self._stamps, who, collection_name)
        named = documents.named_documents(connection, who, collection.id, file.name)
        for old, _ in named:
            if old.content_hash == file.digest and old.state != "failed":
                return Added(old.id, file.name, "unchanged")
        for old, may_change in named:
            if may_change:
                intake.set_state(
                    connection,
                    self._stamps,
                    old.id,
                    "queued",
                    content_hash=file.digest,
                    size=file.size,
                    version=old.version + 1,
                    source=file.source or old.source,
                    reason=None,
                )
                return Added(old.id, file.name, "updated")
        document_id = documents.add_document(
            connection,
            self._stamps,
            who,
            collection,
            name=file.name,
            title=file.name,
            source=file.source,
            content_hash=file.digest,
            size=file.size,
            state="queued",
        )
        return Added(document_id, file.name, "queued")

    async def _ingest(self, document_id: str) -> None:
        """Read and index one document; it ends ready or failed, whatever happens."""
        name = document_id
        try:
            document = await self._database.read(lambda c: documents.document_by_id(c, document_id))
            name = document.name
            async with asyncio.timeout(self._deadline_s):
                path = self.path_of(document.content_hash)
                ours = document.source.startswith(OURS)
                parsed = await (
                    read_ours(path, name) if ours else read_file(path, name, self._deadline_s)
                )
                await self._indexer.index(document, parsed)
        except Superseded:
            _log.info("document %s changed while it was read", document_id)
        except AttendaError as error:
            self._failures[document_id] = error
        except TimeoutError:
            seconds = f"{self._deadline_s:g}"
            self._failures[document_id] = UserError("ingest.too_slow", name=name, seconds=seconds)
        except Exception:  # noqa: BLE001 - one document must not end the worker for all others
            _log.exception("document %s broke its way in", document_id)
            self._failures[document_id] = UserError("ingest.broken", name=name, detail="")

    def _claim(self, connection: Connection) -> str | None:
        """Write what failed, then take the next document of the queue."""
        for document_id, error in self._failures.items():
            intake.fail_document(connection, self._stamps, document_id, error)
        return intake.claim_next(connection, self._stamps, int(self._deadline_s * 1_000_000))

    async def _insist(self, work: Callable[[Connection], T]) -> T:
        """Do `work` in the database, again and again until it can be done.

        The worker has nothing else to do meanwhile, and without it no document would settle.
        """
        for pause in chain(_PAUSES_S, repeat(_PAUSES_S[-1])):
            try:
                return await self._database.write(work)
            except Exception:  # noqa: BLE001 - whatever the database says, the queue goes on
                _log.exception("the worker could not write; it tries again in %g s", pause)
                await asyncio.sleep(pause)
        raise AssertionError("the pauses have no end")


def _discard(scratch: str) -> None:
    Path(scratch).unlink(missing_ok=True)


def _unkept(folder: Path, error: OSError) -> OperatorError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return OperatorError("store.disk_full")
    return OperatorError("store.unwritable", path=folder, problem=error.strerror or error)
