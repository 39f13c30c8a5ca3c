"""Short works of the school: one after the other, followed by their id.

An errand has progress, then a result or a sentence of what failed. They live in memory: what
lasts of one is in files. What an errand does, this file does not know.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from attenda.core.errors import AttendaError, NotFound

__all__ = ["Errand", "Errands"]

_KEPT = 40


@dataclass(slots=True)
class Errand:
    """One work, and how far it is."""

    kind: str
    total: int = 1
    done: int = 0
    begun: bool = False
    partial: Any = None
    """What there is of the result so far."""
    task: asyncio.Task[Any] | None = None

    def row(self, language: str) -> dict[str, Any]:
        """The errand as the page reads it."""
        row = {"kind": self.kind, "done": self.done, "total": self.total, "error": None}
        task = self.task
        if task is None or not task.done():
            return {**row, "state": "running" if self.begun else "waiting", "result": self.partial}
        problem = AttendaError("school.given_up") if task.cancelled() else task.exception()
        if problem is None:
            return {**row, "state": "done", "result": task.result()}
        if not isinstance(problem, AttendaError):
            problem = AttendaError("request.broken")
        return {**row, "state": "failed", "error": problem.text(language), "result": self.partial}


class Errands:
    """The errands of this process."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._known: dict[str, Errand] = {}

    def begin(
        self, kind: str, work: Callable[[Errand], Awaitable[Any]], total: int = 1
    ) -> dict[str, str]:
        """Carry `work` out when its turn comes; the id to follow it by."""
        errand = Errand(kind, total)

        async def body() -> Any:
            async with self._turn:
                errand.begun = True
                return await work(errand)

        errand_id = secrets.token_urlsafe(12)
        errand.task = asyncio.create_task(body(), name=f"errand {kind}")
        self._known[errand_id] = errand
        self._forget_old()
        return {"errand": errand_id}

    def row(self, errand_id: str, language: str) -> dict[str, Any]:
        """How far an errand is.

        Raises:
            NotFound: there is none of that id, or it is long ago.
        """
        if errand_id not in self._known:
            raise NotFound("school.no_errand")
        return self._known[errand_id].row(language)

    def give_up(self, errand_id: str) -> None:
        """End an errand early."""
        errand = self._known.get(errand_id)
        if errand is not None and errand.task is not None:
            errand.task.cancel()

    async def close(self) -> None:
        """End all of them."""
        tasks = [one.task for one in self._known.values() if one.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _forget_old(self) -> None:
        ended = [key for key, one in self._known.items() if one.task and one.task.done()]
        for key in ended[: max(0, len(self._known) - _KEPT)]:
            del self._known[key]
