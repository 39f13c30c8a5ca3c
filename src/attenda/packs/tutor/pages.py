"""What the tutor's screens show, and its ways in for programs: all read, none written.

A learner sees themselves, a teacher their class; another's page is refused. What a screen
changes, it changes by a tool.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from pydantic import JsonValue

from attenda.api import Asked, Deed, Denied, Download, Endpoint, Screen
from attenda.packs.tutor.catalogue import both
from attenda.packs.tutor.exam import attempts_shown, known_shown, sits_exam
from attenda.packs.tutor.exercise_pages import EXERCISE_SCREENS
from attenda.packs.tutor.families import plain_report
from attenda.packs.tutor.hints import hint_text
from attenda.packs.tutor.item import text_in
from attenda.packs.tutor.plots import heat_map, mastery_map
from attenda.packs.tutor.practice import reason_of
from attenda.packs.tutor.safeguard import Concern, words_for
from attenda.packs.tutor.state import (
    attempts_of,
    children_of,
    course_with,
    find_item,
    is_parent,
    is_teacher,
    may_see,
    minute_of,
    open_task,
    set_by_hand,
    title_of,
)
from attenda.packs.tutor.teaching import (
    class_numbers,
    export_rows,
    open_concerns,
    report_of,
)
from attenda.packs.tutor.trend_views import (
    REPORT_COLUMNS,
    class_rows,
    report_rows,
    skill_trend,
    weeks_shown,
)
from attenda.packs.tutor.week import day_choices, week_of
from attenda.packs.tutor.writing import table_csv

__all__ = ["ENDPOINTS", "SCREENS"]

T = TypeVar("T")
_CHOICES = ("choice", "several")


async def _with(asked: Asked, work: Callable[[Deed], T]) -> T:
    """What `work` finds in the tables, for who asks."""
    return await asked.read(lambda rows: work(Deed(asked.who, "", asked.now, rows)))


def _name(skill: str, language: str) -> str:
    return text_in(title_of(skill), language)


async def home(asked: Asked) -> Mapping[str, Any]:
    """The plan of the week, which reviews are due, and the map of what is known."""

    def look(deed: Deed) -> dict[str, Any]:
        me, course = deed.who.id, course_with(deed)[0]
        known, exam = known_shown(deed, me), sits_exam(deed, me)
        due = [
            row["skill"]
            for row in deed.rows("reviews").find(learner=me)
            if row["due"] <= deed.now and not exam  # a review that is due tells what was wrong
        ]
        mastered = sum(course.graph.is_mastered(known, one) for one in course.graph.skills)
        about = {
            "en": f"Map of {len(course.graph.skills)} skills, {mastered} mastered",
            "zh-CN": f"{len(course.graph.skills)} 项技能，已掌握 {mastered} 项",
        }
        said = text_in(about, asked.language)
        return {
            "concern": _concern(deed, asked.language),
            "children": [(one, _called(deed, one)) for one in children_of(deed, me)],
            "week": week_of(deed, me, asked.language),
            "days": day_choices(deed, asked.language),
            "exam": exam,
            "due": [_name(one, asked.language) for one in due],
            "mastered": mastered,
            "all": len(course.graph.skills),
            "map": mastery_map(course.graph, known, asked.language, said),
            "goals": [(one, _name(one, asked.language)) for one in course.graph.skills],
        }  # fmt: skip

    return await _with(asked, look)


def _called(deed: Deed, learner: str) -> str:
    found = deed.rows("learners").find(id=learner)
    return (found[0]["name"] if found else "") or learner


def _concern(deed: Deed, language: str) -> str:
    """The fixed words of a sign of danger of who asks; they stay until a person looked into it."""
    rows = deed.rows("concerns").find_sorted("-at", limit=1, learner=deed.who.id, seen_by="")
    return words_for(Concern(rows[0]["kind"], rows[0]["rule"]), language) if rows else ""


async def practise(asked: Asked) -> Mapping[str, Any]:
    """The exercise that is open, the hints that were given for it, and what the last answer was."""

    def look(deed: Deed) -> dict[str, Any]:
        row, made = open_task(deed, deed.who.id), attempts_of(deed, deed.who.id)
        found, exam = deed.rows("learners").find(id=deed.who.id), sits_exam(deed, deed.who.id)
        last = made[-1] if made and not exam else None
        shown: dict[str, Any] = {"task": None, "hints": [], "last": None, "exam": exam}
        shown["concern"] = _concern(deed, asked.language)
        if last is not None:
            shown["last"] = {
                "verdict": last["verdict"],
                "prompt": text_in(find_item(deed, last["item"]).prompt, asked.language),
                "answer": last["answer"],
            }
        if row is None:
            return shown
        item = find_item(deed, row["item"])
        levels = sorted({one["level"] for one in deed.rows("hints").find(task=row["id"])})
        reason = reason_of(found[0], row)
        return shown | {
            "task": {
                "id": row["id"],
                "number": row["turns"],
                "reason": text_in(reason, asked.language),
                "prompt": text_in(item.prompt, asked.language),
                "several": item.kind == "several",
                "options": [
                    (chr(ord("a") + at), text_in(one.text, asked.language))
                    for at, one in enumerate(item.options if item.kind in _CHOICES else ())
                ],
            },
            "hints": [hint_text(item, level, asked.language) for level in levels],
        }

    return await _with(asked, look)


async def progress_page(asked: Asked) -> Mapping[str, Any]:
    """A report: one's own, or of a learner whom one teaches."""

    def look(deed: Deed) -> dict[str, Any]:
        learner = asked.values.get("learner", deed.who.id)
        if not may_see(deed, learner):
            raise Denied("gate.not_allowed")
        if is_parent(deed, learner):
            return {"plain": text_in(_by_language(plain_report(deed, learner)), asked.language)}
        report = report_of(deed, learner)
        rows, by_hand = attempts_shown(deed, learner), set_by_hand(deed, learner)
        for one in report["skills"]:
            title = _name(one["skill"], asked.language)
            one["title"] = title
            one["percent"] = round(100 * float(one["known"]))
            one["range"] = f"{100 * float(one['low']):.0f}–{100 * float(one['high']):.0f} %"
            one["trend"] = skill_trend(deed, one["skill"], rows, by_hand, asked.language)
        found = deed.rows("learners").find(id=learner)
        name = found[0]["name"] if found else deed.who.name
        return {
            "plain": "",
            "report": report,
            "weeks": weeks_shown(rows, deed.now, asked.language),
            "name": name or learner,
            "learner": learner,
            "exam": sits_exam(deed, learner),
            "week": [one for one in week_of(deed, learner, asked.language) if one["entries"]],
        }

    return await _with(asked, look)


