"""Messages: a role and its parts, as pure values.

Ids, parents, times and labels belong to the store; a message knows none of them.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

__all__ = [
    "Citation",
    "CitationPart",
    "Message",
    "Part",
    "ReasoningPart",
    "Role",
    "TextPart",
    "ToolCallPart",
    "ToolResultPart",
    "result_message",
    "text_message",
]

Role = Literal["system", "user", "assistant", "tool"]


class Citation(BaseModel):
    """A span of an answer that rests on a passage; the quote is the passage's own text."""

    model_config = ConfigDict(frozen=True)

    n: int
    """The marker `[n]` shown in the answer, counted from 1."""
    passage_id: str
    document_id: str
    document: str
    """Title of the document."""
    page: int | None = None
    """Page from 1; none where the format has no pages."""
    start: int
    """First code point of the quote in the document's stored text."""
    end: int
    """One past its last code point."""
    quote: str


class TextPart(BaseModel):
    """Words."""

    model_config = ConfigDict(frozen=True)
    type: Literal["text"] = "text"
    text: str


class CitationPart(BaseModel):
    """Where words of the text parts rest on; shown as a marker."""

    model_config = ConfigDict(frozen=True)
    type: Literal["citation"] = "citation"
    citation: Citation


class ReasoningPart(BaseModel):
    """What the assistant thought before it spoke or called; shown to nobody."""

    model_config = ConfigDict(frozen=True)
    type: Literal["reasoning"] = "reasoning"
    text: str


class ToolCallPart(BaseModel):
    """A tool that the model chose, with arguments of its own."""

    model_config = ConfigDict(frozen=True)
    type: Literal["tool_call"] = "tool_call"
    id: str
    """As the model named the call; its result is answered under it."""
    name: str
    arguments: dict[str, JsonValue] = Field(default_factory=dict)
    problem: str = ""
    """Why the arguments can't be read; then there are none."""


class ToolResultPart(BaseModel):
    """What came of a call, as the model reads it."""

    model_config = ConfigDict(frozen=True)
    type: Literal["tool_result"] = "tool_result"
    call_id: str
    text: str


Part = Annotated[
    TextPart | CitationPart | ReasoningPart | ToolCallPart | ToolResultPart,
    Field(discriminator="type"),
]


class Message(BaseModel):
    """One role's parts, in order."""

    model_config = ConfigDict(frozen=True)
    role: Role
    parts: tuple[Part, ...] = ()

    @property
    def text(self) -> str:
        """All words of the message."""
        return "".join(part.text for part in self.parts if isinstance(part, TextPart))

    @property
    def reasoning(self) -> str:
        """All that was thought."""
        return "".join(part.text for part in self.parts if isinstance(part, ReasoningPart))

    @property
    def calls(self) -> tuple[ToolCallPart, ...]:
        """The tools that it calls, in order."""
        return tuple(part for part in self.parts if isinstance(part, ToolCallPart))

    @property
    def results(self) -> tuple[ToolResultPart, ...]:
        """The results that it holds."""
        return tuple(part for part in self.parts if isinstance(part, ToolResultPart))

    @property
    def citations(self) -> tuple[Citation, ...]:
        """Its citations, in the order of their numbers."""
        found = (part.citation for part in self.parts if isinstance(part, CitationPart))
        return tuple(sorted(found, key=lambda citation: citation.n))


def text_message(role: Role, text: str) -> Message:
    """A message that holds `text` alone."""
    return Message(role=role, parts=(TextPart(text=text),))


def result_message(call_id: str, text: str) -> Message:
    """What came of one call, for the model that made it."""
    return Message(role="tool", parts=(ToolResultPart(call_id=call_id, text=text),))
