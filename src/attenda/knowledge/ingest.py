"""A file's way in: copied, read, split, embedded, indexed; every step a state in the database.

`add` acknowledges a file once its bytes are on disk and its row is queued. One worker takes the
queue; a crash puts what was half way back into it. A file whose content is already there under
its name is left alone, and of a container only the records that changed are done again.
"""

import asyncio
import hashlib
import json
import os
import tempfile
import zlib
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from attenda.core.errors import AttendaError, OperatorError, TooLarge, UserError
from attenda.core.label import Label
from attenda.core.ports import Embedder
from attenda.core.principal import Principal
from attenda.knowledge.parse import Page, Parsed
from attenda.knowledge.reading import read_file
from attenda.knowledge.split import passage_id, split
from attenda.store import documents, passages
from attenda.store.database import Connection, Database
from attenda.store.stamps import Stamps

__all__ = ["Added", "Ingester"]

_BATCH = 32
"""Passages embedded and stored together."""


@dataclass(frozen=True, slots=True)
class Added:
    """What became of one file that was handed in."""

    document_id: str
    name: str
    outcome: str
    """`queued`, `unchanged` or `updated`."""


@dataclass(frozen=True, slots=True)
class _Target:
    """The document that a parsed record becomes."""

    id: str
    version: int
    title: str
    label: Label
    parsed: Parsed


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
        self._embedder = embedder
        self._folder = folder
        self._deadline_s = deadline_s
        self._max_bytes = max_bytes
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()

    async def add(
        self,
        who: Principal,
        collection_name: str,
        name: str,
        content: AsyncIterator[bytes],
        source: str = "",
    ) -> Added:
        """Take a file in; returns once it is on disk and queued.

        Raises:
            UserError: it is empty or too large.
            OperatorError: the disk is full.
        """
        clean = name.replace("\x00", "").strip().replace("\\", "/").rsplit("/", 1)[-1][:300]
        digest, size = await self._keep(content, clean)
        added = await self._database.write(
            lambda c: self._enter(c, who, collection_name, clean, digest, size, source)
        )
        if added.outcome != "unchanged":
            self._idle.clear()
            self._wake.set()
        return added

    async def work(self) -> None:
        """Take the queue for ever; run as one task."""
        await self._database.write(lambda c: documents.requeue_interrupted(c, self._stamps))
        deadline_us = int(self._deadline_s * 1_000_000)
        while True:
            self._wake.clear()
            document_id = await self._database.write(
                lambda c: documents.claim_next(c, self._stamps, deadline_us)
            )
            if document_id is None:
                self._idle.set()
                await self._wake.wait()
            else:
                await self._ingest(document_id)

    async def wait_idle(self) -> None:
        """Return when the queue is empty."""
        await self._idle.wait()

    async def retry(self, who: Principal, document_id: str) -> None:
        """Queue a failed document again.

        Raises:
            NotFound: it is not there or not theirs.
        """

        def again(connection: Connection) -> None:
            documents.get_document(connection, who, document_id)
            documents.set_state(connection, self._stamps, document_id, "queued", reason=None)

        await self._database.write(again)
        self._idle.clear()
        self._wake.set()

    def path_of(self, content_hash: str) -> Path:
        """Where the copy with that hash lies."""
        return self._folder / content_hash[:2] / content_hash

    async def _keep(self, content: AsyncIterator[bytes], name: str) -> tuple[str, int]:
        """Copy to disk while hashing; nothing stays behind when it fails."""
        self._folder.mkdir(parents=True, exist_ok=True)
        digest, size = hashlib.sha256(), 0
        handle, scratch = tempfile.mkstemp(dir=self._folder, prefix=".incoming-")
        try:
            with os.fdopen(handle, "wb") as file:
                async for block in content:
                    size += len(block)
                    if size > self._max_bytes:
                        raise TooLarge("ingest.over_limit", name=name, mb=self._max_bytes >> 20)
                    digest.update(block)
                    file.write(block)
                file.flush()
                os.fsync(file.fileno())
            if size == 0:
                raise UserError("ingest.empty", name=name, detail="")
            target = self.path_of(digest.hexdigest())
            target.parent.mkdir(exist_ok=True)
            os.replace(scratch, target)
        except OSError as error:
            raise OperatorError("store.disk_full") from error
        finally:
            _discard(scratch)
        return digest.hexdigest(), size

    def _enter(
        self,
        connection: Connection,
        who: Principal,
        collection_name: str,
        name: str,
        digest: str,
        size: int,
        source: str,
    ) -> Added:
        collection = documents.ensure_collection(connection, self._stamps, who, collection_name)
        old = documents.same_content(connection, collection.id, name)
        if old is None:
            document_id = documents.add_document(
                connection,
                self._stamps,
                who,
                collection,
                name=name,
                title=name,
                source=source,
                content_hash=digest,
                size=size,
                state="queued",
            )
            return Added(document_id, name, "queued")
        if old.content_hash == digest and old.state != "failed":
            return Added(old.id, name, "unchanged")
        documents.set_state(
            connection,
            self._stamps,
            old.id,
            "queued",
            content_hash=digest,
            size=size,
            version=old.version + 1,
            reason=None,
        )
        return Added(old.id, name, "updated")

    async def _ingest(self, document_id: str) -> None:
        """Read and index one document; it ends ready or failed, whatever happens."""
        try:
            async with asyncio.timeout(self._deadline_s):
                document = await self._database.read(
                    lambda c: documents.document_by_id(c, document_id)
                )
                path = self.path_of(document.content_hash)
                parsed = await read_file(path, document.name, self._deadline_s)
                await self._index(document, parsed)
        except AttendaError as error:
            await self._fail(document_id, error)
        except TimeoutError:
            await self._fail(
                document_id,
                UserError("ingest.too_slow", name=document_id, seconds=f"{self._deadline_s:g}"),
            )

    async def _fail(self, document_id: str, error: AttendaError) -> None:
        await self._database.write(
            lambda c: documents.fail_document(c, self._stamps, document_id, error)
        )

    async def _index(self, document: documents.Document, parsed: Sequence[Parsed]) -> None:
        targets, gone = await self._database.write(lambda c: self._targets(c, document, parsed))
        total, done = len(targets), 0
        for batch in _batches(targets):
            done += len(batch)
            await self._index_batch(document.id, batch, done, total)
        await self._database.write(lambda c: self._finish(c, document, total, gone))

    def _targets(
        self, connection: Connection, document: documents.Document, parsed: Sequence[Parsed]
    ) -> tuple[list[_Target], list[str]]:
        """Which documents the records become; unchanged ones are left out. Also those gone."""
        documents.set_state(
            connection, self._stamps, document.id, "indexing", done=0, total=len(parsed)
        )
        if len(parsed) == 1:
            children = documents.children_of(connection, document.id)
            target = self._target(connection, document, parsed[0])
            return [target], [child.id for child in children.values()]
        children = documents.children_of(connection, document.id)
        targets = []
        for place, record in enumerate(parsed):
            name = record.external_id or f"{document.name}:{place + 1}"
            old = children.pop(name, None)
            digest = hashlib.sha256(f"{record.title}\n{record.text}".encode()).hexdigest()
            if old is not None and old.content_hash == digest and old.state == "ready":
                continue
            child = old or documents.add_record(connection, self._stamps, document, name, digest)
            if old is not None:
                documents.set_state(
                    connection,
                    self._stamps,
                    old.id,
                    "indexing",
                    content_hash=digest,
                    version=old.version + 1,
                )
                child = documents.document_by_id(connection, old.id)
            targets.append(self._target(connection, child, record))
        return targets, [child.id for child in children.values()]

    def _target(
        self, connection: Connection, document: documents.Document, parsed: Parsed
    ) -> _Target:
        readers = {document.owner_id, *([document.team_id] if document.team_id else [])}
        label = Label(
            integrity="untrusted", readers=frozenset(readers), sources=frozenset({document.id})
        )
        title = parsed.title.strip() or document.name
        return _Target(document.id, document.version, title, label, parsed)

    async def _index_batch(
        self, container_id: str, batch: Sequence[_Target], done: int, total: int
    ) -> None:
        """Split and embed some documents, then store them in one transaction."""
        new = {target.id: _passages(target) for target in batch}
        texts = [
            passages.embedded_text(target.title, one.heading, one.text)
            for target in batch
            for one in new[target.id]
        ]
        matrix = await self._embed(texts, container_id if total == 1 else None)

        def store(connection: Connection) -> None:
            passages.remove_passages(connection, [target.id for target in batch])
            numbers: list[int] = []
            for target in batch:
                numbers += passages.add_passages(connection, new[target.id], target.title)
                self._store_text(connection, target)
            if matrix is not None and self._embedder is not None:
                index_id, _ = passages.ensure_index(
                    connection, self._embedder.name, self._embedder.width, self._stamps.now()
                )
                passages.add_vectors(connection, index_id, numbers, matrix)
            documents.set_progress(connection, container_id, done, total)

        await self._database.write(store)

    async def _embed(
        self, texts: Sequence[str], watched_id: str | None
    ) -> NDArray[np.float32] | None:
        """Vectors of `texts`; a single long document shows its progress in passages."""
        if self._embedder is None or not texts:
            return None
        parts: list[NDArray[np.float32]] = []
        for first in range(0, len(texts), _BATCH):
            parts.append(await self._embedder.embed(texts[first : first + _BATCH]))
            if watched_id is not None:
                so_far, of = min(first + _BATCH, len(texts)), len(texts)
                show = partial(
                    documents.set_progress, document_id=watched_id, done=so_far, total=of
                )
                await self._database.write(show)
        return np.concatenate(parts)

    def _store_text(self, connection: Connection, target: _Target) -> None:
        documents.set_state(
            connection,
            self._stamps,
            target.id,
            "ready",
            title=target.title[:500],
            text=target.parsed.text,
            external_id=target.parsed.external_id,
            reason=None,
            deadline_at=None,
        )
        documents.replace_pages(
            connection, target.id, [_page(page) for page in target.parsed.pages]
        )

    def _finish(
        self, connection: Connection, document: documents.Document, total: int, gone: Sequence[str]
    ) -> None:
        for document_id in gone:
            passages.remove_passages(connection, [document_id])
            documents.erase_document(connection, document_id)
        documents.set_state(
            connection,
            self._stamps,
            document.id,
            "ready",
            done=total,
            total=total,
            deadline_at=None,
        )


def _discard(scratch: str) -> None:
    Path(scratch).unlink(missing_ok=True)


def _batches(targets: Iterable[_Target]) -> Iterable[list[_Target]]:
    """Documents in groups of about `_BATCH` passages."""
    batch: list[_Target] = []
    size = 0
    for target in targets:
        batch.append(target)
        size += max(1, len(target.parsed.text) // 900)
        if size >= _BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _passages(target: _Target) -> list[passages.NewPassage]:
    return [
        passages.NewPassage(
            id=passage_id(target.id, target.version, piece.start, piece.end),
            document_id=target.id,
            start=piece.start,
            end=piece.end,
            page=piece.page,
            heading=" › ".join(piece.heading),
            text=target.parsed.text[piece.start : piece.end],
            label=target.label,
        )
        for piece in split(target.parsed)
    ]


def _page(page: Page) -> documents.StoredPage:
    boxes = [[b.start, b.end, b.x0, b.y0, b.x1, b.y1] for b in page.boxes]
    body = zlib.compress(json.dumps(boxes, separators=(",", ":")).encode())
    return documents.StoredPage(page.number, page.start, page.end, page.width, page.height, body)
