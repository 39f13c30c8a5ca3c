"""Who the rows of a run came from, by their marks, and who of them was erased since."""

from collections.abc import Iterable
from pathlib import Path

from attenda.core.provenance import ERASED, erased_marks
from attenda.learn.conversation import Dialogue

__all__ = ["erased_among", "erased_people", "people_of"]


def erased_people(home: Path) -> frozenset[str]:
    """The marks of those who were erased from an installation."""
    try:
        return erased_marks((home / ERASED).read_text("utf-8"))
    except OSError:
        return frozenset()


def people_of(dialogues: Iterable[Dialogue], earlier: Iterable[str] = ()) -> list[str]:
    """The marks of everyone that rows came from, and of those that a model knew before."""
    return sorted({one.person for one in dialogues if one.person} | set(earlier))


def erased_among(people: Iterable[str], home: Path) -> int:
    """How many of `people` were erased."""
    return len(erased_people(home) & set(people))