def _by_language(told: Mapping[str, Any]) -> dict[str, str]:
    return {"en": told["en"], "zh-CN": told["zh"]}


async def class_page(asked: Asked) -> Mapping[str, Any]:
    """The classes of a teacher, each as a heat map; signs of danger that nobody has seen yet."""

    def look(deed: Deed) -> dict[str, Any]:
        mine = [row for row in deed.rows("classes").find() if is_teacher(deed, row["id"])]
        signs = _signs(deed)
        graph = course_with(deed)[0].graph
        skills = [(one, _name(one, asked.language)) for one in graph.skills]
        made = []
        for row in mine:
            view = class_numbers(deed, row["id"])
            learners = [(one["id"], one["name"]) for one in view["learners"]]
            known = {
                who: {skill: float(value) for skill, value in values.items()}
                for who, values in view["known"].items()
            }
            about = {
                "en": f"Mastery of {len(learners)} learners in {row['title']}",
                "zh-CN": f"{row['title']} {len(learners)} 名学生的掌握程度",
            }
            marks = {
                (who, skill): text_in(both("by_hand", day=day), asked.language)
                for who, mine in view["set_by_hand"].items()
                for skill, day in mine.items()
            }
            exam = any(one["exam"] for one in deed.rows("learners").find(class_id=row["id"]))
            made.append(
                {"id": row["id"], "title": row["title"], "exam": exam,
                 "learners": class_rows(deed, learners, _per_learner(signs, row["id"]),
                                        asked.language),
                 "concerns": signs.get(row["id"], []),
                 "map": heat_map(learners, skills, known, text_in(about, asked.language), marks)}
            )  # fmt: skip
        return {"classes": made, "without_class": signs.get("", [])}

    return await _with(asked, look)


