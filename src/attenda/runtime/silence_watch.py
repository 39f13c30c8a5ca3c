"""Watches for silence: breaks it in each conversation when it is time, in whichever process."""

import asyncio
import logging
from dataclasses import dataclass, field

from attenda.core.errors import AttendaError
from attenda.core.silence import SilenceTimes
from attenda.runtime.house import House
from attenda.runtime.silence import GRACE_S, break_silence, silence_in
from attenda.store import silences

__all__ = ["SilenceWatch"]

_LOOK_S = 5.0
_AT_ONCE = 200
"""Conversations that are looked into at one look, so that others read in between."""
_US = 1_000_000
_log = logging.getLogger("attenda.silence")


@dataclass(slots=True)
class SilenceWatch:
    """Looks for what is due, again and again; what it remembers only spares it reading."""

    house: House
    _due: dict[str, tuple[str, int | None]] = field(default_factory=dict)
    """By session: its last message, and when its silence is broken; none if never."""

    async def run(self) -> None:
        """Look for ever."""
        while True:
            try:
                await self.round()
            except Exception:  # noqa: BLE001 - whatever it was, the installation goes on
                _log.exception("a look for silent conversations failed; another follows")
            await asyncio.sleep(_LOOK_S)

    async def round(self) -> int:
        """Break each silence that is due now; how many were."""
        longest = self._longest()
        if not longest:
            return 0
        house, now = self.house, self.house.stamps.now()
        since = now - (longest + GRACE_S) * _US
        found = await house.database.read(lambda c: silences.unanswered(c, since))
        self._due = {id_: one for id_, one in self._due.items() if found.get(id_) == one[0]}
        for id_ in [one for one in found if one not in self._due][:_AT_ONCE]:
            at = await house.database.read(lambda c, id_=id_: silence_in(c, house, id_))  # type: ignore[misc]
            self._due[id_] = found[id_], at
        due = [id_ for id_, (_, at) in self._due.items() if at is not None and at <= now]
        return sum([await self._break(id_) for id_ in due])

    def _longest(self) -> int:
        """Seconds of the longest wait that any flow here has."""
        packs = self.house.packs.values()
        times = [self.house.settings.silence, *(one.pack.silence for one in packs)]
        times += [flow.silence for one in packs for flow in one.book.current.values()]
        return max((_last(one) for one in times if one), default=0) if packs else 0

    async def _break(self, session_id: str) -> bool:
        """Break one silence, unless its customer writes at this moment."""
        house = self.house
        if house.typing.is_writing(session_id, house.stamps.now(), staff=False):
            return False
        del self._due[session_id]
        try:
            events = await house.database.write(lambda c: break_silence(c, house, session_id))
        except AttendaError as problem:  # what it needs is gone; the next look finds it so
            _log.warning("session %s: %s", session_id, problem)
            return False
        if events:
            house.runs.publish(session_id, events)
        return bool(events)


def _last(times: SilenceTimes) -> int:
    return max(times.last, times.mail.last if times.mail else 0)
