"""Labels: how far a value may be trusted, who may read it and where it came from.

A label travels with each stored message, part, passage and value. Joining two labels keeps the
lowest integrity, the readers both allow and all sources, so derived text is never trusted more,
nor shown to more people, than what it was made from (`information-flow control`; Denning, 1976).
"""

from collections.abc import Iterable
from functools import reduce
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from attenda.core.principal import DESK, EVERYONE

__all__ = [
    "PUBLIC",
    "SYSTEM",
    "Integrity",
    "Label",
    "Labelled",
    "Span",
    "at_least",
    "join",
    "join_all",
    "readable_by",
    "said_by",
]

Integrity = Literal["system", "operator", "user", "untrusted"]
_ORDER: tuple[Integrity, ...] = ("untrusted", "user", "operator", "system")

PUBLIC = "public"
"""The reader that stands for everybody."""


class Label(BaseModel):
    """Integrity, readers and sources of one value."""

    model_config = ConfigDict(frozen=True)

    integrity: Integrity = "untrusted"
    """system > operator > user > untrusted; what has no label is untrusted."""
    readers: frozenset[str] = frozenset()
    """Ids of the users and teams who may read it, or `public`."""
    sources: frozenset[str] = frozenset()
    """Ids of the messages, passages and tool calls it was made from."""


SYSTEM = Label(integrity="system", readers=frozenset({PUBLIC}))
"""What the code itself says; joining with it changes nothing."""


class Span(BaseModel):
    """Where words stand in a message, by its code points."""

    model_config = ConfigDict(frozen=True)

    message_id: str
    start: int
    end: int
    """One past the last."""


class Labelled(BaseModel):
    """A value with its label: what tools are given and give, and what a flow keeps.

    A record whose fields are not all alike (an order with a note that its customer wrote) names
    the labels of those that differ.
    """

    model_config = ConfigDict(frozen=True)

    value: JsonValue
    label: Label = Label()
    fields: dict[str, Label] = Field(default_factory=dict)
    """Labels of single fields of a record, or of the records of a list."""
    span: Span | None = None
    """Where the words stand that said it; none of what was made or looked up."""

    @property
    def whole_label(self) -> Label:
        """The label of the value with everything in it."""
        return join_all([self.label, *self.fields.values()])


def join(one: Label, other: Label) -> Label:
    """The label of a value made from both: lowest integrity, common readers, all sources."""
    if PUBLIC in one.readers:
        readers = other.readers
    elif PUBLIC in other.readers:
        readers = one.readers
    else:
        readers = one.readers & other.readers
    integrity = min(one.integrity, other.integrity, key=_ORDER.index)
    return Label(integrity=integrity, readers=readers, sources=one.sources | other.sources)


def said_by(person_id: str, message_id: str) -> Label:
    """Of what a person says in a message: theirs to read, and trusted as far as they are."""
    own, source = frozenset({person_id}), frozenset({message_id})
    return Label(integrity="user", readers=own, sources=source)


def join_all(labels: Iterable[Label]) -> Label:
    """The label of a value made from all of these; of none, what the code itself says."""
    return reduce(join, labels, SYSTEM)


def at_least(label: Label, required: Integrity) -> bool:
    """Whether a value may be trusted as far as `required`."""
    return _ORDER.index(label.integrity) >= _ORDER.index(required)


def readable_by(label: Label, sink: Iterable[str]) -> bool:
    """Whether everyone in `sink` may read the value; a sink that is public needs public data."""
    desk = {DESK} if EVERYONE in label.readers else set()
    return PUBLIC in label.readers or set(sink) <= label.readers | desk
