"""Parents and their children: whose child a learner is, and how the child does in plain words.

A parent sees that a child practised, what goes well and what does not; no answers, no percentages,
no other child. What an exam showed, they see when it is over.
"""

from typing import Any

from attenda.api import Deed
from attenda.packs.tutor.catalogue import both, said_both
from attenda.packs.tutor.exam import attempts_shown, sits_exam
from attenda.packs.tutor.report import skill_rows
from attenda.packs.tutor.state import children_of, course_with, day_of, set_by_hand, title_of
from attenda.packs.tutor.trends import answers_by_week, skill_by_week, stands_still

__all__ = ["children_told", "plain_report"]


def children_told(deed: Deed) -> dict[str, Any]:
    """How all children of who asks do, one after the other."""
    told = [plain_report(deed, one) for one in children_of(deed, deed.who.id)]
    words = said_both(*({"en": one["en"], "zh-CN": one["zh"]} for one in told), glue="\n\n")
    return {"en": words["en"], "zh": words["zh-CN"], "figures": [], "skills": []}


def plain_report(deed: Deed, child: str) -> dict[str, Any]:
    """How a child does, in words for a parent; lines in both languages."""
    found = deed.rows("learners").find(id=child)
    name = (found[0]["name"] if found else "") or child
    rows, marks = attempts_shown(deed, child), set_by_hand(deed, child)
    if not rows:
        lines = [both("child_nothing", name=name)]
    else:
        graph = course_with(deed)[0].graph
        week = answers_by_week(rows, deed.now)[-1]
        seen = [one for one in skill_rows(graph, rows, deed.now, marks) if one.skill in graph]
        still = [
            one.skill
            for one in seen
            if stands_still(skill_by_week(graph, one.skill, rows, marks, deed.now))
        ]
        well = [one.skill for one in seen if one.mastered]
        doing = [one.skill for one in seen if one.skill not in (*still, *well)]
        lines = [
            both("child_week", name=name, count=week.answers, right=week.right, days=week.days)
            if week.answers
            else both("child_no_week", name=name, day=day_of(rows[-1]["at"])),
            *(both("child_well", skills=_listed(well)) for _ in well[:1]),
            *(both("child_doing", skills=_listed(doing)) for _ in doing[:1]),
            *(both("child_still", skills=_listed(still)) for _ in still[:1]),
        ]
    exam = [both("child_exam")] if sits_exam(deed, child) else []
    words = said_both(*lines, *exam, glue="\n")
    return {"en": words["en"], "zh": words["zh-CN"], "figures": [], "skills": []}


def _listed(skills: list[str]) -> dict[str, str]:
    return {
        language: glue.join(title_of(one)[language] for one in skills)
        for language, glue in (("en", ", "), ("zh-CN", "、"))
    }
