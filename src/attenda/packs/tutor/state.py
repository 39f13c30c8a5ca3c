"""A learner as the tables have them: what is known, what is open, what is due; and who may look.

Reads rows into the values that the rules take, and writes mastery and reviews back. All that
changes does so within the transaction of the tool that asks for it.
"""

import re
from datetime import UTC, datetime
from typing import Any

from attenda.api import Deed, ToolRefused
from attenda.packs.tutor.catalogue import both
from attenda.packs.tutor.choose import Learner
from attenda.packs.tutor.course import BROUGHT_IN, Course, school_course
from attenda.packs.tutor.item import Item, from_json
from attenda.packs.tutor.review import Rating, ReviewsMissing, reviewed
from attenda.packs.tutor.rules import MASTERED, Tracing, updated
from attenda.packs.tutor.skills import Skill, SkillGraph

__all__ = [
    "attempts_of",
    "brought_in",
    "children_of",
    "course_with",
    "day_of",
    "enrolled",
    "find_item",
    "is_parent",
    "is_teacher",
    "keep_mastery",
    "keep_review",
    "known_of",
    "learner_now",
    "may_see",
    "may_teach",
    "minute_of",
    "named_learner",
    "open_task",
    "refuse",
    "set_by_hand",
    "store_mastery",
    "title_of",
]

Row = dict[str, Any]
_LOOKED_AT = 400
"""Attempts, and exercises that were given, on which the choice of the next one rests."""


def refuse(key: str, **values: object) -> ToolRefused:
    """The refusal in both languages, since a tool doesn't know which one is spoken."""
    said = both(key, **values)
    return ToolRefused(f"{said['en']} / {said['zh-CN']}")


def enrolled(deed: Deed) -> Row:
    """The row of whoever asks; who is new gets one."""
    rows = deed.rows("learners")
    if not rows.find(id=deed.who.id):
        rows.add(
            id=deed.who.id, name=deed.who.name, class_id="", goal="", minutes=20, exam=False
        )  # fmt: skip
    return rows.get(deed.who.id)


def named_learner(deed: Deed, said: str) -> str:
    """The id of the one learner whom words name, by id or name; else the words as they are."""
    rows = deed.rows("learners").find()
    if any(row["id"] == said for row in rows):
        return said
    found = {row["id"] for row in rows if _names(said, row["id"]) or _names(said, row["name"])}
    return found.pop() if len(found) == 1 else said


def _names(said: str, name: str) -> bool:
    border = r"(?:['’]?s)?(?![A-Za-z0-9_-])" if name.isascii() else ""
    before = r"(?<![A-Za-z0-9_-])" if name.isascii() else ""
    return bool(name) and re.search(before + re.escape(name) + border, said, re.I) is not None


def may_see(deed: Deed, learner: str) -> bool:
    """A learner sees themselves, a parent their child, a teacher their class, an owner everyone."""
    own = learner == deed.who.id or learner in children_of(deed, deed.who.id)
    return own or may_teach(deed, learner)


def may_teach(deed: Deed, learner: str) -> bool:
    """Whether a learner is of a class of theirs; an owner has everyone."""
    found = deed.rows("learners").find(id=learner)
    return deed.who.role == "owner" or (bool(found) and is_teacher(deed, found[0]["class_id"]))


def is_parent(deed: Deed, learner: str) -> bool:
    """Whether who asks sees a learner as their parent alone."""
    return learner in children_of(deed, deed.who.id) and not may_teach(deed, learner)


def children_of(deed: Deed, parent: str) -> list[str]:
    """The learners who are a person's children, as the school entered them."""
    return [row["learner"] for row in deed.rows("guardians").find(parent=parent)]


def is_teacher(deed: Deed, class_id: str) -> bool:
    """Whether a class is theirs; an owner has all of them."""
    found = deed.rows("classes").find(id=class_id) if class_id else []
    return bool(found) and (found[0]["teacher"] == deed.who.id or deed.who.role == "owner")


def course_with(deed: Deed) -> tuple[Course, list[Item]]:
    """The course, and the exercises that were brought in for its skills."""
    course = school_course()
    more = [brought_in(row) for row in deed.rows("items").find() if not row["retired_at"]]
    added = [BROUGHT_IN[id_] for id_ in sorted({one.skill for one in more}) if id_ in BROUGHT_IN]
    graph = SkillGraph([*course.graph.skills.values(), *added]) if added else course.graph
    usable = [one for one in more if one.skill in graph and one.kind != "open"]
    return Course(graph, course.items, course.mistakes), usable


def find_item(deed: Deed, item: str) -> Item:
    """An exercise of the course, or one that was brought in."""
    course = school_course()
    return course.items.get(item) or brought_in(deed.rows("items").get(item))


def brought_in(row: Row) -> Item:
    """An exercise that was brought in, with what a teacher changed of it."""
    return from_json({**row["body"], **(row["own"] or {})})


def title_of(skill: str) -> dict[str, str]:
    """What a skill is called."""
    found = _skill(skill)
    return dict(found.title) if found else {"en": skill, "zh-CN": skill}


def _skill(skill: str) -> Skill | None:
    return school_course().graph.skills.get(skill) or BROUGHT_IN.get(skill)


