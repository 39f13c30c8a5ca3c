"""A progress report whose every number can be reckoned again from the attempts.

Each figure carries the name of its rule in `FIGURES`; a report made twice from the same attempts is
the same. Prose is not made here.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from attenda.packs.tutor.rules import MASTERED, Attempt, interval, traced
from attenda.packs.tutor.skills import SkillGraph

__all__ = [
    "FIGURES",
    "Figure",
    "SkillRow",
    "class_map",
    "common_mistakes",
    "figures",
    "skill_rows",
]

Row = Mapping[str, Any]
"""An attempt as it is stored: its columns are those of the table `attempts`."""

_WEEK = 7 * 86_400 * 1_000_000


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of a report."""

    id: str
    """Names the rule that it is made by, and the query that makes it again."""
    value: int | float
    query: str
    """SQL over the table of attempts, with `:learner` and `:now` bound."""


@dataclass(frozen=True, slots=True)
class SkillRow:
    """What a report says of one skill."""

    skill: str
    known: float
    low: float
    high: float
    """Rough range of `known`; wide where little was seen."""
    attempts: int
    scored: int
    right: int
    trend: float
    """Mastery now less that of a week ago."""
    mastered: bool


def _of(rows: Sequence[Row], test: Callable[[Row], bool]) -> int:
    return sum(map(test, rows))


_COUNTS: dict[str, tuple[Callable[[Sequence[Row], int], int], str]] = {
    "attempts": (lambda rows, now: len(rows), "count(*)"),
    "right": (lambda rows, now: _of(rows, lambda r: r["verdict"] == "right"),
              "sum(CASE WHEN verdict = 'right' THEN 1 ELSE 0 END)"),
    "scored": (lambda rows, now: _of(rows, lambda r: bool(r["scored"])),
               "sum(CASE WHEN scored THEN 1 ELSE 0 END)"),
    "with_hints": (lambda rows, now: _of(rows, lambda r: r["hints"] > 0),
                   "sum(CASE WHEN hints > 0 THEN 1 ELSE 0 END)"),
    "answers_told": (lambda rows, now: _of(rows, lambda r: bool(r["told"])),
                     "sum(CASE WHEN told THEN 1 ELSE 0 END)"),
    "seconds": (lambda rows, now: sum(r["seconds"] for r in rows), "sum(seconds)"),
    "this_week": (lambda rows, now: _of(rows, lambda r: r["at"] > now - _WEEK),
                  f"sum(CASE WHEN \"at\" > :now - {_WEEK} THEN 1 ELSE 0 END)"),
    "skills_seen": (lambda rows, now: len({r["skill"] for r in rows}), "count(DISTINCT skill)"),
    "mistakes_told": (lambda rows, now: _of(rows, lambda r: bool(r["mistake"])),
                      "sum(CASE WHEN mistake <> '' THEN 1 ELSE 0 END)"),
}  # fmt: skip

FIGURES = {
    name: f"SELECT coalesce({what}, 0) FROM tutor_attempts WHERE learner = :learner"
    for name, (_, what) in _COUNTS.items()
}
"""By name: the query that gives the figure again."""


def figures(rows: Sequence[Row], now: int) -> list[Figure]:
    """The counts of one learner.

    Args:
        rows: all their attempts.
        now: microseconds since 1970, UTC.
    """
    return [Figure(name, make(rows, now), FIGURES[name]) for name, (make, _) in _COUNTS.items()]


def skill_rows(graph: SkillGraph, rows: Sequence[Row], now: int) -> list[SkillRow]:
    """Mastery by skill, traced anew from one learner's attempts in the order they were made."""
    found = []
    for id_, skill in graph.skills.items():
        mine = sorted((r for r in rows if r["skill"] == id_), key=lambda r: (r["at"], r["id"]))
        if not mine:
            continue
        attempts = [_attempt(row) for row in mine]
        values = traced(attempts, skill.tracing)
        old = traced([_attempt(row) for row in mine if row["at"] <= now - _WEEK], skill.tracing)
        known = values[-1] if values else skill.tracing.prior
        before = old[-1] if old else skill.tracing.prior
        low, high = interval(known, len(values))
        right = sum(row["verdict"] == "right" for row in mine)
        found.append(
            SkillRow(
                id_, known, low, high, len(mine), len(values), right, known - before,
                bool(values) and known >= MASTERED,
            )
        )  # fmt: skip
    return found


def _attempt(row: Row) -> Attempt:
    """As tracing sees it; what did not count when it was made does not count now."""
    right = row["verdict"] == "right"
    return Attempt(right, row["hints"], bool(row["told"]), guessable_again=not row["scored"])


def common_mistakes(rows: Sequence[Row]) -> list[tuple[str, int]]:
    """Misconceptions by how often answers told them, the commonest first."""
    told = Counter(row["mistake"] for row in rows if row["mistake"])
    return sorted(told.items(), key=lambda pair: (-pair[1], pair[0]))


def class_map(
    graph: SkillGraph, rows: Mapping[str, Sequence[Row]], now: int
) -> dict[str, dict[str, float]]:
    """Mastery by learner and skill, for a heat map; a skill that nobody saw is left out."""
    return {
        learner: {one.skill: one.known for one in skill_rows(graph, mine, now)}
        for learner, mine in rows.items()
    }
