"""What the person hears in a turn of the tool loop: the model's words, and ours."""

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

from attenda.core.errors import UserError
from attenda.core.label import SYSTEM, Label, Labelled, join, join_all
from attenda.core.words import sentence
from attenda.runtime.guarding import Guarding
from attenda.runtime.loop_values import filled, open_end
from attenda.runtime.recorder import Pen
from attenda.runtime.rehearsed import told_instead
from attenda.tools.call import Call, Outcome
from attenda.tools.tool import Tool

__all__ = ["Voice"]


@dataclass
class Voice:
    """Writes the answer of one turn, paragraph by paragraph."""

    recorder: Pen
    language: str
    guarding: Guarding
    label: Label = SYSTEM
    """Of all that the answer is made from."""
    _gap: str = ""
    _rest: str = ""
    """Words of the model that may be the beginning of a reference."""

    @contextlib.asynccontextmanager
    async def of_model(self) -> AsyncIterator[None]:
        """What the model says in here is looked over before it is heard."""
        own = self.recorder
        async with self.guarding.pen() as self.recorder:
            try:
                yield
            finally:
                self.recorder = own

    def paragraph(self) -> None:
        """What comes next begins anew."""
        self._gap = "\n\n"

    def say(
        self, text: str, results: Mapping[str, Labelled], own: Label, *, ends: bool = False
    ) -> None:
        """Words of the model, labelled `own`, their references replaced by results."""
        self._rest += text
        cut = len(self._rest) if ends else open_end(self._rest)
        words, label = filled(self._rest[:cut], results)
        self._rest = self._rest[cut:]
        if words:
            self.label = join_all([self.label, own, label])
            self._write(words)

    async def ask(self, question: str, results: Mapping[str, Labelled], own: Label) -> None:
        """A question of the model's, on its own, looked over as all that it says."""
        self.paragraph()
        async with self.of_model():
            self.say(question, results, own, ends=True)

    def made_from(self, label: Label) -> None:
        """Something else wrote a part of the answer from this."""
        self.label = join(self.label, label)

    def tell(self, key: str, **values: str) -> None:
        """A sentence of the catalogue."""
        self.paragraph()
        self._write(sentence(self.language, key, **values))

    def tell_problem(self, problem: UserError) -> None:
        """Why something was not done."""
        self.paragraph()
        self._write(problem.text(self.language))

    def tell_rehearsed(self, tool: Tool, call: Call, outcome: Outcome) -> None:
        """What would have been done, where a draft is tried and nothing was."""
        if outcome.simulated:
            self.made_from(call.label)
            self.paragraph()
            self._write(told_instead(tool, call, outcome, self.language))

    def _write(self, words: str) -> None:
        self.recorder.write(f"{self._gap if self.recorder.length else ''}{words}")
        self._gap = ""
