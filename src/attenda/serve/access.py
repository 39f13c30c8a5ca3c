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
        self._proofs: dict[asyncio.Event, Callable[[], Awaitable[object]]] = {}
        self._watching: asyncio.Task[None] | None = None

    async def while_allowed(
        self, frames: AsyncIterator[bytes], proof: Callable[[], Awaitable[object]]
    ) -> AsyncIterator[bytes]:
        """`frames`, ended early when `proof` raises after a change of rights.

        The first proof comes after the stream is known to the watch, so no change falls between.
        """
        ended = asyncio.Event()
        self._proofs[ended] = proof
        if self._watching is None or self._watching.done():
            self._watching = asyncio.create_task(self._watch(), name="watch access")
        ending = asyncio.create_task(ended.wait())
        next_frame: asyncio.Future[bytes | None] | None = None
        try:
            if not await _holds(proof):
                return
            while True:
                next_frame = asyncio.ensure_future(anext(frames, None))
                await asyncio.wait([next_frame, ending], return_when=asyncio.FIRST_COMPLETED)
                if ending.done():
                    return
                frame = next_frame.result()
                if frame is None:
                    return
                yield frame
        finally:
            ending.cancel()
            if next_frame is not None:
                next_frame.cancel()
            del self._proofs[ended]

    async def _watch(self) -> None:
        version = 0  # no version: the first look asks every stream
        try:
            while self._proofs:
                await asyncio.sleep(_WATCH_S)
                now = await self._database.read(people.access_version)
                if now != version:
                    await self._ask_all()
                version = now
        finally:
            for ended in self._proofs:
                ended.set()

    async def _ask_all(self) -> None:
        for ended, proof in list(self._proofs.items()):
            if not await _holds(proof):
                ended.set()


async def _holds(proof: Callable[[], Awaitable[object]]) -> bool:
    with contextlib.suppress(AttendaError):
        await proof()
        return True
    return False
