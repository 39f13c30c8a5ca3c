"""A learner's plan: which skill on which day, from mastery, due reviews and the time there is.

The first draft is reckoned; from then on it is data that the learner edits, and what was edited by
hand is never written over. Pure: the day it begins on is given.
"""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from attenda.packs.tutor.skills import SkillGraph

__all__ = ["MINUTES", "Entry", "draft"]

MINUTES = {"practise": 15, "review": 5}
"""What an entry takes, by its kind."""

What = Literal["practise", "review"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing to do on one day."""

    day: datetime.date
    skill: str
    what: What
    minutes: int
    by_hand: bool = False
    """The learner put it there or moved it."""
    done: bool = False
    removed: bool = False
    """The learner took it out: it is not put in again."""


def draft(
    graph: SkillGraph,
    known: Mapping[str, float],
    goal: str,
    due: Mapping[str, datetime.date],
    days: Sequence[datetime.date],
    minutes_a_day: int,
    kept: Sequence[Entry] = (),
) -> list[Entry]:
    """A plan for some days: reviews on the day they are due, then the way to the goal in order.

    Args:
        graph: the skills.
        known: P(known) by skill.
        goal: a skill; "" is all there are.
        due: the day each review is due.
        days: the days on which there is time.
        minutes_a_day: on each of them; an entry that does not fit goes to the next day.
        kept: entries that were edited by hand or done; they stay, and take their time. What
            was taken out stays out.
    """
    free = {day: minutes_a_day for day in sorted(days)}
    plan = [one for one in kept if (one.by_hand or one.done) and not one.removed]
    for one in plan:
        if one.day in free:
            free[one.day] -= one.minutes
    out = [one for one in kept if one.removed]
    have = {(one.skill, one.what) for one in [*plan, *out] if not one.done}
    for skill, day in sorted(due.items(), key=lambda pair: pair[1]):
        if (skill, "review") not in have:
            plan += _placed(free, skill, "review", day)
    earliest = min(free, default=None)
    for skill in _to_learn(graph, known, goal):
        if (skill, "practise") not in have and earliest is not None:
            found = _placed(free, skill, "practise", earliest)
            earliest = found[0].day if found else None  # nothing before what it rests on
            plan += found
    return sorted(plan, key=lambda one: (one.day, one.what != "review", one.skill))


def _to_learn(graph: SkillGraph, known: Mapping[str, float], goal: str) -> list[str]:
    way = graph.way_to(goal, known) if goal in graph else list(graph.skills)
    return [skill for skill in way if not graph.is_mastered(known, skill)]


def _placed(
    free: dict[datetime.date, int], skill: str, what: What, first: datetime.date
) -> list[Entry]:
    """The entry on the first day that has time, and that time taken; nothing where no day has."""
    minutes = MINUTES[what]
    for day in sorted(free):
        if day >= first and free[day] >= minutes:
            free[day] -= minutes
            return [Entry(day, skill, what, minutes)]
    return []
