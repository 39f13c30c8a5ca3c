"""The skills of a course and what each rests on: a graph without circles.

A skill is open when all that it rests on is mastered. Pure values; how mastery is reckoned stands
in `rules`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from attenda.packs.tutor.rules import MASTERED, Tracing

__all__ = ["Skill", "SkillGraph", "SkillMistake"]


class SkillMistake(ValueError):
    """The skills cannot be learned in any order; says which and why."""


@dataclass(frozen=True, slots=True)
class Skill:
    """Something that can be learned."""

    id: str
    title: Mapping[str, str]
    """By language."""
    needs: tuple[str, ...] = ()
    """Skills that come before."""
    tracing: Tracing = field(default_factory=Tracing)
    idea: Mapping[str, str] = field(default_factory=dict)
    """What it is about, in a sentence or two, by language."""


class SkillGraph:
    """Skills in an order in which they can be learned."""

    def __init__(self, skills: Iterable[Skill]) -> None:
        """Sort them; raises SkillMistake for a circle, an unknown skill, or one named twice."""
        found: dict[str, Skill] = {}
        for one in skills:
            if one.id in found:
                raise SkillMistake(f"{one.id} stands there twice")
            found[one.id] = one
        for one in found.values():
            for need in one.needs:
                if need not in found:
                    raise SkillMistake(f"{one.id} needs {need}, which is no skill of the course")
        self.skills = {id_: found[id_] for id_ in _in_order(found)}

    def __contains__(self, skill: object) -> bool:
        return skill in self.skills

    def mastery(self, known: Mapping[str, float], skill: str) -> float:
        """P(known) of a skill; its prior where nothing was seen."""
        return known.get(skill, self.skills[skill].tracing.prior)

    def is_mastered(self, known: Mapping[str, float], skill: str) -> bool:
        """Whether it counts as known; a mere prior never does."""
        return known.get(skill, 0.0) >= MASTERED

    def frontier(self, known: Mapping[str, float]) -> list[str]:
        """Skills that are not mastered and rest on mastered ones alone, in order."""
        return [
            id_
            for id_, skill in self.skills.items()
            if not self.is_mastered(known, id_)
            and all(self.is_mastered(known, need) for need in skill.needs)
        ]

    def way_to(self, skill: str, known: Mapping[str, float]) -> list[str]:
        """What is to be learned for a skill, first things first, the skill itself last.

        Raises:
            KeyError: there is no such skill.
        """
        wanted, waiting = {skill}, [skill]
        while waiting:
            for need in self.skills[waiting.pop()].needs:
                if need not in wanted:
                    wanted.add(need)
                    waiting.append(need)
        return [
            id_
            for id_ in self.skills
            if id_ in wanted and (id_ == skill or not self.is_mastered(known, id_))
        ]

    def depth(self, skill: str) -> int:
        """How many skills stand on one another below it."""
        needs = self.skills[skill].needs
        return 1 + max(map(self.depth, needs)) if needs else 0


def _in_order(skills: Mapping[str, Skill]) -> list[str]:
    """Every skill behind those it needs, else as written."""
    done: dict[str, None] = {}
    while len(done) < len(skills):
        ready = [
            id_
            for id_, one in skills.items()
            if id_ not in done and all(n in done for n in one.needs)
        ]
        if not ready:
            left = ", ".join(id_ for id_ in skills if id_ not in done)
            raise SkillMistake(f"these need one another in a circle: {left}")
        done |= dict.fromkeys(ready[:1])
    return list(done)
