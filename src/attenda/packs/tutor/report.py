"""A progress report whose every number can be reckoned again from the attempts.

Each figure carries the name of its rule in `FIGURES`; a report made twice from the same attempts is
the same. Prose is not made here.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from attenda.packs.tutor.rules import MASTERED, Attempt, Tracing, counts, interval, traced
from attenda.packs.tutor.skills import SkillGraph

__all__ = [
    "FIGURES",
    "Figure",
    "Row",
    "SkillRow",
    "class_map",
    "common_mistakes",
    "figures",
    "known_at",
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
    set_at: int | None = None
    """When a person set it last, in microseconds since 1970, UTC."""


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


def figures(rows: Sequence[Row], now: int, but_exam_since: int | None = None) -> list[Figure]:
    """The counts of one learner.

    Args:
        rows: all their attempts, or those that are to be counted.
        now: microseconds since 1970, UTC.
        but_exam_since: since when attempts of an exam are left out of `rows`; none if none are.
    """
    less = "" if but_exam_since is None else f' AND NOT (exam AND "at" >= {but_exam_since})'
    return [
        Figure(name, make(rows, now), FIGURES[name] + less) for name, (make, _) in _COUNTS.items()
    ]


def skill_rows(
    graph: SkillGraph, rows: Sequence[Row], now: int, by_hand: Sequence[Row] = ()
) -> list[SkillRow]:
    """Mastery by skill, traced anew from one learner's attempts in the order they were made.

    Args:
        graph: the skills.
        rows: the attempts.
        now: microseconds since 1970, UTC.
        by_hand: rows of `overrides`, oldest first; tracing goes on from each.
    """
    found = []
    for id_, skill in graph.skills.items():
        mine = sorted((r for r in rows if r["skill"] == id_), key=lambda r: (r["at"], r["id"]))
        marks = [one for one in by_hand if one["skill"] == id_]
        if not mine and not marks:
            continue
        known = known_at(mine, marks, skill.tracing, now)
        scored = sum(counts(_attempt(row)) for row in mine)
        low, high = interval(known, scored)
        right = sum(row["verdict"] == "right" for row in mine)
        found.append(
            SkillRow(
                id_, known, low, high, len(mine), scored, right,
                known - known_at(mine, marks, skill.tracing, now - _WEEK),
                bool(scored or marks) and known >= MASTERED, marks[-1]["at"] if marks else None,
            )
        )  # fmt: skip
    return found


def known_at(rows: Sequence[Row], marks: Sequence[Row], tracing: Tracing, until: int) -> float:
    """P(known) of a skill at a moment, traced from what a person set last, or from the beginning.

    Args:
        rows: attempts at the skill, in the order they were made.
        marks: rows of `overrides` for it, oldest first.
        tracing: its parameters.
        until: microseconds since 1970, UTC.
    """
    last = next((one for one in reversed(marks) if one["at"] <= until), None)
    begin, since = (float(last["known"]), last["at"]) if last else (tracing.prior, -1)
    later = [_attempt(row) for row in rows if since < row["at"] <= until]
    values = traced(later, replace(tracing, prior=begin))
    return values[-1] if values else begin


def _attempt(row: Row) -> Attempt:
    """As tracing sees it; what did not count when it was made does not count now."""
    right = row["verdict"] == "right"
    return Attempt(right, row["hints"], bool(row["told"]), guessable_again=not row["scored"])


def common_mistakes(rows: Sequence[Row]) -> list[tuple[str, int]]:
    """Misconceptions by how often answers told them, the commonest first."""
    told = Counter(row["mistake"] for row in rows if row["mistake"])
    return sorted(told.items(), key=lambda pair: (-pair[1], pair[0]))


def class_map(
    graph: SkillGraph,
    rows: Mapping[str, Sequence[Row]],
    now: int,
    by_hand: Mapping[str, Sequence[Row]],
) -> dict[str, dict[str, SkillRow]]:
    """What is known by learner and skill, for a heat map; a skill that nobody saw is left out."""
    return {
        learner: {one.skill: one for one in skill_rows(graph, mine, now, by_hand.get(learner, ()))}
        for learner, mine in rows.items()
    }
