"""Documents of packs, for everyone: those that come along, and texts that stand in their tables.

The tables are the truth and the library follows: what changed there is handed in anew, what is
gone there goes to the trash. It may be done at any time and any number of times.
"""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from hashlib import sha256
from pathlib import Path

from attenda.knowledge.ingest import OURS
from attenda.runtime.house import House
from attenda.runtime.pack import OpenPack, Pack
from attenda.store import documents
from attenda.store.database import Connection
from attenda.store.people import OWNER

__all__ = ["read_articles", "read_knowledge"]


async def read_knowledge(house: House, pack: Pack) -> None:
    """Hand in the files of a pack's `knowledge/`; they are searched once they are read."""
    folder = pack.folder / "knowledge"
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        source = f"{OURS}{pack.name}/{path.name}"
        await house.ingester.add(OWNER, _collection(pack), path.name, _bytes_of(path), source)


async def read_articles(house: House, pack: OpenPack) -> None:
    """Let the library have just those articles that a pack's tables have now."""
    listing = pack.pack.articles
    if listing is None:
        return
    texts = await house.database.read(lambda c: listing(lambda name: pack.executor.rows(c, name)))
    begins = f"pack:{pack.pack.name}/"
    there = await house.database.read(lambda c: documents.documents_from(c, OWNER, begins))
    for name, text in texts.items():
        before = there.get(begins + name)
        if before is not None and before.deleted_at is not None:
            await house.ingester.restore(OWNER, before.id)
        elif before is not None and before.content_hash == sha256(text.encode()).hexdigest():
            continue
        await house.ingester.add(
            OWNER, _collection(pack.pack), f"articles/{name}", _once(text), source=begins + name
        )
    for source, one in there.items():
        if source.removeprefix(begins) not in texts and one.deleted_at is None:
            await house.database.write(partial(_trash, house, one.id))


def _trash(house: House, document_id: str, connection: Connection) -> None:
    documents.trash_document(connection, house.stamps, OWNER, document_id)


def _collection(pack: Pack) -> str:
    return pack.title.get("en") or pack.name


async def _bytes_of(path: Path) -> AsyncIterator[bytes]:
    yield await asyncio.to_thread(path.read_bytes)


async def _once(text: str) -> AsyncIterator[bytes]:
    yield text.encode()
