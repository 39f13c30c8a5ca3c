"""Streams that stay open only while their reader may read.

Rights end in the database, perhaps by another process. One watch per process looks at the access
version twice a second and, when it has moved, asks each open stream to prove itself again. When
the watch cannot look, the streams end: their readers come back, and are checked.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

from attenda.core.errors import AttendaError
from attenda.store import people
from attenda.store.database import Database

__all__ = ["OpenStreams"]

_WATCH_S = 0.5


class OpenStreams:
    """The streams open in this process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._open: dict[Callable[[], None], Callable[[], Awaitable[object]]] = {}
        """How to end each stream, and how its reader proves themselves."""
        self._watching: asyncio.Task[None] | None = None

    @property
    def count(self) -> int:
        """How many streams are open."""
        return len(self._open)

    async def while_allowed(
        self,
        frames: AsyncIterator[bytes],
        end: Callable[[], None],
        proof: Callable[[], Awaitable[object]],
    ) -> AsyncIterator[bytes]:
        """`frames`, ended early by `end` when `proof` raises after a change of rights.

        The first proof comes after the stream is known to the watch, so no change falls between.
        """
        self._open[end] = proof
        if self._watching is None or self._watching.done():
            self._watching = asyncio.create_task(self._watch(), name="watch access")
        try:
            if await _holds(proof):
                async for frame in frames:
                    yield frame
        finally:
            del self._open[end]

    async def _watch(self) -> None:
        version = 0  # no version: the first look asks every stream
        try:
            while self._open:
                await asyncio.sleep(_WATCH_S)
                now = await self._database.read(people.access_version)
                if now != version:
                    await self._ask_all()
                version = now
        finally:
            for end in list(self._open):
                end()

    async def _ask_all(self) -> None:
        for end, proof in list(self._open.items()):
            if not await _holds(proof):
                end()


async def _holds(proof: Callable[[], Awaitable[object]]) -> bool:
    with contextlib.suppress(AttendaError):
        await proof()
        return True
    return False
