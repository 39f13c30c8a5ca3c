"""What is wrong with a course, before a learner sees it.

Each exercise must be solvable by its own key, have one right answer, wrong answers that are wrong,
words in both languages, and hints that don't tell the answer. Each skill needs enough exercises.
"""

from collections import Counter
from collections.abc import Iterator

from attenda.packs.tutor.algebra import AlgebraMissing
from attenda.packs.tutor.course import LANGUAGES, Course
from attenda.packs.tutor.grade import grade
from attenda.packs.tutor.hints import leaks
from attenda.packs.tutor.item import Item

__all__ = ["lint"]

_LEAST = 5
_RUNGS = 3


def lint(course: Course) -> list[str]:
    """Mistakes, each with the exercise or the skill; none where all is well."""
    found = [f"{item.id}: {told}" for item in course.items.values() for told in _item(item)]
    counts = Counter(item.skill for item in course.items.values())
    for skill in course.graph.skills.values():
        if counts[skill.id] < _LEAST:
            found.append(f"{skill.id}: {counts[skill.id]} exercises, at least {_LEAST} are needed")
        if missing := [one for one in LANGUAGES if not skill.title.get(one)]:
            found.append(f"{skill.id}: it has no title in {', '.join(missing)}")
    prompts = Counter(item.prompt["en"] for item in course.items.values())
    return found + [f"“{text}” is asked twice" for text, times in prompts.items() if times > 1]


def _item(item: Item) -> Iterator[str]:
    for texts in (item.prompt, item.solution, *item.hints):
        if missing := [one for one in LANGUAGES if not texts.get(one)]:
            yield f"{texts.get('en', '…')[:30]}: nothing in {', '.join(missing)}"
    if len(item.hints) < _RUNGS:
        yield f"it has {len(item.hints)} hints, not {_RUNGS}"
    for rung, texts in enumerate(item.hints, start=1):
        for language, text in texts.items():
            if leaks(item, text, hidden=False):
                yield f"hint {rung} tells the answer ({language}: {text})"
    yield from _answers(item)


def _answers(item: Item) -> Iterator[str]:
    if item.options and sum(one.right for one in item.options) != 1 and item.kind == "choice":
        yield "a choice needs one right option"
    keys = item.keys or [chr(ord("a") + at) for at, one in enumerate(item.options) if one.right]
    try:
        if any(grade(item, key).verdict != "right" for key in keys):
            yield f"its own key {', '.join(keys)} is not graded right"
        for tag, wrong in item.mistakes:
            if grade(item, wrong).mistake != tag:
                yield f"the answer {wrong} does not tell {tag}"
    except AlgebraMissing:
        return
