"""The live side of the event log: who follows a session hears of events as they happen.

Text is published at once and stored in batches, so a follower hears words before they have a
number. Only stored events have numbers, and only from those can a stream be resumed. The hub
keeps nothing: a follower that comes late reads the log first.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from attenda.core.event import Event

__all__ = ["DESK", "Bells", "Heard", "Hub"]

DESK = "desk"
"""The bell that rings when something changed that the people of the desk may see."""

_BACKLOG = 10_000
"""Events a slow follower may lag behind before it is cut off to read the log anew."""


@dataclass(frozen=True, slots=True)
class Heard:
    """An event as a follower hears it; without a number it is not stored yet."""

    event: Event
    number: int | None = None


class Hub:
    """Passes events to the followers of each session, in this process."""

    def __init__(self) -> None:
        self._followers: dict[str, set[asyncio.Queue[Heard | None]]] = defaultdict(set)

    def publish(self, session_id: str, heard: Heard) -> None:
        """Hand an event to every follower of the session."""
        for follower in list(self._followers.get(session_id, ())):
            if follower.qsize() >= _BACKLOG:
                self._drop(session_id, follower)
                follower.put_nowait(None)
            else:
                follower.put_nowait(heard)

    @contextmanager
    def follow(self, session_id: str) -> Iterator[asyncio.Queue[Heard | None]]:
        """A queue of what is published from now on; `None` in it means: read the log anew."""
        queue: asyncio.Queue[Heard | None] = asyncio.Queue()
        self._followers[session_id].add(queue)
        try:
            yield queue
        finally:
            self._drop(session_id, queue)

    def close(self, session_id: str) -> None:
        """Send every follower of a session away."""
        for follower in self._followers.pop(session_id, set()):
            follower.put_nowait(None)

    def _drop(self, session_id: str, follower: "asyncio.Queue[Heard | None]") -> None:
        followers = self._followers.get(session_id)
        if followers is not None:
            followers.discard(follower)
            if not followers:
                del self._followers[session_id]


class Bells:
    """Says in this process that something changed, by session or at the desk, but not what."""

    def __init__(self) -> None:
        self._ears: dict[str, set[asyncio.Event]] = defaultdict(set)

    def ring(self, *names: str) -> None:
        """Let everyone know who listens to one of these."""
        for name in names:
            for ear in self._ears.get(name, ()):
                ear.set()

    @contextmanager
    def listen(self, names: Iterable[str]) -> Iterator[asyncio.Event]:
        """An event that is set whenever one of these rings."""
        ear, heard = asyncio.Event(), list(names)
        for name in heard:
            self._ears[name].add(ear)
        try:
            yield ear
        finally:
            for name in heard:
                self._ears[name].discard(ear)
                if not self._ears[name]:
                    del self._ears[name]
