"""The course: skills and exercises, made from the files in `course/` that a teacher edits.

Each skill has one sentence with places and a few rows of numbers; keys, wrong answers and hints
are sums over the row, so a new exercise is a new row. What is wrong is told by skill and row.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from attenda.packs.tutor.choose import Candidate
from attenda.packs.tutor.hints import leaks
from attenda.packs.tutor.item import Item, Option, Texts
from attenda.packs.tutor.reckon import BadSum, Value, decimal, reckon, shown
from attenda.packs.tutor.rules import Tracing
from attenda.packs.tutor.skills import Skill, SkillGraph

__all__ = ["BROUGHT_IN", "COURSE", "Course", "CourseMistake", "read_course", "school_course"]

COURSE = Path(__file__).parent / "course"
LANGUAGES = ("en", "zh-CN")
BROUGHT_IN = {
    one.id: one
    for one in (
        Skill(
            "imported",
            {"en": "exercises brought in", "zh-CN": "导入的练习"},
            idea={"en": "Exercises that a teacher brought in.", "zh-CN": "老师导入的练习。"},
        ),
        Skill(
            "word_problems",
            {"en": "word problems", "zh-CN": "应用题"},
            idea={"en": "Reckon step by step.", "zh-CN": "一步一步地算。"},
        ),
    )
}
"""Skills that exercises of other people's files are filed under; there once there are any."""
_PLACE = re.compile(r"\{([^{}|]+)(\|decimal)?\}")


class CourseMistake(ValueError):
    """A file of the course is wrong; says where and why."""


@dataclass(frozen=True, slots=True)
class Course:
    """Skills, exercises, and what misconceptions mean."""

    graph: SkillGraph
    items: Mapping[str, Item]
    mistakes: Mapping[str, Texts]
    """What to think over, by misconception."""

    def candidates(self, more: Sequence[Item] = ()) -> list[Candidate]:
        """The exercises as the choice sees them; `more` are those that were brought in."""
        return [
            Candidate(one.id, one.skill, one.difficulty, frozenset(tag for tag, _ in one.mistakes))
            for one in (*self.items.values(), *more)
        ]


@lru_cache(maxsize=1)
def school_course() -> Course:
    """The course that comes with the pack."""
    return read_course(COURSE)


def read_course(folder: Path) -> Course:
    """A course from its files.

    Raises:
        CourseMistake: a file can't be read, or says something that can't be so.
    """
    skills: list[Skill] = []
    items: dict[str, Item] = {}
    mistakes = _yaml(folder / "mistakes.yaml")
    for path in sorted(folder.glob("[0-9]*.yaml")):
        for id_, body in _yaml(path).items():
            where = f"{path.name}, {id_}"
            try:
                skills.append(_skill(id_, body))
                made = list(_items(id_, body))
            except (BadSum, KeyError, TypeError, ValueError) as error:
                raise CourseMistake(f"{where}: {error!s}") from error
            if strange := {tag for one in made for tag, _ in one.mistakes} - mistakes.keys():
                raise CourseMistake(f"{where}: mistakes.yaml has no {', '.join(sorted(strange))}")
            items |= {one.id: one for one in made}
    return Course(SkillGraph(skills), items, mistakes)


def _yaml(path: Path) -> dict[str, Any]:
    try:
        found = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise CourseMistake(f"{path.name}: {error}") from error
    if not isinstance(found, dict):
        raise CourseMistake(f"{path.name}: it has no names")
    return found


def _skill(id_: str, body: Mapping[str, Any]) -> Skill:
    tracing = Tracing(**body["tracing"]) if "tracing" in body else Tracing()
    return Skill(id_, body["title"], tuple(body.get("needs", ())), tracing, body["idea"])


def _items(id_: str, body: Mapping[str, Any]) -> Iterator[Item]:
    head, *rows = _rows(body["rows"])
    for number, row in enumerate(rows, start=1):
        if len(row) != len(head):
            raise ValueError(f"row {number} has {len(row)} numbers, not {len(head)}")
        names: dict[str, Value] = {
            name: Fraction(value) for name, value in zip(head, row, strict=True) if name != "level"
        }
        try:
            yield _item(id_, number, float(row[head.index("level")]), body, names)
        except BadSum as error:
            raise BadSum(f"row {number}: {error}") from error


def _rows(rows: Sequence[Any]) -> list[list[str]]:
    """Rows of numbers, the first of their names; YAML has them as words."""
    return [str(row).split() for row in rows]


def _item(
    id_: str, number: int, level: float, body: Mapping[str, Any], names: Mapping[str, Value]
) -> Item:
    made = Item(
        id=f"{id_}-{number}",
        skill=id_,
        kind=body["kind"],
        prompt=_filled(body["ask"], names),
        keys=(_key(body["key"], body, names),),
        form=body.get("form", ""),
        mistakes=tuple(
            (tag, _key(sum_, body, names)) for tag, sum_ in body.get("mistakes", {}).items()
        ),
        solution=_filled(body["solution"], names),
        difficulty=level,
        source="course",
    )
    right = made.keys[0] if body["kind"] == "choice" else ""
    options = tuple(
        Option(_filled(texts, names), chr(ord("a") + at) == right)
        for at, texts in enumerate(body.get("options", ()))
    )
    hints = [body["idea"], _filled(body["step"], names), _parallel(made, body["parallel"])]
    return Item(
        made.id, made.skill, made.kind, made.prompt, () if options else made.keys, form=made.form,
        options=options, mistakes=_distinct(made), hints=tuple(hints), solution=made.solution,
        difficulty=level, source="course",
    )  # fmt: skip


def _distinct(item: Item) -> tuple[tuple[str, str], ...]:
    """Misconceptions whose answer is not by chance the right one, or another's."""
    found: dict[str, str] = {}
    for tag, key in item.mistakes:
        if key not in (*item.keys, *found.values()):
            found[tag] = key
    return tuple(found.items())


def _key(text: object, body: Mapping[str, Any], names: Mapping[str, Value]) -> str:
    """A key as it is written: a sum, or (of terms) a text with places."""
    if body["kind"] == "term":
        return _fill(str(text), names)
    value = reckon(str(text), names)
    if isinstance(value, str):
        return value
    written = body.get("written")
    if written == "percent":
        return f"{shown(value * 100)}%" if (value * 100).denominator == 1 else shown(value)
    if written == "decimal":
        try:
            return decimal(value)
        except BadSum:
            return shown(value)
    return f"{shown(value)} {body['unit']}" if "unit" in body else shown(value)


def _filled(texts: Texts, names: Mapping[str, Value]) -> Texts:
    return {language: _fill(str(texts[language]), names) for language in LANGUAGES}


def _fill(text: str, names: Mapping[str, Value]) -> str:
    def place(found: re.Match[str]) -> str:
        value = reckon(found[1], names)
        written = decimal(value) if found[2] and not isinstance(value, str) else shown(value)
        return written.replace("-", "−")

    return _PLACE.sub(place, text)


def _parallel(item: Item, examples: Sequence[Texts]) -> Texts:
    """The first worked example that is not this very exercise's."""
    for texts in examples:
        if not any(leaks(item, text, hidden=False) for text in texts.values()):
            return texts
    raise BadSum("every parallel example has the answer; write another one")
