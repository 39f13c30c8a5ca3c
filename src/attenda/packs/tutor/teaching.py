"""Tools of reports and classes: progress, the teacher's class view, exams, exports, corrections.

A learner sees themselves, a teacher their class. Every number of a report is reckoned from the
attempts and comes with the query that gives it again.
"""

from typing import Any

from attenda.api import Deed, tool
from attenda.packs.tutor.catalogue import both, said_both
from attenda.packs.tutor.course import school_course
from attenda.packs.tutor.exam import attempts_shown, known_shown, sits_exam
from attenda.packs.tutor.families import children_told, plain_report
from attenda.packs.tutor.item import Item
from attenda.packs.tutor.report import class_map, common_mistakes, figures, skill_rows
from attenda.packs.tutor.state import (
    Row,
    attempts_of,
    children_of,
    course_with,
    day_of,
    find_item,
    is_parent,
    is_teacher,
    may_see,
    may_teach,
    named_learner,
    refuse,
    set_by_hand,
    store_mastery,
    title_of,
)
from attenda.packs.tutor.writing import attempts_csv, statements

__all__ = [
    "class_numbers",
    "class_view",
    "export_attempts",
    "export_rows",
    "override_mastery",
    "progress",
    "report_of",
    "set_exam",
]

_HOME = "https://attenda.invalid"
"""Names accounts and exercises in statements, where the installation has no address of its own."""
_MOST = 2_000_000
_NOTHING = {"en": "", "zh-CN": ""}


@tool()
def progress(deed: Deed, learner: str = "") -> dict[str, Any]:
    """A progress report: of oneself, of a learner of one's class, of one's child in plain words."""
    id_ = named_learner(deed, learner) if learner else deed.who.id
    if not may_see(deed, id_):
        raise refuse("not_your_class")
    if is_parent(deed, id_):
        return plain_report(deed, id_)
    if not learner and children_of(deed, id_) and not attempts_of(deed, id_):
        return children_told(deed)
    return report_of(deed, id_)


def report_of(deed: Deed, id_: str) -> dict[str, Any]:
    """The report of a learner, whoever may see it."""
    found = deed.rows("learners").find(id=id_)
    rows, by_hand = attempts_shown(deed, id_), set_by_hand(deed, id_)
    name = found[0]["name"] if found else deed.who.name
    name = (name if name != id_ else "") if id_ == deed.who.id else name or id_
    exam = [both("report_exam")] if sits_exam(deed, id_) else []
    if not rows and not by_hand:
        empty = both("report_empty", name=name) if name else both("report_own_empty")
        words = said_both(empty, *exam, glue="\n")
        return _told(words, figures=[], skills=[])
    made = figures(rows, deed.now, (found[0]["exam_since"] or 0) if exam else None)
    counted = {one.id: one.value for one in made}
    skills = skill_rows(course_with(deed)[0].graph, rows, deed.now, by_hand)
    lines = [
        both("report_head" if name else "report_own", name=name, **counted),
        *exam,
        *(_skill_line(one) for one in skills),
        *_think_over(rows),
        *_next(deed, id_),
    ]
    return _told(
        said_both(*lines, glue="\n"),
        figures=[{"id": one.id, "value": one.value, "query": one.query} for one in made],
        skills=[
            {"skill": one.skill, "known": f"{one.known:.6f}", "low": f"{one.low:.4f}",
             "high": f"{one.high:.4f}", "trend": f"{one.trend:+.4f}", "attempts": one.attempts,
             "scored": one.scored, "right": one.right, "mastered": one.mastered,
             "set_by_hand_on": day_of(one.set_at) if one.set_at else ""}
            for one in skills
        ],
    )  # fmt: skip


def _told(words: dict[str, str], **more: object) -> dict[str, Any]:
    return {"en": words["en"], "zh": words["zh-CN"], **more}


def _skill_line(one: Any) -> dict[str, str]:
    return both(
        "report_skill", skill=title_of(one.skill), known=round(100 * one.known),
        low=round(100 * one.low), high=round(100 * one.high), scored=one.scored,
        mastered=both("report_mastered") if one.mastered else _NOTHING,
        by_hand=both("report_by_hand", mark=_mark(one.set_at)) if one.set_at else _NOTHING,
    )  # fmt: skip


def _mark(at: int) -> dict[str, str]:
    return both("by_hand", day=day_of(at))


def _think_over(rows: list[Row]) -> list[dict[str, str]]:
    meanings = school_course().mistakes
    return [
        both("report_mistakes", text=meanings[tag])
        for tag, _ in common_mistakes(rows)[:2]
        if tag in meanings
    ]


def _next(deed: Deed, learner: str) -> list[dict[str, str]]:
    course = school_course()
    frontier = course.graph.frontier(known_shown(deed, learner))[:3]
    names = {
        language: glue.join(course.graph.skills[one].title[language] for one in frontier)
        for language, glue in (("en", ", "), ("zh-CN", "、"))
    }
    return [both("report_next", skills=names)] if frontier else []


