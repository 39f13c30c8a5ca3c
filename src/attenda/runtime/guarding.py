"""A pack's guard over what models write: it sees the whole text before the person sees a word.

What it puts in the place of a text is shown instead, without what the text rested on. Where it
fails, nothing of the text is shown: a guard that is broken lets nothing through.
"""

import contextlib
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from attenda.core.event import Cited, Event, Nearest, Withheld
from attenda.core.principal import Principal
from attenda.core.words import sentence
from attenda.runtime.pack import OpenPack
from attenda.runtime.recorder import Pen

__all__ = ["Guarding"]

_log = logging.getLogger("attenda.guard")


@dataclass
class Guarding:
    """What a guard looks over in one turn."""

    pack: OpenPack | None
    recorder: Pen
    who: Principal
    session_id: str
    language: str
    _said: str = ""
    """What stood before in this turn: an answer may not come through in pieces."""

    @contextlib.asynccontextmanager
    async def pen(self) -> AsyncIterator[Pen]:
        """Takes down what a model writes; on leaving it, what may be shown is shown.

        Without a guard it is the pen of the turn itself, and words are heard as they come. What
        breaks off on the way is not shown at all.
        """
        if self.pack is None or self.pack.pack.guard is None:
            yield self.recorder
            return
        held = _Held(self.recorder)
        yield held
        if not held.text and not held.notes:
            return
        instead = await self._looked_over(held)
        if instead is None:
            self._said += held.text
            await held.release()
        else:
            gap = "\n\n" if self.recorder.length else ""
            self.recorder.write(gap + instead)
            await self.recorder.note(Withheld(letters=len(held.text)))

    async def _looked_over(self, held: "_Held") -> str | None:
        """What the guard puts in the place of a text; none where the text may stand."""
        assert self.pack is not None and self.pack.pack.guard is not None
        guard, text = self.pack.pack.guard, "\n".join((self._said + held.text, *held.quotes))
        try:
            return await self.pack.executor.look(
                self.who, self.session_id, lambda deed: guard(deed, text, self.language)
            )
        except Exception:  # noqa: BLE001 - whatever a guard raises, nothing gets past it
            _log.exception("the guard of %s failed; its text was withheld", self.pack.pack.name)
            return sentence(self.language, "guard.withheld")


@dataclass
class _Held:
    """Takes down an answer that nobody is shown yet."""

    into: Pen
    text: str = ""
    notes: list[Event] = field(default_factory=list)

    @property
    def length(self) -> int:
        return self.into.length + len(self.text)

    @property
    def quotes(self) -> list[str]:
        """What is shown of documents beside the text."""
        cited = [one.citation.quote for one in self.notes if isinstance(one, Cited)]
        near = [one.passages for one in self.notes if isinstance(one, Nearest)]
        return [*cited, *(passage.text for passages in near for passage in passages)]

    def write(self, text: str) -> None:
        self.text += text

    async def note(self, *events: Event) -> None:
        self.notes += events

    async def release(self) -> None:
        """Show it: the words, then what they rest on."""
        self.into.write(self.text)
        if self.notes:
            await self.into.note(*self.notes)
