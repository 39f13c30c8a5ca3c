"""Tools of the plan: made from mastery, reviews and time, then the learner's own to change.

A plan is rows with a day each. What the learner moved or did stays when the plan is made anew.
"""

import datetime
from typing import Any

from attenda.api import Deed, tool
from attenda.packs.tutor.catalogue import both, said_both
from attenda.packs.tutor.course import school_course
from attenda.packs.tutor.exam import known_shown
from attenda.packs.tutor.plan import MINUTES, Entry, What, draft
from attenda.packs.tutor.review import reviews_installed
from attenda.packs.tutor.state import Row, course_with, day_of, enrolled, refuse, title_of

__all__ = [
    "DAYS",
    "add_entry",
    "days_ahead",
    "finish_entry",
    "make_plan",
    "move_entry",
    "plan_rows",
    "remove_entry",
    "show_plan",
    "todo_first",
]

DAYS = 7
"""For which a plan is made."""
_WHAT = ("practise", "review")


@tool(writes=True)
def make_plan(deed: Deed, goal: str, minutes: int) -> dict[str, Any]:
    """A week from today on: reviews when they are due, then the way to the goal.

    Args:
        deed: whose plan.
        goal: a skill.
        minutes: a day; between 5 and 240.
    """
    learner = enrolled(deed)
    minutes = min(max(minutes, 5), 240)
    deed.rows("learners").change(learner["id"], goal=goal, minutes=minutes)
    days = days_ahead(deed)
    today = days[0]
    due = {
        row["skill"]: max(today, datetime.date.fromisoformat(day_of(row["due"])))
        for row in deed.rows("reviews").find(learner=learner["id"])
        if not learner["exam"]
    }
    due = {skill: day for skill, day in due.items() if day <= days[-1]}
    old = plan_rows(deed, learner["id"])
    out = [_entry_of(row) for row in deed.rows("plan").find(learner=learner["id"], state="removed")]
    kept = [*map(_entry_of, old), *(one for one in out if one.day >= today)]
    graph = school_course().graph
    plan = draft(graph, known_shown(deed, learner["id"]), goal, due, days, minutes, kept)
    _store(deed, learner["id"], old, plan)
    return show(deed, learner["id"])


def days_ahead(deed: Deed) -> list[datetime.date]:
    """The days of a plan, from today on."""
    today = datetime.date.fromisoformat(day_of(deed.now))
    return [today + datetime.timedelta(days=n) for n in range(DAYS)]


def todo_first(row: Row) -> tuple[bool, str, str, str]:
    """Sorts a plan: what is still to do first, then by day."""
    return row["state"] == "done", row["day"], row["what"], row["skill"]


def _entry_of(row: Row) -> Entry:
    """An entry as it was stored."""
    return Entry(
        datetime.date.fromisoformat(row["day"]), row["skill"], row["what"], row["minutes"],
        row["by_hand"], row["state"] == "done", row["state"] == "removed",
    )  # fmt: skip


def plan_rows(deed: Deed, learner: str) -> list[Row]:
    """The entries that stand in a learner's plan."""
    return [
        row for row in deed.rows("plan").find(learner=learner) if row["state"] in ("open", "done")
    ]


def _store(deed: Deed, learner: str, old: list[Row], plan: list[Entry]) -> None:
    """Rows that were neither moved nor done are dropped; new entries get rows."""
    rows = deed.rows("plan")
    for row in old:
        if not row["by_hand"] and row["state"] == "open":
            rows.change(row["id"], state="dropped")
    for number, one in enumerate(one for one in plan if not (one.by_hand or one.done)):
        rows.add(
            id=f"pln_{deed.key[:10]}_{number:02}", learner=learner, day=one.day, skill=one.skill,
            what=one.what, minutes=one.minutes, by_hand=False, state="open",
        )  # fmt: skip


@tool()
def show_plan(deed: Deed) -> dict[str, Any]:
    """The learner's own plan, what is still to do first."""
    return show(deed, deed.who.id)


def show(deed: Deed, learner: str, empty: str = "plan_empty") -> dict[str, Any]:
    """A plan as lines, in both languages; the sentence `empty` where there is nothing in it."""
    rows = sorted(plan_rows(deed, learner), key=todo_first)
    lines = [_line(row) for row in rows]
    if not reviews_installed():
        lines.append(both("reviews_missing"))
    words = said_both(*lines, glue="\n") if rows else both(empty)
    return {"count": len(rows), "en": words["en"], "zh": words["zh-CN"]}


def _line(row: Row) -> dict[str, str]:
    words = both(
        "plan_line", day=row["day"], what=both(f"what_{row['what']}"),
        skill=title_of(row["skill"]), minutes=row["minutes"],
    )  # fmt: skip
    done = both("plan_done") if row["state"] == "done" else {}
    return said_both(words, done, glue="")


def _open_row(deed: Deed, skill: str, entry: str) -> Row:
    """The entry of one's own that is still to do: the one named, or a skill's next."""
    found = [
        row
        for row in deed.rows("plan").find(learner=deed.who.id, skill=skill, state="open")
        if row["what"] in _WHAT and entry in ("", row["id"])
    ]
    if not found:
        raise refuse("no_entry", skill=title_of(skill))
    return min(found, key=lambda row: str(row["day"]))


def _not_over(deed: Deed, day: datetime.date) -> None:
    if day.isoformat() < day_of(deed.now):
        raise refuse("day_over")


@tool(writes=True)
def move_entry(deed: Deed, skill: str, day: datetime.date, entry: str = "") -> dict[str, Any]:
    """Put an entry of a skill, the next one, on another day; it is the learner's own then."""
    _not_over(deed, day)
    deed.rows("plan").change(_open_row(deed, skill, entry)["id"], day=day, by_hand=True)
    return show(deed, deed.who.id)


@tool(writes=True)
def finish_entry(deed: Deed, skill: str, entry: str = "") -> dict[str, Any]:
    """Tick an entry of a skill off, the next one."""
    deed.rows("plan").change(_open_row(deed, skill, entry)["id"], state="done")
    return show(deed, deed.who.id)


@tool(writes=True)
def remove_entry(deed: Deed, skill: str, entry: str = "") -> dict[str, Any]:
    """Take an entry of a skill out, the next one; no plan puts it in again before its day."""
    deed.rows("plan").change(_open_row(deed, skill, entry)["id"], state="removed", by_hand=True)
    return show(deed, deed.who.id, "plan_none")


@tool(writes=True)
def add_entry(deed: Deed, skill: str, what: What, day: datetime.date) -> dict[str, Any]:
    """Put a skill on a day by hand."""
    learner = enrolled(deed)
    _not_over(deed, day)
    if skill not in course_with(deed)[0].graph:
        raise refuse("no_skill", skill=skill)
    same = {"learner": learner["id"], "skill": skill, "what": what, "day": day, "state": "open"}
    if deed.rows("plan").find(**same):
        raise refuse("entry_there", skill=title_of(skill), day=day)
    deed.rows("plan").add(id=f"pln_{deed.key[:10]}_00", minutes=MINUTES[what], by_hand=True, **same)
    return show(deed, deed.who.id)
