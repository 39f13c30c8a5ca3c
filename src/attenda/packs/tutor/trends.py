"""How a learner does over the weeks: answers, mastery, what stands still, who needs a person.

Pure, from attempts alone, so that each number can be reckoned again. Weeks begin on Monday, UTC.
The thresholds are general knowledge, unreviewed.
"""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from attenda.packs.tutor.report import Row, known_at
from attenda.packs.tutor.rules import MASTERED
from attenda.packs.tutor.skills import SkillGraph

__all__ = [
    "Need",
    "SkillWeek",
    "Week",
    "answers_by_week",
    "needs_of",
    "skill_by_week",
    "stands_still",
]

WEEKS = 8
_LATELY = 3
"""Weeks in which a skill moves, or stands still."""
_TRIES, _RISE = 4, 0.1
"""So many counted answers lately should raise mastery by so much."""
_LAST, _TOLD = 10, 5
_AWAY_DAYS = 14


@dataclass(frozen=True, slots=True)
class Week:
    """What was answered in a week."""

    monday: datetime.date
    answers: int
    right: int
    scored: int
    days: int
    """On which something was answered."""


@dataclass(frozen=True, slots=True)
class SkillWeek:
    """Where a skill stood when a week ended."""

    week: Week
    known: float | None
    """P(known); None before it was first tried."""


@dataclass(frozen=True, slots=True)
class Need:
    """Why a learner needs a person."""

    why: Literal["sign", "still", "told", "away"]
    """A sign of danger; skills that stand still; answers that are mostly told; a long absence."""
    count: int
    """Of signs, skills, told answers or days."""


def _day(at: int) -> datetime.date:
    return datetime.datetime.fromtimestamp(at / 1_000_000, datetime.UTC).date()


def _mondays(now: int) -> list[datetime.date]:
    """Of the last weeks, the oldest first."""
    today = _day(now)
    this = today - datetime.timedelta(days=today.weekday())
    return [this - datetime.timedelta(weeks=back) for back in range(WEEKS - 1, -1, -1)]


def _end(monday: datetime.date, now: int) -> int:
    """The last microsecond of a week, or now."""
    after = datetime.datetime.combine(
        monday + datetime.timedelta(days=7), datetime.time(), datetime.UTC
    )
    return min(int(after.timestamp()) * 1_000_000 - 1, now)


def answers_by_week(rows: Sequence[Row], now: int) -> list[Week]:
    """The last eight weeks, the oldest first.

    Args:
        rows: attempts, of one learner or one skill.
        now: microseconds since 1970, UTC.
    """
    found = []
    for monday in _mondays(now):
        mine = [row for row in rows if monday <= _day(row["at"]) < monday + datetime.timedelta(7)]
        right = sum(row["verdict"] == "right" for row in mine)
        scored = sum(bool(row["scored"]) for row in mine)
        found.append(Week(monday, len(mine), right, scored, len({_day(r["at"]) for r in mine})))
    return found


def skill_by_week(
    graph: SkillGraph, skill: str, rows: Sequence[Row], by_hand: Sequence[Row], now: int
) -> list[SkillWeek]:
    """Where a skill stood at the end of each week.

    Args:
        graph: the skills.
        skill: one of them.
        rows: all attempts of a learner.
        by_hand: rows of `overrides`, oldest first.
        now: microseconds since 1970, UTC.
    """
    mine = [row for row in rows if row["skill"] == skill]
    marks = [row for row in by_hand if row["skill"] == skill]
    first = min((row["at"] for row in (*mine, *marks)), default=now)
    found = []
    for week in answers_by_week(mine, now):
        end = _end(week.monday, now)
        known = known_at(mine, marks, graph.skills[skill].tracing, end) if first <= end else None
        found.append(SkillWeek(week, known))
    return found


def stands_still(weeks: Sequence[SkillWeek]) -> bool:
    """Whether a skill was practised lately, is not mastered, and hardly rose."""
    lately = weeks[-_LATELY:]
    now = lately[-1].known
    if now is None or now >= MASTERED or sum(one.week.scored for one in lately) < _TRIES:
        return False
    before = next((one.known for one in weeks[-_LATELY - 1 :] if one.known is not None), now)
    return now - before < _RISE


def needs_of(rows: Sequence[Row], still: int, signs: int, now: int) -> list[Need]:
    """Why a learner needs a person, the gravest first; nothing where none is needed.

    Args:
        rows: attempts of one learner, in the order they were made.
        still: skills that stand still.
        signs: of danger, that nobody has looked into.
        now: microseconds since 1970, UTC.
    """
    told = sum(bool(row["told"]) for row in rows[-_LAST:])
    away = (_day(now) - _day(rows[-1]["at"])).days if rows else 0
    found: list[tuple[Literal["sign", "still", "told", "away"], int, bool]] = [
        ("sign", signs, signs > 0),
        ("still", still, still > 0),
        ("told", told, told >= _TOLD),
        ("away", away, away >= _AWAY_DAYS),
    ]
    return [Need(why, count) for why, count, is_so in found if is_so]
