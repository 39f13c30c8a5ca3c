"""Writes a run's events: live at once, to the log with the log's next beat.

What the log holds is what was shown: the answer at the end is spelled from the same pieces. It
knows no model and no documents.
"""

from collections.abc import Sequence
from typing import Protocol

from attenda.core.event import Cited, Event, Remembered, TextAdded
from attenda.core.message import CitationPart, Message, Part, TextPart
from attenda.runtime.live import Heard, Hub
from attenda.runtime.log import EventLog

__all__ = ["Pen", "Recorder"]


class Pen(Protocol):
    """Takes down an answer: that of a run, or a draft."""

    @property
    def length(self) -> int:
        """Code points of the answer so far."""

    def write(self, text: str) -> None:
        """Add words to the answer."""

    async def note(self, *events: Event) -> None:
        """Take down what the words rest on, or what was searched."""


class Recorder:
    """The pen of one run."""

    def __init__(self, log: EventLog, hub: Hub, session_id: str, run_id: str) -> None:
        self.session_id = session_id
        self.run_id = run_id
        self._log = log
        self._hub = hub
        self._text: list[str] = []
        self._length = 0
        self._cited: list[Cited] = []
        self._pending: list[Event] = []
        """What the log does not have, in order."""
        self._taken = 0
        """How many of those are being stored."""
        self.told: list[Remembered] = []
        """What is to be remembered, once the answer stands."""

    @property
    def length(self) -> int:
        """Code points of the answer so far."""
        return self._length

    @property
    def citations(self) -> int:
        """The highest number of a citation in the answer so far."""
        return max((one.citation.n for one in self._cited), default=0)

    def write(self, text: str) -> None:
        """Add words to the answer: heard at once, stored soon."""
        if not text:
            return
        event = TextAdded(at=self._length, text=text)
        self._hub.publish(self.session_id, Heard(event))
        self._text.append(text)
        self._length += len(text)
        last = self._pending[-1] if len(self._pending) > self._taken else None
        if isinstance(last, TextAdded):
            self._pending[-1] = TextAdded(at=last.at, text=last.text + text)
        else:
            self._pending.append(event)
        self._log.soon(self)

    async def note(self, *events: Event) -> None:
        """Store events, after the words before them, and let them be heard."""
        self._cited += [event for event in events if isinstance(event, Cited)]
        self._pending += events
        await self._log.store(self)

    def jot(self, *events: Event) -> None:
        """Store events soon, after the words before them."""
        self.told += [event for event in events if isinstance(event, Remembered)]
        self._pending += events
        self._log.soon(self)

    def answer(self) -> Message:
        """The answer as it stands."""
        parts: list[Part] = [TextPart(text="".join(self._text))]
        parts.extend(CitationPart(citation=cited.citation) for cited in self._cited)
        return Message(role="assistant", parts=tuple(parts))

    async def close(self) -> None:
        """Store what is still on its way."""
        if self._pending:
            await self._log.store(self)

    def take(self) -> Sequence[Event]:
        """What the log does not have."""
        self._taken = len(self._pending)
        return self._pending[:]

    def stored(self, kept: bool) -> None:
        """Forget what the log now has."""
        if kept:
            del self._pending[: self._taken]
        self._taken = 0