def _per_learner(signs: Mapping[str, list[dict[str, Any]]], class_id: str) -> dict[str, int]:
    """How many signs of danger of each learner of a class nobody has looked into."""
    return Counter(one["learner"] for one in signs.get(class_id, []))


def _signs(deed: Deed) -> dict[str, list[dict[str, Any]]]:
    """Signs of danger by class; one's own is for somebody else to look into."""
    return {
        class_id: [
            {**one, "when": minute_of(one["at"]), "own": one["learner"] == deed.who.id}
            for one in rows
        ]
        for class_id, rows in open_concerns(deed).items()
    }


async def statements_of_class(asked: Asked) -> JsonValue:
    """Attempts of a class as xAPI statements, for its teacher."""
    found: JsonValue = (await _exported(asked))["statements"]
    return found


async def csv_of_class(asked: Asked) -> Download:
    """Attempts of a class as CSV, for its teacher."""
    found = await _exported(asked)
    return Download(f"{asked.values['class']}.csv", "text/csv", found["csv"].encode())


async def _exported(asked: Asked) -> dict[str, Any]:
    def look(deed: Deed) -> dict[str, Any]:
        if not is_teacher(deed, asked.values["class"]):
            raise Denied("gate.not_allowed")
        return export_rows(deed, asked.values["class"])

    return await _with(asked, look)


async def report_json(asked: Asked) -> JsonValue:
    """A report with its numbers and the queries that give them again."""

    def look(deed: Deed) -> dict[str, Any]:
        return report_of(deed, _whole_report(deed, asked.values["learner"]))

    found: JsonValue = await _with(asked, look)
    return found


def _whole_report(deed: Deed, learner: str) -> str:
    """The learner, if who asks may see every number of theirs; a parent may not."""
    if not may_see(deed, learner) or is_parent(deed, learner):
        raise Denied("gate.not_allowed")
    return learner


async def report_csv(asked: Asked) -> Download:
    """A report as CSV, one row a skill."""

    def look(deed: Deed) -> list[tuple[object, ...]]:
        learner = _whole_report(deed, asked.values["learner"])
        rows = attempts_shown(deed, learner)
        return report_rows(deed, learner, rows, set_by_hand(deed, learner))

    made = table_csv(REPORT_COLUMNS, await _with(asked, look))
    return Download(f"{asked.values['learner']}-report.csv", "text/csv", made.encode())


async def class_csv(asked: Asked) -> Download:
    """The reports of a class as CSV, for its teacher; ids, no names."""

    def look(deed: Deed) -> list[tuple[object, ...]]:
        if not is_teacher(deed, asked.values["class"]):
            raise Denied("gate.not_allowed")
        learners = deed.rows("learners").find(class_id=asked.values["class"])
        return [
            row
            for one in learners
            for row in report_rows(
                deed, one["id"], attempts_of(deed, one["id"]), set_by_hand(deed, one["id"])
            )
        ]

    made = table_csv(REPORT_COLUMNS, await _with(asked, look))
    return Download(f"{asked.values['class']}-report.csv", "text/csv", made.encode())


SCREENS = (
    Screen("", {"en": "Today", "zh-CN": "今天"}, "home.html", home, needs="chat"),
    Screen("practice", {"en": "Practice", "zh-CN": "练习"}, "practice.html", practise,
           needs="chat"),
    Screen("progress", {"en": "Progress", "zh-CN": "进度"}, "progress.html", progress_page,
           needs="chat"),
    Screen("class", {"en": "Class", "zh-CN": "班级"}, "class.html", class_page,
           needs="manage_agents"),
    Screen("learners/{learner}", {"en": "Learner", "zh-CN": "学生"}, "progress.html", progress_page,
           needs="chat", listed=False),
    *EXERCISE_SCREENS,
)  # fmt: skip
ENDPOINTS = (
    Endpoint("GET", "classes/{class}/statements", statements_of_class),
    Endpoint("GET", "classes/{class}/attempts.csv", csv_of_class),
    Endpoint("GET", "classes/{class}/report.csv", class_csv),
    Endpoint("GET", "learners/{learner}/report", report_json, needs="chat"),
    Endpoint("GET", "learners/{learner}/report.csv", report_csv, needs="chat"),
)
