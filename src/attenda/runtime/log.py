"""Writes events of all running answers into the log, many runs in one transaction.

While one batch is being written the next gathers, so a busy installation writes larger batches,
not more of them. An event is published with its number once it is stored.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from attenda.core.event import Event
from attenda.runtime.live import Heard, Hub
from attenda.store import runs
from attenda.store.database import Database
from attenda.store.stamps import Stamps

__all__ = ["EventLog"]


@dataclass(frozen=True, slots=True)
class _Waiting:
    session_id: str
    run_id: str
    events: list[Event]
    stored: "asyncio.Future[None]"


class EventLog:
    """The one pen of this process."""

    def __init__(self, database: Database, stamps: Stamps, hub: Hub) -> None:
        self._database = database
        self._stamps = stamps
        self._hub = hub
        self._waiting: list[_Waiting] = []
        self._writing: asyncio.Task[None] | None = None

    async def store(self, session_id: str, run_id: str, events: Sequence[Event]) -> None:
        """Return when the events are stored and published.

        Raises:
            OperatorError: the disk is full; none of them was stored.
        """
        stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(session_id, run_id, list(events), stored))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write(), name="write events")
        await stored

    async def _write(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            rows = [(one.session_id, one.run_id, one.events) for one in batch]
            try:
                numbered = await self._database.write(
                    lambda c, rows=rows: runs.append_many(c, self._stamps, rows)  # type: ignore[misc]
                )
            except Exception as error:  # noqa: BLE001 - handed on to everyone who waits
                for one in batch:
                    if not one.stored.done():
                        one.stored.set_exception(error)
                continue
            for one, events in zip(batch, numbered, strict=True):
                for event in events:
                    self._hub.publish(one.session_id, Heard(event.event, event.number))
                if not one.stored.done():
                    one.stored.set_result(None)
