"""What a file was read into becomes documents, passages, words and vectors.

A file of one record is the document itself; of many, each becomes a document below it. Records
whose content is what it was are left alone, and those that the file no longer has are erased.
Each batch is one transaction, which is taken back if the document was changed meanwhile.
"""

import asyncio
import hashlib
import json
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from attenda.core.errors import ModelError
from attenda.core.label import Label
from attenda.core.ports import Embedder
from attenda.knowledge.parse import Page, Parsed
from attenda.knowledge.split import passage_id, split
from attenda.store import documents, intake, passages, vectors
from attenda.store.database import Connection, Database
from attenda.store.stamps import Stamps

__all__ = ["Indexer", "Superseded"]

_BATCH = 32
"""Passages embedded and stored together."""
_MAX_TITLE = 500
_MAX_HEADING = 1000


class Superseded(Exception):
    """The document went, or came again, while this version of it was being read."""


@dataclass(frozen=True, slots=True)
class _Record:
    """A record of a container, with the name it is known by and the hash of its content."""

    name: str
    digest: str
    parsed: Parsed


@dataclass(frozen=True, slots=True)
class _Target:
    """The document that a parsed record becomes."""

    id: str
    version: int
    title: str
    label: Label
    parsed: Parsed


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A target, split and packed, ready to be stored."""

    target: _Target
    passages: list[passages.NewPassage]
    pages: list[documents.StoredPage]


class Indexer:
    """Stores what was read, in batches."""

    def __init__(self, database: Database, stamps: Stamps, embedder: Embedder | None) -> None:
        self._database = database
        self._stamps = stamps
        self._embedder = embedder

    async def index(self, document: documents.Document, parsed: Sequence[Parsed]) -> None:
        """Index what the file of `document` was read into; it is ready afterwards.

        Raises:
            Superseded: nothing more is to be done for this version.
            ModelError: the embedder failed twice.
        """
        records = await asyncio.to_thread(lambda: list(_named(document.name, parsed)))
        targets, gone = await self._database.write(lambda c: self._plan(c, document, records))
        done = len(records) - len(targets)
        for batch in _batches(targets):
            done += len(batch)
            await self._index_batch(document, batch, done, len(records))
        await self._database.write(lambda c: self._finish(c, document, len(records), gone))

    def _plan(
        self, connection: Connection, taken: documents.Document, records: Sequence[_Record]
    ) -> tuple[list[_Target], list[str]]:
        """Which documents the records become; unchanged ones are left out. Also those gone."""
        document = _held(connection, taken)
        total = len(records)
        intake.set_state(connection, self._stamps, document.id, "indexing", done=0, total=total)
        children = documents.children_of(connection, document.id)
        if total == 1:
            target = _target(document, document.id, document.version, records[0].parsed)
            return [target], [child.id for child in children.values()]
        self._empty(connection, document.id)
        new: list[tuple[str, str, str]] = []
        changed: list[tuple[str, str, int]] = []
        targets: list[_Target] = []
        for record in records:
            old = children.pop(record.name, None)
            if old is None:
                id_, version = self._stamps.new_id("doc"), 1
                new.append((id_, record.name, record.digest))
            elif old.content_hash == record.digest and old.state == "ready":
                continue
            else:
                id_, version = old.id, old.version + 1
                changed.append((id_, record.digest, version))
            targets.append(_target(document, id_, version, record.parsed))
        intake.add_records(connection, self._stamps, document, new)
        intake.renew_records(connection, self._stamps, changed)
        return targets, [child.id for child in children.values()]

    def _empty(self, connection: Connection, container_id: str) -> None:
        """Take from a container what it had while it was a document of one record."""
        passages.remove_passages(connection, [container_id])
        documents.replace_pages(connection, container_id, [])
        intake.set_state(connection, self._stamps, container_id, "indexing", text="")

    async def _index_batch(
        self, taken: documents.Document, batch: Sequence[_Target], done: int, total: int
    ) -> None:
        """Split and embed some documents, then store them in one transaction."""
        prepared = await asyncio.to_thread(lambda: [_prepare(target) for target in batch])
        texts = [
            vectors.embedded_text(one.target.title, passage.heading, passage.text)
            for one in prepared
            for passage in one.passages
        ]
        matrix = await self._embed(texts, taken.id if total == 1 else None)

        def store(connection: Connection) -> None:
            _held(connection, taken)
            passages.remove_passages(connection, [target.id for target in batch])
            numbers: list[int] = []
            for one in prepared:
                numbers += passages.add_passages(connection, one.passages, one.target.title)
                state = "indexing" if one.target.id == taken.id else "ready"
                self._store_text(connection, one, state)
            if matrix is not None and self._embedder is not None:
                name, width = self._embedder.name, self._embedder.width
                index = vectors.ensure_index(connection, name, width, self._stamps.now())
                vectors.add_vectors(connection, index.id, numbers, matrix)
            intake.set_progress(connection, taken.id, done, total)

        await self._database.write(store)

    async def _embed(
        self, texts: Sequence[str], watched_id: str | None
    ) -> NDArray[np.float32] | None:
        """Vectors of `texts`; a single long document shows its progress in passages."""
        if self._embedder is None or not texts:
            return None
        parts: list[NDArray[np.float32]] = []
        for first in range(0, len(texts), _BATCH):
            parts.append(await _embed_twice(self._embedder, texts[first : first + _BATCH]))
            if watched_id is not None:
                so_far, of = min(first + _BATCH, len(texts)), len(texts)
                show = partial(intake.set_progress, document_id=watched_id, done=so_far, total=of)
                await self._database.write(show)
        return np.concatenate(parts)

    def _store_text(self, connection: Connection, one: _Prepared, state: str) -> None:
        intake.set_state(
            connection,
            self._stamps,
            one.target.id,
            state,
            title=one.target.title,
            text=one.target.parsed.text,
            external_id=_clipped(one.target.parsed.external_id),
            reason=None,
        )
        documents.replace_pages(connection, one.target.id, one.pages)

    def _finish(
        self, connection: Connection, taken: documents.Document, total: int, gone: Sequence[str]
    ) -> None:
        _held(connection, taken)
        passages.remove_passages(connection, gone)
        documents.erase_documents(connection, gone)
        intake.set_state(
            connection,
            self._stamps,
            taken.id,
            "ready",
            done=total,
            total=total,
            reason=None,
            deadline_at=None,
        )


def _held(connection: Connection, taken: documents.Document) -> documents.Document:
    """The document as it is now, its owner, team and trash included."""
    document = intake.still_taken(connection, taken)
    if document is None:
        raise Superseded
    return document


async def _embed_twice(embedder: Embedder, texts: Sequence[str]) -> NDArray[np.float32]:
    """Ask again once: a process that died is started anew, and vectors have no other effect."""
    try:
        return await embedder.embed(texts)
    except ModelError:
        return await embedder.embed(texts)


def _named(file_name: str, parsed: Sequence[Parsed]) -> Iterator[_Record]:
    """Records by their own id or their place; of those with one id, the later get a number."""
    seen: set[str] = set()
    for place, record in enumerate(parsed, start=1):
        name = _clipped(record.external_id) or f"{file_name[-280:]}:{place}"
        unique, count = name, 1
        while unique in seen:
            count += 1
            unique = f"{name[:285]} ({count})"
        seen.add(unique)
        digest = hashlib.sha256(f"{record.title}\n{record.text}".encode()).hexdigest()
        yield _Record(unique, digest, record)


def _clipped(external_id: str | None) -> str | None:
    return None if external_id is None else documents.as_stored(external_id)[:300]


def _target(document: documents.Document, id_: str, version: int, parsed: Parsed) -> _Target:
    readers = {document.owner_id, *([document.team_id] if document.team_id else [])}
    label = Label(integrity="untrusted", readers=frozenset(readers), sources=frozenset({id_}))
    title = (parsed.title.strip() or document.name)[:_MAX_TITLE]
    return _Target(id_, version, title, label, parsed)


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


def _prepare(target: _Target) -> _Prepared:
    new = [
        passages.NewPassage(
            id=passage_id(target.id, target.version, piece.start, piece.end),
            document_id=target.id,
            start=piece.start,
            end=piece.end,
            page=piece.page,
            heading=" › ".join(piece.heading)[:_MAX_HEADING],
            text=target.parsed.text[piece.start : piece.end],
            label=target.label,
        )
        for piece in split(target.parsed)
    ]
    return _Prepared(target, new, [_page(page) for page in target.parsed.pages])


def _page(page: Page) -> documents.StoredPage:
    boxes = [[b.start, b.end, b.x0, b.y0, b.x1, b.y1] for b in page.boxes]
    body = zlib.compress(json.dumps(boxes, separators=(",", ":")).encode())
    return documents.StoredPage(page.number, page.start, page.end, page.width, page.height, body)
