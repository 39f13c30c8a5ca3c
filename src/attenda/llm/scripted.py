"""A model that answers from a script: public, for tests, packs and demonstrations without weights.

A script is a list of answers, or a function from the messages to an answer; an answer is text, or
the tools that the model chooses with the text before them. Pieces come out word
by word at a chosen pace, so stopping, streaming and load can be tried without an engine.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import JsonValue

from attenda.core.errors import ModelError
from attenda.core.message import Message, ToolCallPart
from attenda.core.ports import ModelChunk, ModelSettings, StopReason, Usage

__all__ = ["ScriptedAnswer", "ScriptedEmbedder", "ScriptedModel", "scripted_call"]

ScriptedAnswer = str | Sequence[str | ToolCallPart]
Script = Callable[[Sequence[Message]], ScriptedAnswer]


def scripted_call(name: str, **arguments: JsonValue) -> ToolCallPart:
    """A tool that the model chooses; the model gives it an id."""
    return ToolCallPart(id="", name=name, arguments=arguments)


class ScriptedModel:
    """A `ChatModel` whose words are given."""

    def __init__(
        self,
        script: Sequence[ScriptedAnswer] | Script,
        *,
        name: str = "scripted",
        pause_s: float = 0.0,
        context_tokens: int = 8192,
    ) -> None:
        """`pause_s` is the time between two words; a list of answers is used in order, once."""
        self.name = name
        self.context_tokens = context_tokens
        self.languages = frozenset({"en", "zh"})
        self.asked: list[list[Message]] = []
        """The messages of each request, in order."""
        self.offered: list[tuple[str, ...]] = []
        """Names of the tools offered with each request."""
        self.calls_tools = True
        self.stopped = 0
        """How many answers were stopped in their middle."""
        self._called = 0
        self._script = script if callable(script) else None
        self._answers = iter([] if callable(script) else script)
        self._pause_s = pause_s

    async def count_tokens(self, messages: Sequence[Message]) -> int:
        """Words, as good a count as any here."""
        return sum(len(message.text.split()) for message in messages)

    async def stream(
        self, messages: Sequence[Message], settings: ModelSettings
    ) -> AsyncGenerator[ModelChunk, None]:
        """The next answer of the script, word by word.

        Raises:
            ModelError: the script has no more answers.
        """
        self.asked.append(list(messages))
        self.offered.append(tuple(one.name for one in settings.tools))
        answer = self._script(messages) if self._script else next(self._answers, None)
        if answer is None:
            raise ModelError("model.script_ended", name=self.name)
        parts = (answer,) if isinstance(answer, str) else answer
        said = "".join(one for one in parts if isinstance(one, str))
        calls = tuple(self._named(one) for one in parts if isinstance(one, ToolCallPart))
        words = re.findall(r"\S+\s*|\s+", said)
        limited = words[: settings.max_tokens]
        finished = False
        try:
            for word in limited:
                if self._pause_s:
                    await asyncio.sleep(self._pause_s)
                yield ModelChunk(text=word)
            usage = Usage(
                prompt_tokens=await self.count_tokens(messages), answer_tokens=len(limited)
            )
            finished = True
            reason: StopReason = "length" if len(words) > len(limited) else "stop"
            if calls and reason == "stop":
                reason = "tool_calls"
            yield ModelChunk(text="", stop_reason=reason, usage=usage, calls=calls)
        finally:
            self.stopped += 0 if finished else 1

    def _named(self, call: ToolCallPart) -> ToolCallPart:
        self._called += 1
        return call if call.id else call.model_copy(update={"id": f"call_{self._called}"})

    async def close(self) -> None:
        """Nothing runs behind it."""


class ScriptedEmbedder:
    """An `Embedder` by hashed words: texts that share words are near; no weights needed."""

    def __init__(self, width: int = 64) -> None:
        self.name = f"scripted-{width}"
        self.width = width

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors (N, D) of length 1, the same for the same text on every machine."""
        vectors = np.zeros((len(texts), self.width), dtype=np.float32)
        for row, text in enumerate(texts):
            for word in re.findall(r"\w+", text.lower()) or [""]:
                vectors[row, sum(word.encode()) * 31 % self.width] += 1.0
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray(vectors / lengths, dtype=np.float32)

    async def close(self) -> None:
        """Nothing runs behind it."""
