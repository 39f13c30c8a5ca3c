"""Trends as the pages show them: pictures with their tables, who needs a person, rows of a CSV."""

from collections.abc import Mapping, Sequence
from typing import Any

from attenda.api import Deed
from attenda.packs.tutor.catalogue import both
from attenda.packs.tutor.item import text_in
from attenda.packs.tutor.plots import known_by_week, week_bars
from attenda.packs.tutor.report import skill_rows
from attenda.packs.tutor.state import Row, attempts_of, course_with, day_of, set_by_hand, title_of
from attenda.packs.tutor.trends import (
    Need,
    SkillWeek,
    answers_by_week,
    needs_of,
    skill_by_week,
    stands_still,
)

__all__ = ["REPORT_COLUMNS", "class_rows", "report_rows", "skill_trend", "weeks_shown"]

REPORT_COLUMNS = (
    "learner", "skill", "known", "low", "high", "mastered", "answers", "counted", "right",
    "change_in_a_week", "stands_still", "last_answer",
)  # fmt: skip


def weeks_shown(rows: Sequence[Row], now: int, language: str) -> dict[str, Any]:
    """Answers of the last weeks: a picture, and the table beside it."""
    weeks = answers_by_week(rows, now)
    bars = [(one.monday.strftime("%m-%d"), one.answers, one.right) for one in weeks]
    about = both("weeks_about", count=sum(one.answers for one in weeks), weeks=len(weeks))
    return {
        "picture": week_bars(bars, text_in(about, language)),
        "rows": [
            (one.monday.isoformat(), one.answers, one.right, one.days)
            for one in reversed(weeks)
            if one.answers
        ],
    }


def skill_trend(
    deed: Deed, skill: str, rows: Sequence[Row], by_hand: Sequence[Row], language: str
) -> dict[str, Any]:
    """Mastery of a skill by week: a picture, its table, and whether it stands still."""
    weeks = skill_by_week(course_with(deed)[0].graph, skill, rows, by_hand, deed.now)
    known = [(one.week.monday.strftime("%m-%d"), one.known) for one in weeks]
    about = both("skill_weeks_about", skill=title_of(skill))
    return {
        "picture": known_by_week(known, text_in(about, language)),
        "weeks": [_week(one) for one in reversed(weeks) if one.known is not None],
        "still": stands_still(weeks),
    }


def _week(one: SkillWeek) -> tuple[str, int, int, int]:
    assert one.known is not None
    return one.week.monday.isoformat(), one.week.answers, one.week.right, round(100 * one.known)


def _still(deed: Deed, rows: Sequence[Row], by_hand: Sequence[Row]) -> list[str]:
    """Skills that stand still."""
    graph = course_with(deed)[0].graph
    return [
        skill
        for skill in graph.skills
        if any(row["skill"] == skill for row in rows)
        and stands_still(skill_by_week(graph, skill, rows, by_hand, deed.now))
    ]


def class_rows(
    deed: Deed, learners: Sequence[tuple[str, str]], signs: Mapping[str, int], language: str
) -> list[dict[str, Any]]:
    """How each of a class does, who needs a person first.

    Args:
        deed: of who asks.
        learners: id and name.
        signs: of danger that nobody has looked into, by learner.
        language: of the words.
    """
    made = []
    for id_, name in learners:
        rows, by_hand = attempts_of(deed, id_), set_by_hand(deed, id_)
        still = _still(deed, rows, by_hand)
        needs = needs_of(rows, len(still), signs.get(id_, 0), deed.now)
        skills = skill_rows(course_with(deed)[0].graph, rows, deed.now, by_hand)
        week = answers_by_week(rows, deed.now)[-1]
        made.append(
            {"id": id_, "name": name or id_, "answers": week.answers, "right": week.right,
             "mastered": sum(one.mastered for one in skills),
             "still": [text_in(title_of(one), language) for one in still],
             "last": day_of(rows[-1]["at"]) if rows else "",
             "needs": [_needed(one, still, language) for one in needs]}
        )  # fmt: skip
    return sorted(made, key=lambda one: not one["needs"])


def _needed(need: Need, still: Sequence[str], language: str) -> str:
    glue = "、" if language == "zh-CN" else ", "
    names = glue.join(text_in(title_of(one), language) for one in still)
    return text_in(both(f"need_{need.why}", count=need.count, skills=names), language)


def report_rows(
    deed: Deed, learner: str, rows: Sequence[Row], by_hand: Sequence[Row]
) -> list[tuple[object, ...]]:
    """A learner's report as rows of a table, one a skill, in the order of `REPORT_COLUMNS`."""
    still = _still(deed, rows, by_hand)
    last = {row["skill"]: row["at"] for row in rows}
    return [
        (
            learner, one.skill, f"{one.known:.4f}", f"{one.low:.4f}", f"{one.high:.4f}",
            int(one.mastered), one.attempts, one.scored, one.right, f"{one.trend:+.4f}",
            int(one.skill in still), day_of(last[one.skill]) if one.skill in last else "",
        )
        for one in skill_rows(course_with(deed)[0].graph, rows, deed.now, by_hand)
    ]  # fmt: skip
