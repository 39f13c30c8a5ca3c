"""Writes the events of all running answers into the log, many runs in one transaction.

Every quarter of a second, and at once when somebody waits for it, it takes what the runs have that
is not stored. While one batch is being written the next gathers, so a busy installation writes
larger batches, not more of them. Events are published with their numbers once they are stored.
"""

import asyncio
from collections.abc import Sequence
from typing import Protocol

from attenda.core.event import Event
from attenda.runtime.live import Heard, Hub
from attenda.store import runs
from attenda.store.database import Database
from attenda.store.stamps import Stamps

__all__ = ["EventLog", "Source"]

_BEAT_S = 0.25


class Source(Protocol):
    """A run whose events are to be stored."""

    session_id: str
    run_id: str

    def take(self) -> Sequence[Event]:
        """What is not stored yet; it counts as stored when `stored` is told so."""
        ...

    def stored(self, kept: bool) -> None:
        """What was taken last is in the log, or isn't and will be taken again."""
        ...


class EventLog:
    """The one pen of this process."""

    def __init__(self, database: Database, stamps: Stamps, hub: Hub) -> None:
        self._database = database
        self._stamps = stamps
        self._hub = hub
        self._waiting: dict[Source, list[asyncio.Future[None]]] = {}
        self._beat: asyncio.TimerHandle | None = None
        self._writing: asyncio.Task[None] | None = None

    def soon(self, source: Source) -> None:
        """Store what the source has with the next beat."""
        self._waiting.setdefault(source, [])
        if self._beat is None:
            self._beat = asyncio.get_running_loop().call_later(_BEAT_S, self._start)

    async def store(self, source: Source) -> None:
        """Return when all that the source has is stored and published.

        Raises:
            OperatorError: the disk is full; none of it was stored.
        """
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(source, []).append(done)
        self._start()
        await done

    def _start(self) -> None:
        if self._beat is not None:
            self._beat.cancel()
            self._beat = None
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write(), name="write events")

    async def _write(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, {}
            rows = [(source.session_id, source.run_id, source.take()) for source in batch]
            try:
                numbered = await self._database.write(
                    lambda c, rows=rows: runs.append_many(c, self._stamps, rows)  # type: ignore[misc]
                )
            except Exception as error:  # noqa: BLE001 - handed on to everyone who waits
                for source, waiting in batch.items():
                    source.stored(False)
                    for done in waiting:
                        if not done.done():
                            done.set_exception(error)
                continue
            for (source, waiting), events in zip(batch.items(), numbered, strict=True):
                source.stored(True)
                for event in events:
                    self._hub.publish(source.session_id, Heard(event.event, event.number))
                for done in waiting:
                    if not done.done():
                        done.set_result(None)
