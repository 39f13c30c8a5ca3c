"""Tells staff that somebody waits: each stretch of waiting once for each rule, tries bounded."""

import asyncio
import contextlib
import logging
from dataclasses import dataclass
from typing import Any

from attenda.core.errors import AttendaError
from attenda.runtime.house import House
from attenda.runtime.live import DESK
from attenda.store import notices
from attenda.store.database import Connection
from attenda.store.notices import Notice

__all__ = ["Noticer"]

_LOOK_S = 10.0
_GATHER_S = 0.5
"""Of all that changes within it, one look is taken: each answer changes the desk."""
_AGAIN_S = (30, 120, 600, 1800)
"""Seconds after each failure but the last."""
_log = logging.getLogger("attenda.notices")


@dataclass(frozen=True, slots=True)
class Noticer:
    """Writes notices down, sends them, notes what became of them."""

    house: House

    async def run(self) -> None:
        """Look whenever the desk changes, and from time to time, for ever."""
        with self.house.runs.bells.listen([DESK]) as rung:
            while True:
                rung.clear()
                try:
                    await self.round()
                except Exception:  # noqa: BLE001 - whatever it was, the installation goes on
                    _log.exception("a round of notices failed; another follows")
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK_S):  # `wait_for` may lose a cancellation
                        await rung.wait()
                        await asyncio.sleep(_GATHER_S)

    async def round(self) -> int:
        """Send what is due now; how many notices were tried."""

        def take(connection: Connection) -> list[Notice]:
            notices.note_waiting(connection, self.house.stamps)
            return notices.take_due(connection, self.house.stamps)

        if not await self.house.database.read(lambda c: notices.has_work(c, self.house.stamps)):
            return 0
        due = await self.house.database.write(take)
        await asyncio.gather(*map(self._deliver, due))
        return len(due)

    async def _deliver(self, notice: Notice) -> None:
        problem = await self.send(notice)
        again = _AGAIN_S[notice.attempts - 1] if notice.attempts <= len(_AGAIN_S) else None
        await self.house.database.write(
            lambda c: notices.end_notice(
                c, self.house.stamps, notice.id, problem=problem, again_in_s=again
            )
        )

    async def send(self, notice: Notice) -> dict[str, Any] | None:
        """Send a notice once; what went wrong, by key and values of the catalogue."""
        link = f"{self._address()}/desk#{notice.session_id}"
        notifier = self.house.notifiers.get(notice.kind)
        if notifier is None:
            return {"key": "notice.no_mail", "values": {}}
        try:
            await notifier.send(notice, link, self.house.stamps.now())
        except AttendaError as error:
            return {"key": error.key, "values": error.plain_values}
        return None

    def _address(self) -> str:
        """Where the pages are, as people outside know it."""
        settings = self.house.settings
        at = settings.hosts[0] if settings.hosts else f"{settings.host}:{settings.port}"
        return f"{'https' if settings.hosts else 'http'}://{at}"