def open_task(deed: Deed, learner: str) -> Row | None:
    """The exercise that a learner was given and has not left."""
    found = deed.rows("tasks").find(learner=learner, state="open")
    return max(found, key=_order) if found else None


def attempts_of(deed: Deed, learner: str) -> list[Row]:
    """A learner's attempts in the order they were made."""
    return sorted(deed.rows("attempts").find(learner=learner), key=_order)


def _newest(deed: Deed, table: str, learner: str) -> list[Row]:
    """The last rows of a learner, oldest first: what is longer ago chooses no exercise."""
    found = deed.rows(table).find_sorted("-at", limit=_LOOKED_AT, learner=learner)
    return found[::-1]


def _order(row: Row) -> tuple[int, str]:
    return row["at"], row["id"]


def known_of(deed: Deed, learner: str) -> dict[str, float]:
    """P(known) by skill, where something was seen or set."""
    return {row["skill"]: float(row["known"]) for row in deed.rows("mastery").find(learner=learner)}


def set_by_hand(deed: Deed, learner: str) -> list[Row]:
    """What people set of a learner's mastery, the oldest first."""
    return deed.rows("overrides").find_sorted("at", learner=learner)


def learner_now(deed: Deed, row: Row) -> Learner:
    """What the choice of the next exercise depends on."""
    made, today = _newest(deed, "attempts", row["id"]), day_of(deed.now)
    tasks = _newest(deed, "tasks", row["id"])
    due = [one for one in deed.rows("reviews").find(learner=row["id"]) if one["due"] <= deed.now]
    last = made[-1] if made else None
    remedy = last["mistake"] if last and last["mistake"] else ""
    planned = sorted(
        (one["day"], one["skill"])
        for one in deed.rows("plan").find(learner=row["id"], state="open", what="practise")
        if one["day"] <= today
    )
    wanted = planned[0][1] if planned else row["goal"]
    wrong = 0
    for one in reversed([one for one in made if day_of(one["at"]) == today]):
        if one["verdict"] == "right":
            break
        wrong += 1
    return Learner(
        known=known_of(deed, row["id"]),
        solved=[one["item"] for one in made if one["verdict"] == "right"],
        given=[one["item"] for one in tasks],
        answers_today=sum(day_of(one["at"]) == today for one in made),
        wrong_in_a_row=wrong,
        due=[one["skill"] for one in sorted(due, key=lambda one: int(one["due"]))],
        wanted=last["skill"] if last and remedy else wanted,
        wished=_still_wished(tasks, known_of(deed, row["id"]), today),
        remedy=remedy,
    )


def _still_wished(tasks: list[Row], known: dict[str, float], today: str) -> str:
    """The skill that the last exercise of today was wished for, until it is mastered."""
    last = tasks[-1] if tasks else None
    if last is None or last["reason"] != "wished" or day_of(last["at"]) != today:
        return ""
    return "" if known.get(last["skill"], 0.0) >= MASTERED else str(last["skill"])


def keep_mastery(deed: Deed, learner: str, skill: str, right: bool) -> float:
    """Mastery after one attempt that counts; the new value."""
    one = _skill(skill)
    tracing = one.tracing if one else Tracing()
    found = deed.rows("mastery").find(learner=learner, skill=skill)
    before = float(found[0]["known"]) if found else tracing.prior
    known = updated(before, right, tracing)
    store_mastery(deed, learner, skill, known, (found[0]["scored"] if found else 0) + 1)
    return known


def store_mastery(deed: Deed, learner: str, skill: str, known: float, scored: int) -> None:
    """Write a mastery down; the moment it was reached stays as long as it is held."""
    rows = deed.rows("mastery")
    found = rows.find(learner=learner, skill=skill)
    since = found[0]["mastered_at"] if found else None
    values = {
        "known": f"{known:.6f}",
        "scored": scored,
        "mastered_at": (since or deed.now) if known >= MASTERED else None,
        "at": deed.now,
    }
    if found:
        rows.change(found[0]["id"], **values)
    else:
        rows.add(id=f"{learner}:{skill}"[:80], learner=learner, skill=skill, **values)


def keep_review(deed: Deed, learner: str, skill: str, rating: Rating) -> None:
    """The review of a skill after an answer; begun when it is first mastered."""
    rows = deed.rows("reviews")
    found = rows.find(learner=learner, skill=skill)
    mastered = known_of(deed, learner).get(skill, 0.0) >= MASTERED
    if not found and not mastered:
        return
    try:
        card, due = reviewed(found[0]["card"] if found else "", rating, deed.now)
    except ReviewsMissing:
        return  # no reviews are planned here; the plan says so
    if found:
        rows.change(found[0]["id"], card=card, due=due)
    else:
        rows.add(
            id=f"{learner}:{skill}"[:80], learner=learner, skill=skill, card=card, due=due
        )  # fmt: skip


def day_of(at: int) -> str:
    """The day of a moment, in UTC, as YYYY-MM-DD."""
    return datetime.fromtimestamp(at / 1_000_000, UTC).date().isoformat()


def minute_of(at: int) -> str:
    """The day and minute of a moment in microseconds since 1970, as people read them, UTC."""
    return datetime.fromtimestamp(at / 1_000_000, UTC).strftime("%Y-%m-%d %H:%M UTC")
