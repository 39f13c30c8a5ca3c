"""The answers under way in this process: one a session, each a task that may be stopped."""

import asyncio
import contextlib
from collections.abc import Coroutine, Iterable
from typing import Any
from weakref import WeakValueDictionary

from attenda.runtime.live import Hub

__all__ = ["UnderWay"]


class UnderWay:
    """Tasks by session."""

    def __init__(self, hub: Hub) -> None:
        """Followers in `hub` are sent away when the answer that they hear is over."""
        self._hub = hub
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._openings = WeakValueDictionary[str, asyncio.Lock]()

    def opening(self, session_id: str) -> asyncio.Lock:
        """To be held from before an answer is stored as running until it is launched.

        Whoever came in between would take it for one that a dead process left behind.
        """
        return self._openings.setdefault(session_id, asyncio.Lock())

    def launch(self, session_id: str, answer: Coroutine[Any, Any, None], owner: str) -> None:
        """Set an answer going; `owner` is the id of whom it is for."""
        self._tasks[session_id] = asyncio.create_task(answer, name=f"run of {owner}")

    def leave(self, session_id: str) -> None:
        """Called by the answer itself, once its end is stored; the next may be there already."""
        if self._tasks.get(session_id) is asyncio.current_task():
            del self._tasks[session_id]
            self._hub.close(session_id)

    def runs(self, session_id: str) -> bool:
        """Whether a session has an answer under way."""
        return session_id in self._tasks

    async def stop(self, session_id: str) -> bool:
        """Stop a session's answer and wait until its end is stored; whether there was one."""
        task = self._tasks.get(session_id)
        if task is None:
            return False
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.shield(asyncio.wait([task]))
        return True

    async def stop_of(self, owner: str) -> None:
        """Stop every answer that is for a person, and wait for their ends."""
        name = f"run of {owner}"
        await self._stop([task for task in self._tasks.values() if task.get_name() == name])

    async def stop_all(self) -> None:
        """Stop every answer and wait for their ends."""
        await self._stop(list(self._tasks.values()))

    async def _stop(self, tasks: Iterable[asyncio.Task[None]]) -> None:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
