"""Parts that knowledge tests put together: a worker over any database, and faults to give it."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attenda.api import Embedder, ModelError, Principal, ScriptedEmbedder
from attenda.knowledge.ingest import Added, Ingester
from attenda.knowledge.parse import Block, Parsed
from attenda.store import documents
from attenda.store.database import Database
from attenda.store.stamps import Stamps

__all__ = [
    "CountingEmbedder",
    "FaultyDatabase",
    "add",
    "all_documents",
    "content_of",
    "plain",
    "rising_stamps",
    "working",
]


_TICKS = itertools.count(1_767_614_400_000_000, 1000)
_CHANCES = itertools.count(1)


def rising_stamps() -> Stamps:
    """Ids that count up through the whole run, and a clock that moves a millisecond a look."""
    return Stamps(clock=_TICKS.__next__, chance=_CHANCES.__next__)


class CountingEmbedder(ScriptedEmbedder):
    """The scripted embedder, which notes its texts and dies when told to."""

    def __init__(self, width: int = 64, deaths: Iterable[bool] = ()) -> None:
        super().__init__(width)
        self.texts: list[str] = []
        self.deaths = iter(deaths)

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        if next(self.deaths, False):
            raise ModelError("model.died", name=self.name, how="signal 9")
        self.texts += texts
        return await super().embed(texts)


class FaultyDatabase:
    """A database some of whose writes fail: before the work, or after it and before the commit."""

    def __init__(self, database: Database, fault: Callable[[], str]) -> None:
        self._database = database
        self._fault = fault

    async def read(self, work: Callable[[Any], Any]) -> Any:
        return await self._database.read(work)

    async def write(self, work: Callable[[Any], Any]) -> Any:
        fault = self._fault()

        def done(connection: Any) -> Any:
            result = work(connection)
            if fault == "late":
                raise OSError("the disk went away before the commit")
            return result

        if fault == "early":
            raise RuntimeError("the connection was lost")
        return await self._database.write(done)


async def content_of(body: bytes) -> AsyncIterator[bytes]:
    yield body


def plain(text: str, title: str = "", external_id: str | None = None) -> Parsed:
    """A document of one paragraph."""
    return Parsed(title, text, (Block(0, len(text), "paragraph", (), None),), (), external_id)


@contextlib.asynccontextmanager
async def working(
    database: Any, folder: Path, embedder: Embedder | None = None, stamps: Stamps | None = None
) -> AsyncIterator[Ingester]:
    """An ingester whose worker runs."""
    ingester = Ingester(
        database, stamps or rising_stamps(), embedder or ScriptedEmbedder(), folder, deadline_s=60
    )
    task = asyncio.create_task(ingester.work())
    try:
        yield ingester
        assert not task.done(), "the worker ended"
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def add(
    ingester: Ingester, who: Principal, name: str, body: bytes, collection: str = "Library"
) -> Added:
    """Hand a file in and wait until it has settled."""
    added = await ingester.add(who, collection, name, content_of(body))
    await ingester.wait_idle()
    return added


async def all_documents(database: Database, who: Principal) -> list[documents.Document]:
    """Every document that `who` may see, records too."""

    def load(connection: Any) -> list[documents.Document]:
        whole = documents.list_documents(connection, who)
        return whole + [
            record
            for one in whole
            for record in documents.list_documents(connection, who, container_id=one.id)
        ]

    return await database.read(load)
