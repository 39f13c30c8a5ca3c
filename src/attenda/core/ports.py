"""The ports to a model: one that writes text, one that turns text into vectors; who pays for it.

`llm` implements them; `knowledge` and `runtime` are handed one and know no engine.
"""

from collections.abc import AsyncGenerator, Sequence
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from attenda.core.message import Message, ToolCallPart

__all__ = [
    "Account",
    "ChatModel",
    "Embedder",
    "Grammar",
    "ModelChunk",
    "ModelSettings",
    "StopReason",
    "ToolOffer",
    "Usage",
]

StopReason = Literal["stop", "length", "tool_calls"]


class Usage(BaseModel):
    """Tokens read and written."""

    model_config = ConfigDict(frozen=True)
    prompt_tokens: int = 0
    answer_tokens: int = 0

    @property
    def total(self) -> int:
        """Read and written, together."""
        return self.prompt_tokens + self.answer_tokens

    def __add__(self, other: "Usage") -> "Usage":
        """Both together."""
        return Usage(
            prompt_tokens=self.prompt_tokens + other.prompt_tokens,
            answer_tokens=self.answer_tokens + other.answer_tokens,
        )


class Grammar(BaseModel):
    """What the answer must match as a whole: a JSON schema or a regular expression."""

    model_config = ConfigDict(frozen=True)
    kind: Literal["json_schema", "regex"]
    text: str


class ToolOffer(BaseModel):
    """A tool that the model may choose."""

    model_config = ConfigDict(frozen=True)
    name: str
    about: str = ""
    parameters: dict[str, JsonValue] = Field(default_factory=dict)
    """JSON schema of its arguments, an object."""


class ModelSettings(BaseModel):
    """How to draw the tokens of one answer."""

    model_config = ConfigDict(frozen=True)
    max_tokens: int = 512
    temperature: float = 0.0
    """0 takes the likeliest token at each step."""
    top_p: float = 1.0
    seed: int = 0
    repetition_penalty: float = 1.0
    stop: tuple[str, ...] = ()
    """The answer ends before the first of these strings."""
    grammar: Grammar | None = None
    tools: tuple[ToolOffer, ...] = ()
    """Tools that the model may choose; only for a model that `calls_tools`."""


class ModelChunk(BaseModel):
    """A piece of an answer; the last one carries why it stopped, the usage and all calls."""

    model_config = ConfigDict(frozen=True)
    text: str
    stop_reason: StopReason | None = None
    usage: Usage | None = None
    calls: tuple[ToolCallPart, ...] = ()
    """The tools that the model chose, in its order; some may be unreadable and say so."""


class ChatModel(Protocol):
    """A finished model behind one port."""

    name: str
    languages: frozenset[str]
    """Languages it was made for (`en`, `zh`); others are answered by extract."""

    calls_tools: bool
    """Whether it can choose among tools that it is offered."""

    @property
    def context_tokens(self) -> int:
        """Tokens that prompt and answer may have together, measured or declared by the model."""
        ...

    async def count_tokens(self, messages: Sequence[Message]) -> int:
        """Tokens of the rendered prompt."""
        ...

    def stream(
        self, messages: Sequence[Message], settings: ModelSettings
    ) -> AsyncGenerator[ModelChunk, None]:
        """Write an answer, piece by piece; closing the iterator stops the model.

        Raises:
            ModelError: the process or server failed; the sentence says why.
            UserError: the prompt does not fit the context, or the grammar does not compile.
        """
        ...

    async def close(self) -> None:
        """Stop the process or connections behind it."""
        ...


class Account(Protocol):
    """Asks models at somebody's expense."""

    def ask(
        self, model: ChatModel, messages: Sequence[Message], settings: ModelSettings
    ) -> AsyncGenerator[ModelChunk, None]:
        """A model's answer; what it took is counted.

        Raises:
            Denied: there are no tokens left for it; the model is not asked.
        """
        ...


class Embedder(Protocol):
    """Text into unit vectors."""

    name: str
    """Identity of the index built with it: model and weights' hash."""
    width: int

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of `texts`, (N, D), each of length 1.

        Raises:
            ModelError: the process failed.
        """
        ...

    async def close(self) -> None:
        """Stop the process behind it."""
        ...
