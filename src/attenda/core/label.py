"""Labels: how far a value may be trusted, who may read it and where it came from.

A label travels with each stored message, part and passage. Joining two labels keeps the lowest
integrity, the readers both allow and all sources, so derived text is never trusted more, nor
shown to more people, than what it was made from (`information-flow control`; Denning, 1976).
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict

__all__ = ["PUBLIC", "Integrity", "Label", "join"]

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
