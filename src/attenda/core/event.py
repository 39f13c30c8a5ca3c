"""What happens in a run: the one union that is streamed, stored, traced and graded.

A run's events are append-only and numbered within their session by the store. Text carries its
place (`at`, in code points of the answer), so that a reader who sees a piece twice writes it
twice to the same place and nothing doubles.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from attenda.core.message import Citation
from attenda.core.ports import Usage

__all__ = [
    "Cited",
    "Event",
    "FinishReason",
    "Found",
    "Nearest",
    "RunFinished",
    "RunStarted",
    "Searched",
    "TextAdded",
    "event_from_json",
]

FinishReason = Literal["done", "stopped", "failed"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class RunStarted(_Frozen):
    """The run took the user's message and began."""

    type: Literal["run.started"] = "run.started"
    run_id: str
    user_message_id: str
    message_id: str
    """Id that the answer will have."""
    model: str


class Found(_Frozen):
    """One passage that a search brought, with its place in the ranking."""

    passage_id: str
    document_id: str
    document: str
    heading: str = ""
    page: int | None = None
    start: int
    end: int
    score: float
    text: str


class Searched(_Frozen):
    """The documents were searched; these passages were given to the model, best first."""

    type: Literal["searched"] = "searched"
    query: str
    passages: tuple[Found, ...]


class TextAdded(_Frozen):
    """Words of the answer, checked, at their place."""

    type: Literal["text"] = "text"
    at: int
    """Code points of the answer before this piece."""
    text: str


class Cited(_Frozen):
    """A marker of the answer resolved to a span of a passage."""

    type: Literal["cited"] = "cited"
    citation: Citation


class Nearest(_Frozen):
    """Nothing supports an answer; these passages came nearest."""

    type: Literal["nearest"] = "nearest"
    passages: tuple[Found, ...]


class RunFinished(_Frozen):
    """The run ended: done, stopped by a person, or failed with a reason."""

    type: Literal["run.finished"] = "run.finished"
    run_id: str
    reason: FinishReason
    error_key: str | None = None
    """Key of the catalogue; the sentence's values are in `error_values`."""
    error_values: dict[str, str] = Field(default_factory=dict)
    usage: Usage = Usage()
    context_tokens: int = 0
    """What the model can read at once, prompt and answer together; 0 when unknown."""


Event = Annotated[
    RunStarted | Searched | TextAdded | Cited | Nearest | RunFinished, Field(discriminator="type")
]

_EVENT: TypeAdapter[Event] = TypeAdapter(Event)


def event_from_json(text: str | bytes) -> Event:
    """Read one stored event.

    Raises:
        pydantic.ValidationError: when the text is not an event.
    """
    return _EVENT.validate_json(text)
