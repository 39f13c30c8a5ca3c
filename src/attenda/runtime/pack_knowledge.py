"""The documents that come with a pack, read in for everyone when it is first opened."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from attenda.core.principal import Principal
from attenda.runtime.house import House
from attenda.runtime.pack import Pack
from attenda.store.people import OWNER_ID

__all__ = ["read_knowledge"]


async def read_knowledge(house: House, pack: Pack) -> None:
    """Hand in the files of a pack's `knowledge/`; they are searched once they are read."""
    owner = Principal(id=OWNER_ID, role="owner")
    folder = pack.folder / "knowledge"
    collection = pack.title.get("en") or pack.name
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        await house.ingester.add(owner, collection, path.name, _bytes_of(path))


async def _bytes_of(path: Path) -> AsyncIterator[bytes]:
    yield await asyncio.to_thread(path.read_bytes)
