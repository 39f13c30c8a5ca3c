"""Messages: a role and its parts, as pure values.

Ids, parents, times and labels belong to the store; a message knows none of them.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Citation", "CitationPart", "Message", "Part", "Role", "TextPart", "text_message"]

Role = Literal["system", "user", "assistant"]


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


Part = Annotated[TextPart | CitationPart, Field(discriminator="type")]


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
    def citations(self) -> tuple[Citation, ...]:
        """Its citations, in the order of their numbers."""
        found = (part.citation for part in self.parts if isinstance(part, CitationPart))
        return tuple(sorted(found, key=lambda citation: citation.n))


def text_message(role: Role, text: str) -> Message:
    """A message that holds `text` alone."""
    return Message(role=role, parts=(TextPart(text=text),))
