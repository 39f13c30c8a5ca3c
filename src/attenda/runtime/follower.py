"""Follows a session's log: what is stored after a number, then what happens, each word once.

Words are heard before they are stored. A follower hears a word either live or from the log, never
both; a live word beyond a gap (said before the follower came, not yet stored) is left to the log.
Only stored events carry a number, and a stream can be resumed from any of them.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable

from attenda.core.event import Event, RunFinished, RunStarted, TextAdded
from attenda.runtime.live import Heard, Hub
from attenda.store import runs
from attenda.store.database import Database

__all__ = ["Follower"]


class Follower:
    """One reader of one session."""

    def __init__(
        self,
        database: Database,
        hub: Hub,
        session_id: str,
        after: int,
        running: Callable[[], bool],
    ) -> None:
        """`running` tells whether the session has a running answer."""
        self._database = database
        self._hub = hub
        self._session_id = session_id
        self._last = after
        self._running = running
        self._heard_to = 0
        """Code points of the running answer that were handed on."""
        self._queue: asyncio.Queue[Heard | None] | None = None
        self._closed = False
        self._last_batch_at = 0.0

    def close(self) -> None:
        """End the stream from outside, at once."""
        self._closed = True
        if self._queue is not None:
            self._queue.put_nowait(None)

    async def batches(
        self, merge_s: float = 0.0, silence_s: float | None = None
    ) -> AsyncGenerator[list[Heard], None]:
        """Events in batches at least `merge_s` apart, until the run has ended.

        An empty batch comes after each `silence_s` without an event.
        """
        with self._hub.follow(self._session_id) as queue:
            self._queue = queue
            log = await self._database.read(
                lambda c: runs.events_after(c, self._session_id, self._last)
            )
            stored = [self._fresh(Heard(one.event, one.number)) for one in log]
            yield [one for one in stored if one is not None]
            while not self._closed and (self._running() or not queue.empty()):
                batch, ended = await self._next(queue, merge_s, silence_s)
                yield batch
                if ended:
                    return

    async def _next(
        self, queue: "asyncio.Queue[Heard | None]", merge_s: float, silence_s: float | None
    ) -> tuple[list[Heard], bool]:
        """What comes next, and whether the stream ends with it."""
        try:
            async with asyncio.timeout(silence_s):
                first = await queue.get()
        except TimeoutError:
            return [], False
        now = asyncio.get_running_loop().time()
        if first is not None and self._last_batch_at + merge_s > now:
            await asyncio.sleep(self._last_batch_at + merge_s - now)
        self._last_batch_at = asyncio.get_running_loop().time()
        batch: list[Heard] = []
        one: Heard | None = first
        while one is not None:
            fresh = self._fresh(one)
            if fresh is not None:
                _join(batch, fresh)
            if isinstance(one.event, RunFinished):
                return batch, True
            if queue.empty():
                return batch, False
            one = queue.get_nowait()
        return batch, True

    def _fresh(self, heard: Heard) -> Heard | None:
        """The part of an event that was not handed on yet; nothing when it is all old."""
        if heard.number is not None:
            if heard.number <= self._last:
                return None
            self._last = heard.number
        event = heard.event
        if not isinstance(event, TextAdded):
            self._heard_to = 0 if isinstance(event, RunStarted) else self._heard_to
            return heard
        if heard.number is None and (event.at > self._heard_to or _end(event) <= self._heard_to):
            return None
        text = event.text[max(0, self._heard_to - event.at) :]
        at = max(event.at, self._heard_to)
        self._heard_to = max(self._heard_to, _end(event))
        return Heard(TextAdded(at=at, text=text), heard.number)


def _end(event: TextAdded) -> int:
    return event.at + len(event.text)


def _join(batch: list[Heard], heard: Heard) -> None:
    """Add to a batch; words that follow on the last words become one piece with them."""
    last = batch[-1] if batch else None
    if last is not None and last.number is None and _follows(last.event, heard.event):
        assert isinstance(last.event, TextAdded)
        assert isinstance(heard.event, TextAdded)
        text = last.event.text + heard.event.text
        batch[-1] = Heard(TextAdded(at=last.event.at, text=text), heard.number)
    else:
        batch.append(heard)


def _follows(last: Event, event: Event) -> bool:
    both = isinstance(last, TextAdded) and isinstance(event, TextAdded)
    return both and event.at == _end(last)  # type: ignore[union-attr, arg-type]
