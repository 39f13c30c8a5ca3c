"""What is wrong with a course, before a learner sees it.

Each exercise must be solvable by its own key, have one right answer, wrong answers that are wrong,
words in both languages, and hints that don't tell the answer. Each skill needs enough exercises.
"""

from collections import Counter
from collections.abc import Iterator, Mapping

from attenda.packs.tutor.algebra import AlgebraMissing
from attenda.packs.tutor.catalogue import both
from attenda.packs.tutor.course import LANGUAGES, Course
from attenda.packs.tutor.grade import grade
from attenda.packs.tutor.hints import leaks
from attenda.packs.tutor.item import Item

__all__ = ["lint"]

_LEAST = 5
_RUNGS = 3
Mistake = tuple[str, Mapping[str, object]]
"""Key of a sentence `fault_…`, and its values."""


def lint(course: Course, language: str = "en") -> list[str]:
    """Mistakes in a language, each with the exercise or the skill; none where all is well."""
    return [
        f"{place}: {both(f'fault_{key}', **values)[language]}"
        for place, (key, values) in _mistakes(course)
    ]


def _mistakes(course: Course) -> Iterator[tuple[str, Mistake]]:
    for item in course.items.values():
        for told in _item(item):
            yield item.id, told
    counts = Counter(item.skill for item in course.items.values())
    for skill in course.graph.skills.values():
        if counts[skill.id] < _LEAST:
            yield skill.id, ("few", {"count": counts[skill.id], "least": _LEAST})
        if missing := [one for one in LANGUAGES if not skill.title.get(one)]:
            yield skill.id, ("no_title", {"tongues": ", ".join(missing)})
    seen: dict[str, str] = {}
    for item in course.items.values():
        text = item.prompt["en"]
        if text in seen:
            yield item.id, ("asked_twice", {"text": text, "other": seen[text]})
        seen.setdefault(text, item.id)


def _item(item: Item) -> Iterator[Mistake]:
    for texts in (item.prompt, item.solution, *item.hints):
        if missing := [one for one in LANGUAGES if not texts.get(one)]:
            text = texts.get("en", "…")[:30]
            yield "no_text", {"text": text, "tongues": ", ".join(missing)}
    if len(item.hints) < _RUNGS:
        yield "rungs", {"count": len(item.hints), "least": _RUNGS}
    for rung, texts in enumerate(item.hints, start=1):
        for language, text in texts.items():
            if leaks(item, text, hidden=False):
                yield "leak", {"rung": rung, "tongue": language, "text": text}
    yield from _answers(item)


def _answers(item: Item) -> Iterator[Mistake]:
    if item.options and sum(one.right for one in item.options) != 1 and item.kind == "choice":
        yield "one_right", {}
    keys = item.keys or [chr(ord("a") + at) for at, one in enumerate(item.options) if one.right]
    try:
        if any(grade(item, one).verdict != "right" for one in keys):
            yield "own_key", {"keys": ", ".join(keys)}
        for tag, wrong in item.mistakes:
            if grade(item, wrong).mistake != tag:
                yield "mistake", {"text": wrong, "tag": tag}
    except AlgebraMissing:
        return
