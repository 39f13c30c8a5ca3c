"""Keeps an index of vectors for the embedding model in use: built beside the old, then swapped in.

An index belongs to one model. After a change of model the old one is left alone, search goes on
by words, and the new one is filled in small batches; once nothing is missing it becomes the
active one and the old one goes, in one transaction. What is filled stays filled over a crash.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from attenda.core.errors import ModelError
from attenda.core.ports import Embedder
from attenda.store import vectors
from attenda.store.database import Connection, Database
from attenda.store.stamps import Stamps

__all__ = ["Reindexer"]

_log = logging.getLogger("attenda.reindex")
_BATCH = 64
_PAUSES_S = (1.0, 10.0, 60.0)
"""Waits after a failure of the embedder; the last one repeats."""


class Reindexer:
    """Fills the index of one embedder until nothing is missing."""

    def __init__(
        self,
        database: Database,
        stamps: Stamps,
        embedder: Embedder | None,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`embedder` should be the one at low priority."""
        self._database = database
        self._stamps = stamps
        self._embedder = embedder
        self._sleep = sleep

    async def run(self) -> None:
        """Bring the index up to date and make it the active one; run as one task, to its end.

        New documents that come meanwhile get their vectors from the ingester, in the same index.
        """
        embedder = self._embedder
        if embedder is None:
            return
        failures = 0
        while True:
            try:
                if await self._step(embedder):
                    return
                failures = 0
            except ModelError as error:
                pause = _PAUSES_S[min(failures, len(_PAUSES_S) - 1)]
                _log.warning("the index waits %g s: %s", pause, error)
                failures += 1
                await self._sleep(pause)

    async def _step(self, embedder: Embedder) -> bool:
        """Fill one batch, or swap the index in; whether it is done."""
        index_id, missing = await self._database.write(lambda c: self._look(c, embedder))
        if index_id is None:
            return True
        if not missing:
            return await self._database.write(lambda c: _swap_in(c, index_id))
        matrix = await embedder.embed([text for _, text in missing])
        numbers = [number for number, _ in missing]
        await self._database.write(
            lambda c: vectors.add_missing_vectors(c, index_id, numbers, matrix)
        )
        return False

    def _look(
        self, connection: Connection, embedder: Embedder
    ) -> tuple[int | None, list[tuple[int, str]]]:
        """The index to fill, with the next passages it wants; none before the first document."""
        if vectors.active_index(connection) is None:
            return None, []
        now = self._stamps.now()
        index = vectors.ensure_index(connection, embedder.name, embedder.width, now)
        return index.id, vectors.missing_vectors(connection, index.id, _BATCH)


def _swap_in(connection: Connection, index_id: int) -> bool:
    """Make the index the active one, unless passages without a vector came in this moment."""
    if vectors.missing_vectors(connection, index_id, 1):
        return False
    vectors.activate_index(connection, index_id)
    return True
