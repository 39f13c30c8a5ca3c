"""Exercises that were brought in, changed by a teacher: filed elsewhere, edited, retired, undone.

What a file said stays as it was read; a teacher's changes lie over it, so that reading the file
again takes none away. What pupils answered, and the skill it counted for, is never touched.
"""

import re
from typing import Any

from attenda.api import Deed, tool
from attenda.packs.tutor.algebra import AlgebraMissing
from attenda.packs.tutor.catalogue import both
from attenda.packs.tutor.course import BROUGHT_IN, school_course
from attenda.packs.tutor.grade import grade
from attenda.packs.tutor.item import Item, from_json, to_json
from attenda.packs.tutor.state import Row, brought_in, refuse, title_of

__all__ = [
    "edit_item",
    "keys_of",
    "newest_change",
    "refile_item",
    "retire_item",
    "skills_to_file",
    "undo_change",
]

_CHOSEN = ("choice", "several")
_STAFF = ("supervisor", "owner")
_LONGEST = 2000


def skills_to_file() -> list[str]:
    """Skills that an exercise may be filed under."""
    return [*school_course().graph.skills, *BROUGHT_IN]


def keys_of(item: Item) -> list[str]:
    """What is right, as a teacher edits it: letters of options, else accepted answers."""
    if item.kind in _CHOSEN:
        return [chr(ord("a") + at) for at, one in enumerate(item.options) if one.right]
    return list(item.keys)


def newest_change(deed: Deed, item: str) -> Row | None:
    """The last change of an exercise that stands, which is the one that can be undone."""
    found = deed.rows("changes").find_sorted("-at", item=item, undone=False)
    return found[0] if found else None


def _row(deed: Deed, item: str) -> Row:
    """The row of an exercise that was brought in, for who may change it."""
    if deed.who.role not in _STAFF:
        raise refuse("not_your_exercises")
    if item in school_course().items:
        raise refuse("exercise_of_course")
    found = deed.rows("items").find(id=item)
    if not found:
        raise refuse("no_exercise")
    return found[0]


def _note(deed: Deed, row: Row, what: str, **now: object) -> dict[str, str]:
    """Keep what an exercise was before, and give it its new values."""
    before = {"own": row["own"], "retired_at": row["retired_at"]}
    deed.rows("changes").add(
        id=f"chg_{deed.key[:12]}", item=row["id"], what=what, before=before, by=deed.who.id,
        at=deed.now, undone=False,
    )  # fmt: skip
    deed.rows("items").change(row["id"], **now)
    words = both(f"exercise_{what}")
    return {"en": words["en"], "zh": words["zh-CN"]}


@tool(writes=True)
def refile_item(deed: Deed, item: str, skill: str) -> dict[str, str]:
    """File an exercise under another skill; what was answered counts where it counted."""
    row = _row(deed, item)
    if skill not in skills_to_file():
        raise refuse("no_skill", skill=skill)
    if brought_in(row).skill == skill:
        raise refuse("filed_there", skill=title_of(skill))
    return _note(deed, row, "refiled", own={**(row["own"] or {}), "skill": skill})


@tool(writes=True)
def edit_item(
    deed: Deed, item: str, prompt_en: str = "", prompt_zh: str = "", answers: str = "",
    solution: str = "",
) -> dict[str, str]:  # fmt: skip
    """Say an exercise in other words, or give it other right answers.

    Args:
        deed: by whom.
        item: that was brought in.
        prompt_en: what is asked, in English; empty where it is asked in Chinese alone.
        prompt_zh: the same in Chinese.
        answers: one a line; of a choice, letters of the options that are right.
        solution: what is told in the end; empty for the answer alone.
    """
    row = _row(deed, item)
    old = brought_in(row)
    if max(map(len, (prompt_en, prompt_zh, answers, solution))) > _LONGEST:
        raise refuse("exercise_long", most=_LONGEST)
    asked = {"en": prompt_en.strip(), "zh-CN": prompt_zh.strip()}
    told = solution.strip()
    own = {
        "prompt": {one: text for one, text in asked.items() if text},
        "solution": dict.fromkeys(asked, told) if told else {},
        **_keyed(old, answers),
    }
    _solvable(from_json({**to_json(old), **own}))
    same = {name: to_json(old)[name] for name in own}
    if {**same, **own} == same:
        raise refuse("exercise_same")
    return _note(deed, row, "edited", own={**(row["own"] or {}), **own})


def _keyed(item: Item, answers: str) -> dict[str, Any]:
    """The part of an exercise that says what is right."""
    said = [one.strip() for one in answers.splitlines() if one.strip()]
    if item.kind not in _CHOSEN:
        return {"keys": said} if item.kind not in ("match", "open") else {}
    letters = {one.lower() for line in said for one in re.findall(r"[A-Za-z]", line)}
    known = [chr(ord("a") + at) for at in range(len(item.options))]
    if not letters <= set(known):
        raise refuse("exercise_letters", letters=", ".join(known))
    options = to_json(item)["options"]
    for letter, option in zip(known, options, strict=True):
        if option["right"] is not (letter in letters):
            option |= {"right": letter in letters, "share": 0.0}
    return {"options": options}


def _solvable(item: Item) -> None:
    """Refuse an exercise that asks nothing, or whose own answer is not right."""
    if not item.prompt:
        raise refuse("exercise_asks_nothing")
    keys = keys_of(item)
    if item.kind in ("match", "open"):
        return
    if not keys or (item.kind == "choice" and len(keys) != 1):
        raise refuse("exercise_one_right" if item.kind == "choice" else "exercise_no_answer")
    tried = [" ".join(keys)] if item.kind in _CHOSEN else keys
    for key in tried:
        try:
            right = ".." in key or grade(item, key.partition(":")[0]).verdict == "right"
        except (AlgebraMissing, ValueError):
            right = False
        if not right:
            raise refuse("exercise_key", text=key[:40])


@tool(writes=True)
def retire_item(deed: Deed, item: str) -> dict[str, str]:
    """Give an exercise no more; what was answered stays, and who has it open gets another."""
    row = _row(deed, item)
    if row["retired_at"]:
        raise refuse("exercise_retired_before")
    for task in deed.rows("tasks").find(item=item, state="open"):
        deed.rows("tasks").change(task["id"], state="left")
    for task in deed.rows("tasks").find(queued=item):
        deed.rows("tasks").change(task["id"], queued="")
    return _note(deed, row, "retired", retired_at=deed.now)


@tool(writes=True)
def undo_change(deed: Deed, item: str) -> dict[str, str]:
    """Take the last change of an exercise back."""
    _row(deed, item)
    change = newest_change(deed, item)
    if change is None:
        raise refuse("exercise_no_change")
    before = change["before"]
    deed.rows("items").change(item, own=before["own"], retired_at=before["retired_at"])
    deed.rows("changes").change(change["id"], undone=True)
    words = both("exercise_undone")
    return {"en": words["en"], "zh": words["zh-CN"]}
