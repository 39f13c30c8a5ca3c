"""Writes a run's events: live at once, to the log in batches of at most 250 ms.

What the log holds is what was shown: the answer at the end is spelled from the same pieces. It
knows no model and no documents.
"""

import asyncio
import contextlib

from attenda.core.event import Cited, Event, TextAdded
from attenda.core.message import CitationPart, Message, Part, TextPart
from attenda.runtime.live import Heard, Hub
from attenda.runtime.log import EventLog

__all__ = ["Recorder"]

_BATCH_S = 0.25


class Recorder:
    """The pen of one run."""

    def __init__(self, log: EventLog, hub: Hub, session_id: str, run_id: str) -> None:
        self.session_id = session_id
        self.run_id = run_id
        self._log = log
        self._hub = hub
        self._text: list[str] = []
        self._length = 0
        self._stored = 0
        """Code points of the answer that the log has."""
        self._cited: list[Cited] = []
        self._flushing: asyncio.Task[None] | None = None
        self._lock = asyncio.Lock()

    @property
    def length(self) -> int:
        """Code points of the answer so far."""
        return self._length

    def write(self, text: str) -> None:
        """Add words to the answer: heard at once, stored soon."""
        if not text:
            return
        self._hub.publish(self.session_id, Heard(TextAdded(at=self._length, text=text)))
        self._text.append(text)
        self._length += len(text)
        if self._flushing is None or self._flushing.done():
            self._flushing = asyncio.create_task(self._flush_soon())

    async def note(self, event: Event) -> None:
        """Store an event, after the words before it, and let it be heard."""
        if isinstance(event, Cited):
            self._cited.append(event)
        await self._store([event])

    def answer(self) -> Message:
        """The answer as it stands."""
        parts: list[Part] = [TextPart(text="".join(self._text))]
        parts.extend(CitationPart(citation=cited.citation) for cited in self._cited)
        return Message(role="assistant", parts=tuple(parts))

    async def close(self) -> None:
        """Store the words that are still on their way."""
        if self._flushing is not None:
            self._flushing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._flushing
        await self._store([])

    async def _flush_soon(self) -> None:
        # All runs wake on the same beat, so that their words share a transaction.
        await asyncio.sleep(_BATCH_S - asyncio.get_running_loop().time() % _BATCH_S)
        await asyncio.shield(self._store([]))

    async def _store(self, events: list[Event]) -> None:
        async with self._lock:
            whole = "".join(self._text)
            pending = whole[self._stored :]
            new: list[Event] = [TextAdded(at=self._stored, text=pending)] if pending else []
            new += events
            if not new:
                return
            await self._log.store(self.session_id, self.run_id, new)
            self._stored = len(whole)