def _class_rows(deed: Deed, class_id: str) -> list[Row]:
    """The learners of a class of one's own."""
    if not is_teacher(deed, class_id):
        raise refuse("not_your_class")
    return deed.rows("learners").find(class_id=class_id)


@tool()
def class_view(deed: Deed, class_id: str) -> dict[str, Any]:
    """Mastery by learner and skill, for a heat map; of a class of one's own."""
    return class_numbers(deed, class_id)


def open_concerns(deed: Deed) -> dict[str, list[Row]]:
    """Signs of danger that nobody has looked into yet, by class, the oldest first.

    A teacher sees those of their classes. Those of learners without a class, under "", are for who
    may see everyone.
    """
    classes = {one["id"] for one in deed.rows("classes").find()}
    learners = {one["id"]: one for one in deed.rows("learners").find()}
    found: dict[str, list[Row]] = {}
    for row in deed.rows("concerns").find_sorted("at", seen_by=""):
        learner = learners.get(row["learner"], {"name": "", "class_id": ""})
        class_id = learner["class_id"] if learner["class_id"] in classes else ""
        if is_teacher(deed, class_id) if class_id else deed.who.role == "owner":
            named = {**row, "name": learner["name"] or row["learner"]}
            found.setdefault(class_id, []).append(named)
    return found


@tool(writes=True)
def look_into(deed: Deed, concern: str) -> dict[str, str]:
    """Note that a teacher has taken a sign of danger upon themselves."""
    found = deed.rows("concerns").find(id=concern)
    if not found or not may_teach(deed, found[0]["learner"]) or deed.who.id == found[0]["learner"]:
        raise refuse("not_your_class")
    if not found[0]["seen_by"]:
        deed.rows("concerns").change(concern, seen_by=deed.who.id)
    return {"concern": concern}


def class_numbers(deed: Deed, class_id: str) -> dict[str, Any]:
    """What a teacher sees of a class of their own."""
    learners = _class_rows(deed, class_id)
    rows = {one["id"]: attempts_of(deed, one["id"]) for one in learners}
    by_hand = {one["id"]: set_by_hand(deed, one["id"]) for one in learners}
    found = class_map(course_with(deed)[0].graph, rows, deed.now, by_hand)
    return {
        "class_id": class_id,
        "learners": [{"id": one["id"], "name": one["name"]} for one in learners],
        "known": {
            who: {skill: f"{one.known:.4f}" for skill, one in mine.items()}
            for who, mine in found.items()
        },
        "set_by_hand": {
            who: {skill: day_of(one.set_at) for skill, one in mine.items() if one.set_at}
            for who, mine in found.items()
        },
        "concerns": sum(len(deed.rows("concerns").find(learner=one["id"])) for one in learners),
    }


@tool(most_bytes=_MOST)
def export_attempts(deed: Deed, class_id: str) -> dict[str, Any]:
    """All attempts of a class of one's own, as xAPI statements and as CSV; ids, no names."""
    return export_rows(deed, class_id)


def export_rows(deed: Deed, class_id: str) -> dict[str, Any]:
    """The attempts of a class of one's own, in both shapes."""
    learners = _class_rows(deed, class_id)
    rows = [row for one in learners for row in attempts_of(deed, one["id"])]
    kinds = {row["item"]: _kind(deed, row["item"]) for row in rows}
    return {"statements": statements(rows, _HOME, kinds), "csv": attempts_csv(rows)}


def _kind(deed: Deed, item: str) -> str:
    found: Item = find_item(deed, item)
    return found.kind


@tool(writes=True, needs={"class_id": "user"})
def set_exam(deed: Deed, class_id: str, on: bool) -> dict[str, Any]:
    """Begin or end an exam of a class of one's own: no hints and no results while it lasts."""
    learners = _class_rows(deed, class_id)
    for one in learners:
        since = one["exam_since"] if on and one["exam"] else deed.now if on else None
        deed.rows("learners").change(one["id"], exam=on, exam_since=since)
    title = deed.rows("classes").get(class_id)["title"]
    return _told(both("exam_on" if on else "exam_off", title=title, count=len(learners)))


@tool(writes=True)
def override_mastery(deed: Deed, learner: str, skill: str, percent: int) -> dict[str, Any]:
    """Set a mastery by hand, from what a teacher saw; tracing goes on from there."""
    learner = named_learner(deed, learner)
    if learner == deed.who.id or not may_teach(deed, learner):
        raise refuse("not_your_class")
    found = deed.rows("mastery").find(learner=learner, skill=skill)
    known = min(max(percent, 0), 100) / 100
    store_mastery(deed, learner, skill, known, found[0]["scored"] if found else 0)
    deed.rows("overrides").add(
        id=f"ovr_{deed.key[:12]}", learner=learner, skill=skill, known=f"{known:.6f}",
        set_by=deed.who.id, at=deed.now,
    )  # fmt: skip
    return {"known": f"{known:.2f}"}
