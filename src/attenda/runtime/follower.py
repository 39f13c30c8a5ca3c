"""Follows a session's log: what is stored after a number, then what happens, each word once.

Words are heard before they are stored. A follower hears a word either live or from the log, never
both; a live word beyond a gap (said before the follower came, not yet stored) is left to the log.
Only stored events carry a number, and a stream can be resumed from any of them: `last` says from
which, as words become stored that were handed on before.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager

from attenda.core.event import Event, RunFinished, RunStarted, TextAdded
from attenda.runtime.live import Heard, Hub
from attenda.store import runs
from attenda.store.database import Database

__all__ = ["Follower"]

_PULSE = Heard(TextAdded(at=0, text=""))
"""Says only that time has passed."""


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
        self.last = after
        """All events up to this number were handed on."""
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

        Every `silence_s` seconds comes a batch in any case, if only an empty one.
        """
        with self._hub.follow(self._session_id) as queue, _pulse(queue, silence_s):
            self._queue = queue
            log = await self._database.read(
                lambda c: runs.events_after(c, self._session_id, self.last)
            )
            stored = [self._fresh(Heard(one.event, one.number)) for one in log]
            yield [one for one in stored if one is not None]
            while not self._closed and (self._running() or not queue.empty()):
                batch, ended = await self._next(queue, merge_s)
                if batch is not None:
                    yield batch
                if ended:
                    return

    async def _next(
        self, queue: "asyncio.Queue[Heard | None]", merge_s: float
    ) -> tuple[list[Heard] | None, bool]:
        """What comes next, nothing if it is no news, and whether the stream ends with it."""
        one = await queue.get()
        loop = asyncio.get_running_loop()
        wait_s = self._last_batch_at + merge_s - loop.time()
        if wait_s > 0 and one is not None:
            await asyncio.sleep(wait_s)
        batch: list[Heard] = []
        pulse = False
        while one is not None:
            if one is _PULSE:
                pulse = True
            elif (fresh := self._fresh(one)) is not None:
                _join(batch, fresh)
            if isinstance(one.event, RunFinished) or queue.empty():
                break
            one = queue.get_nowait()
        if batch:
            self._last_batch_at = loop.time()
        ended = one is None or isinstance(one.event, RunFinished)
        return (batch if batch or pulse else None), ended

    def _fresh(self, heard: Heard) -> Heard | None:
        """The part of an event that was not handed on yet; nothing when it is all old."""
        if heard.number is not None:
            if heard.number <= self.last:
                return None
            self.last = heard.number
        event = heard.event
        if not isinstance(event, TextAdded):
            self._heard_to = 0 if isinstance(event, RunStarted) else self._heard_to
            return heard
        if heard.number is None and (event.at > self._heard_to or _end(event) <= self._heard_to):
            return None
        text = event.text[max(0, self._heard_to - event.at) :]
        if not text:
            return None
        at = max(event.at, self._heard_to)
        self._heard_to = max(self._heard_to, _end(event))
        return Heard(TextAdded(at=at, text=text), heard.number)


@contextmanager
def _pulse(queue: "asyncio.Queue[Heard | None]", every_s: float | None) -> Iterator[None]:
    """Put a pulse into the queue every `every_s` seconds."""
    loop = asyncio.get_running_loop()
    timers: list[asyncio.TimerHandle] = []

    def beat(wait_s: float) -> None:
        timers[:] = [loop.call_later(wait_s, beat, wait_s)]
        queue.put_nowait(_PULSE)

    if every_s is not None:
        timers.append(loop.call_later(every_s, beat, every_s))
    try:
        yield
    finally:
        for timer in timers:
            timer.cancel()


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
