"""The next exercise: which one, and why, said so that the learner can judge it.

Reviews that are due come first now and then, then the weakest prerequisite of what is wanted, then
the exercise of that skill whose success is nearest to the target. Nothing solved lately comes
again; nobody is given more than a day's share. Pure: no clock, no chance.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from attenda.packs.tutor.rules import TARGET, item_rate, predicted
from attenda.packs.tutor.skills import SkillGraph

__all__ = [
    "LATELY",
    "MOST_A_DAY",
    "Candidate",
    "Choice",
    "Learner",
    "Pause",
    "choose",
]

LATELY = 10
"""So many solved exercises back, none comes again."""
MOST_A_DAY = 30
"""Answers a day, after which the tutor advises to stop."""
WRONG_IN_A_ROW = 6
"""Wrong answers without a right one between, after which it advises a break."""
REVIEW_EVERY = 3
"""Of so many exercises one is a due review, as long as there are any."""

Reason = Literal["review", "prerequisite", "frontier", "parallel", "all_mastered", "wished"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """An exercise that may be given."""

    id: str
    skill: str
    difficulty: float = 0.0
    tags: frozenset[str] = frozenset()
    """Misconceptions that it can tell."""


@dataclass(frozen=True, slots=True)
class Learner:
    """What of a learner the choice depends on."""

    known: Mapping[str, float]
    """P(known) by skill; nothing where nothing was seen."""
    solved: Sequence[str] = ()
    """Exercises that were answered rightly, oldest first."""
    given: Sequence[str] = ()
    """Exercises that were given, oldest first."""
    answers_today: int = 0
    wrong_in_a_row: int = 0
    due: Sequence[str] = ()
    """Skills whose review is due, the longest overdue first."""
    wanted: str = ""
    """A skill that they, or their plan, want next."""
    wished: str = ""
    """A skill that they asked for by name, now or last; what it rests on doesn't go before it."""
    remedy: str = ""
    """A misconception that the last answer showed, with its skill in `wanted`."""


@dataclass(frozen=True, slots=True)
class Choice:
    """An exercise and the reason, in numbers that are stored."""

    item: str
    skill: str
    reason: Reason
    because: str
    """The skill, review or misconception that the reason names."""
    rate: float
    """P(right) of the skill, before the answer."""
    item_rate: float
    """The same for this exercise."""


@dataclass(frozen=True, slots=True)
class Pause:
    """No exercise now."""

    why: Literal["enough_today", "many_wrong", "no_items"]


def choose(graph: SkillGraph, items: Sequence[Candidate], learner: Learner) -> Choice | Pause:
    """The next exercise for a learner, or why there is none."""
    if learner.answers_today >= MOST_A_DAY:
        return Pause("enough_today")
    if learner.wrong_in_a_row >= WRONG_IN_A_ROW:
        return Pause("many_wrong")
    for skill, reason, because in _wishes(graph, learner):
        found = _of_skill(graph, items, learner, skill)
        if found is not None:
            rate = predicted(graph.mastery(learner.known, skill), graph.skills[skill].tracing)
            return Choice(found.id, skill, reason, because, rate, item_rate(rate, found.difficulty))
    return Pause("no_items")


def _wishes(graph: SkillGraph, learner: Learner) -> list[tuple[str, Reason, str]]:
    """Skills to practise, the best first, each with its reason and what the reason names."""
    wishes: list[tuple[str, Reason, str]] = []
    if learner.remedy and learner.wanted in graph:
        wishes.append((learner.wanted, "parallel", learner.remedy))
    if learner.wished in graph:
        wishes.append((learner.wished, "wished", learner.wished))
    due = [skill for skill in learner.due if skill in graph]
    reviews: list[tuple[str, Reason, str]] = [(skill, "review", skill) for skill in due]
    if learner.answers_today % REVIEW_EVERY == REVIEW_EVERY - 1:
        wishes += reviews
    if learner.wanted in graph:
        way = graph.way_to(learner.wanted, learner.known)
        open_ = [one for one in way if one in graph.frontier(learner.known)]
        wishes += [
            (one, "frontier" if one == learner.wanted else "prerequisite", learner.wanted)
            for one in open_
        ]
    frontier = graph.frontier(learner.known)
    begun = sorted(frontier, key=lambda one: -graph.mastery(learner.known, one))
    wishes += [(one, "frontier", one) for one in begun] + reviews
    weakest = sorted(graph.skills, key=lambda one: graph.mastery(learner.known, one))
    return [*wishes, *((one, "all_mastered", one) for one in weakest if not frontier)]


def _of_skill(
    graph: SkillGraph, items: Sequence[Candidate], learner: Learner, skill: str
) -> Candidate | None:
    """The exercise of a skill whose success is nearest to the target; fresh ones first."""
    lately = set(learner.solved[-LATELY:])
    rate = predicted(graph.mastery(learner.known, skill), graph.skills[skill].tracing)
    given = {item: at for at, item in enumerate(learner.given)}
    open_ = [one for one in items if one.skill == skill and one.id not in lately]
    if learner.given:
        open_ = [one for one in open_ if one.id != learner.given[-1]] or open_
    if not open_:
        return None
    remedies = [one for one in open_ if learner.remedy and learner.remedy in one.tags] or open_
    return min(
        remedies,
        key=lambda one: (
            round(_off_target(item_rate(rate, one.difficulty)), 6),
            given.get(one.id, -1),
            one.id,
        ),
    )


def _off_target(rate: float) -> float:
    low, high = TARGET
    return max(low - rate, rate - high, 0.0)
