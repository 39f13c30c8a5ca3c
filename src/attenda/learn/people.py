"""Where the rows of a run came from, by marks of people and chats, and what may be used no more."""

from collections.abc import Iterable
from pathlib import Path

from attenda.core.provenance import ERASED, erased_marks
from attenda.learn.conversation import Dialogue

__all__ = ["erased_among", "erased_people", "people_of"]


def erased_people(home: Path) -> frozenset[str]:
    """The marks of who was erased from an installation, and of chats that were taken back."""
    try:
        return erased_marks((home / ERASED).read_text("utf-8"))
    except OSError:
        return frozenset()


def people_of(dialogues: Iterable[Dialogue], earlier: Iterable[str] = ()) -> list[str]:
    """The marks of all people and chats that rows came from, and of what a model knew before."""
    return sorted(set(earlier).union(*(one.marks for one in dialogues)))


def erased_among(people: Iterable[str], home: Path) -> int:
    """How many of `people`, and of chats among them, were erased or taken back."""
    return len(erased_people(home) & set(people))
