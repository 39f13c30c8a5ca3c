"""Tools of practice: give an exercise, take an answer, give a hint, explain a topic.

What is right, what counts and what may be told is decided by the rules; these tools keep the rows.
Each gives its words in both languages (`en`, `zh`), and a flow says the one that is spoken.
"""

import re
from dataclasses import replace
from typing import Any

from attenda.api import Deed, tool
from attenda.packs.tutor.algebra import AlgebraMissing
from attenda.packs.tutor.beginning import asks_for_exercise
from attenda.packs.tutor.catalogue import both, said_both, wish
from attenda.packs.tutor.choose import LATELY, Pause, choose
from attenda.packs.tutor.course import school_course
from attenda.packs.tutor.exam import telling_nothing
from attenda.packs.tutor.grade import Grade, grade
from attenda.packs.tutor.hints import hint_text, leaks
from attenda.packs.tutor.item import Item, text_in
from attenda.packs.tutor.rules import BOTTOM_OUT, Attempt, counts, hint_level, predicted
from attenda.packs.tutor.rules import item_rate as rate_of
from attenda.packs.tutor.safeguard import look, words_for
from attenda.packs.tutor.state import (
    Row,
    attempts_of,
    course_with,
    enrolled,
    find_item,
    keep_mastery,
    keep_review,
    known_of,
    learner_now,
    open_task,
    refuse,
    title_of,
)
from attenda.packs.tutor.topics import explained_topic, practised_topic, topic_in

__all__ = ["answer", "explain", "give_hint", "give_task", "raise_concern", "reason_of"]

Told = dict[str, Any]
_UNREADABLE = {
    "term": "unreadable_term",
    "choice": "unreadable_choice",
    "several": "unreadable_choice",
}
_ANOTHER = re.compile(r"\b(?:another|next|different|more|other|new)\b|[下再换另别新]")
_LONGEST_S = 3600
_MOST_TURNS = 10_000


def _said(state: str, *texts: dict[str, str], **more: object) -> Told:
    words = said_both(*texts)
    return {"state": state, "en": words["en"], "zh": words["zh-CN"], **more}


def reason_of(learner: Row, row: Row) -> dict[str, str]:
    """Why an exercise was given; in an exam nothing, since it tells what was right."""
    if learner["exam"]:
        return {"en": "", "zh-CN": ""}
    because = title_of(row["because"])
    return both(f"reason_{row['reason']}", skill=title_of(row["skill"]), because=because)


def _shown(learner: Row, row: Row, item: Item) -> Told:
    """An open exercise as the flow asks it."""
    words = both("task", reason=reason_of(learner, row), prompt=item.prompt)
    words = {language: text.strip() for language, text in words.items()}
    return _said("open", words, id=row["id"], number=row["turns"], skill=row["skill"])


@tool(writes=True)
def give_task(deed: Deed, about: str | None = None) -> Told:
    """The exercise that is open, or the next one with its reason, or why there is none now.

    A skill that it is to be `about` goes before the exercise that is open.
    """
    learner = enrolled(deed)
    row = open_task(deed, learner["id"])
    if about in school_course().graph:
        return _begun(deed, learner, row, str(about))
    return _shown(learner, row, find_item(deed, row["item"])) if row else _next(deed, learner)


def _begun(deed: Deed, learner: Row, row: Row | None, skill: str) -> Told:
    """An exercise of a skill that was asked for; one of another skill is left for it."""
    if row and (row["skill"] == skill or learner["exam"]):
        return _shown(learner, row, find_item(deed, row["item"]))
    if row:
        deed.rows("tasks").change(row["id"], state="left")
    return _next(deed, learner, skill)


def _next(deed: Deed, learner: Row, wished: str = "") -> Told:
    course, more = course_with(deed)
    now = learner_now(deed, learner)
    now = replace(now, wished=wished, remedy="") if wished else now
    now = telling_nothing(deed, now) if learner["exam"] else now
    chosen = choose(course.graph, course.candidates(more), now)
    if isinstance(chosen, Pause):
        words = both(f"pause_{chosen.why}", count=now.answers_today)
        return _said("pause", words, id="", number=0, skill="")
    queued = None if learner["exam"] or wished else _queued(deed, learner["id"])
    item = find_item(deed, queued["queued"]) if queued else find_item(deed, chosen.item)
    skill = course.graph.skills[item.skill].tracing
    rate = predicted(course.graph.mastery(now.known, item.skill), skill)
    row: Row = {
        "id": f"tsk_{deed.key[:12]}",
        "learner": learner["id"],
        "item": item.id,
        "skill": item.skill,
        "reason": "parallel" if queued else chosen.reason,
        "because": item.skill if queued else chosen.because,
        "rate": f"{rate:.6f}",
        "item_rate": f"{rate_of(rate, item.difficulty):.6f}",
        "at": deed.now,
        "state": "open",
        "hints": 0,
        "told": False,
        "turns": 0,
        "queued": "",
    }
    if queued:
        deed.rows("tasks").change(queued["id"], queued="")
    deed.rows("tasks").add(**row)
    return _shown(learner, row, item)


def _queued(deed: Deed, learner: str) -> Row | None:
    """The task whose parallel exercise waits."""
    found = [row for row in deed.rows("tasks").find(learner=learner) if row["queued"]]
    return found[-1] if found else None


def _is_own(deed: Deed, task: str) -> bool:
    found = deed.rows("tasks").find(id=task)
    return bool(found) and found[0]["learner"] == deed.who.id


@tool(
    writes=True,
    needs={"task": "operator", "number": "operator"},
    endorse={"task": _is_own, "number": lambda _deed, number: 0 <= number < _MOST_TURNS},
)
def answer(deed: Deed, task: str, number: int, answer: str) -> Told:
    """Take what a learner said to an exercise: an answer, a wish, or something else altogether."""
    learner, row = enrolled(deed), deed.rows("tasks").get(task)
    concern = look(answer)
    if concern is not None:  # whether the exercise is open or not
        _keep_concern(deed, learner["id"], concern.kind, concern.rule, task)
        words = {language: words_for(concern, language) for language in ("en", "zh-CN")}
        return _said("danger", words, next=_closed())
    if row["learner"] != learner["id"] or row["state"] != "open":
        return _said(
            "pause", both("no_task"), next=_said("pause", both("no_task"), id="", number=0)
        )
    deed.rows("tasks").change(task, turns=number + 1)
    row["turns"] = number + 1
    item = find_item(deed, row["item"])
    try:
        graded = grade(item, answer)
    except AlgebraMissing:
        raise refuse("algebra_missing") from None
    if graded.verdict == "unreadable" or (item.kind == "short" and graded.verdict == "wrong"):
        if wish(answer) or graded.verdict == "unreadable":
            return _no_answer(deed, learner, row, item, answer)
    return _scored(deed, learner, row, item, graded, answer)


def _closed() -> Told:
    return {"state": "pause", "en": "", "zh": "", "id": "", "number": 0, "skill": ""}


def _no_answer(deed: Deed, learner: Row, row: Row, item: Item, said: str) -> Told:
    """What is said to something that is no answer; none of it moves mastery."""
    wanted = wish(said)
    exercise = wanted != "stop" and asks_for_exercise(said)
    if (topic := practised_topic(said)) and (exercise or not wanted):
        return {**_said("skip"), "next": _begun(deed, learner, row, topic)}
    if exercise and _ANOTHER.search(said.lower()):
        wanted = "skip"
    elif exercise and wanted != "skip":  # the one that is open is what they ask for
        return {**_said("open"), "next": _shown(learner, row, item)}
    topic = explained_topic(said) or (topic_in(said) if wanted == "help" else "")
    if topic and topic != row["skill"]:
        return {**_explained(deed, learner, topic), "next": _shown(learner, row, item)}
    if wanted == "help":
        return {**_hint(deed, learner, row, item), "next": _shown(learner, row, item)}
    if wanted in ("stop", "skip"):
        deed.rows("tasks").change(row["id"], state="left")
        if wanted == "stop":
            return _said("stop", both("stopped"), next=_closed())
        return {**_said("skip"), "next": _next(deed, learner)}
    key = _UNREADABLE.get(item.kind, "unreadable")
    return _said("unreadable", both(key), next=_shown(learner, row, item))


def _scored(deed: Deed, learner: Row, row: Row, item: Item, graded: Grade, answer: str) -> Told:
    """Keep an attempt, move mastery where it counts, and say what came of it."""
    earlier = deed.rows("attempts").find(task=row["id"])
    right = graded.verdict == "right"
    made = Attempt(
        right, row["hints"], bool(row["told"]),
        guessable_again=bool(earlier) and item.kind in ("choice", "several"),
    )  # fmt: skip
    scored = counts(made) and graded.verdict in ("right", "wrong", "partly") and not graded.remark
    known = known_of(deed, learner["id"]).get(item.skill)
    if scored:
        known = keep_mastery(deed, learner["id"], item.skill, right)
    if right or scored:
        keep_review(deed, learner["id"], item.skill, _rating(made))
    since = max((one["at"] for one in earlier), default=row["at"])
    deed.rows("attempts").add(
        id=f"att_{deed.key[:12]}", learner=learner["id"], task=row["id"], item=item.id,
        skill=item.skill, answer=answer[:500], verdict=graded.verdict, score=f"{graded.score:.4f}",
        mistake=graded.mistake, hints=row["hints"], told=row["told"], scored=scored,
        assisted=row["hints"] > 0 or bool(row["told"]),
        known="" if known is None else f"{known:.6f}",
        seconds=min((deed.now - since) // 1_000_000, _LONGEST_S), at=deed.now,
        exam=bool(learner["exam"]),
    )  # fmt: skip
    return _came_of_it(deed, learner, row, item, graded)


def _rating(made: Attempt) -> Any:
    if not made.right:
        return "again"
    return "good" if counts(made) else "hard"


def _came_of_it(deed: Deed, learner: Row, row: Row, item: Item, graded: Grade) -> Told:
    if learner["exam"] or graded.verdict == "person":
        deed.rows("tasks").change(row["id"], state="solved")
        words = both("exam_taken" if learner["exam"] else "person")
        return {**_said("noted", words), "next": _next(deed, learner)}
    if graded.verdict == "right":
        deed.rows("tasks").change(row["id"], state="solved")
        return {**_said("right", _praise(deed, learner["id"], row)), "next": _next(deed, learner)}
    if graded.mistake and not row["queued"]:
        deed.rows("tasks").change(row["id"], queued=_parallel(deed, learner, item, graded.mistake))
    words = both(graded.remark or ("partly" if graded.verdict == "partly" else "wrong"))
    return _said("wrong", words, next=_shown(learner, row, item))


def _praise(deed: Deed, learner: str, row: Row) -> dict[str, str]:
    if row["hints"] or row["told"]:
        return both("right_aided")
    found = deed.rows("mastery").find(learner=learner, skill=row["skill"])
    fresh = bool(found) and found[0]["mastered_at"] == deed.now
    return both("right_mastered", skill=title_of(row["skill"])) if fresh else both("right")


def _parallel(deed: Deed, learner: Row, item: Item, mistake: str) -> str:
    """Another exercise that can tell the same misconception; "" where there is none."""
    lately = learner_now(deed, learner).solved[-LATELY:]
    course, more = course_with(deed)
    return next(
        (
            one.id
            for one in sorted(course.candidates(more), key=lambda one: (one.difficulty, one.id))
            if one.skill == item.skill and mistake in one.tags and one.id not in (item.id, *lately)
        ),
        "",
    )


@tool(writes=True)
def give_hint(deed: Deed) -> Told:
    """The next rung of the ladder for the exercise that is open."""
    learner = enrolled(deed)
    row = open_task(deed, learner["id"])
    if row is None:
        return _said("pause", both("no_task"))
    return _hint(deed, learner, row, find_item(deed, row["item"]))


def _hint(deed: Deed, learner: Row, row: Row, item: Item) -> Told:
    """A hint, and its row; in an exam neither."""
    if learner["exam"]:
        return _said("exam", both("exam_no_help"))
    tries = [
        one for one in attempts_of(deed, learner["id"])
        if one["task"] == row["id"] and one["verdict"] in ("right", "wrong", "partly")
    ]  # fmt: skip
    level = hint_level(row["hints"], len({one["answer"].strip() for one in tries}))
    mistake = tries[-1]["mistake"] if tries else ""
    about = school_course().mistakes.get(mistake, {})
    words = {language: hint_text(item, level, language, about) for language in ("en", "zh-CN")}
    again = row["hints"] >= level
    deed.rows("hints").add(
        id=f"hnt_{deed.key[:12]}", learner=learner["id"], task=row["id"], item=item.id, level=level,
        mistake=mistake, at=deed.now,
    )  # fmt: skip
    told = level >= BOTTOM_OUT
    deed.rows("tasks").change(row["id"], hints=max(row["hints"], min(level, 3)), told=told)
    row |= {"hints": max(row["hints"], min(level, 3)), "told": told}
    if told:
        return _said("told", both("answer_told", text=words), level=level)
    if not words["en"]:
        return _said("hint", both("hint_none"), level=level)
    key = "hint_again" if again else "hint"
    return _said("hint", both(key, level=level, text=words), level=level, shown=not again)


@tool()
def explain(deed: Deed, skill: str) -> Told:
    """A topic: its idea, a worked example, and what it rests on; in an exam nothing."""
    found = deed.rows("learners").find(id=deed.who.id)
    return _explained(deed, found[0] if found else {"exam": False}, skill)


def _explained(deed: Deed, learner: Row, skill: str) -> Told:
    """The words of an explanation; its example is none that tells the exercise that is open."""
    if learner["exam"]:
        return _said("exam", both("exam_no_help"))
    course = school_course()
    topic = course.graph.skills[skill]
    row = open_task(deed, deed.who.id)
    open_item = find_item(deed, row["item"]) if row else None
    example: dict[str, str] = {}
    for item in course.items.values():
        words = dict(item.hints[2])
        if item.skill == skill and not any(
            open_item and leaks(open_item, text_in(words, one)) for one in ("en", "zh-CN")
        ):
            example = words
            break
    words = both("explain", skill=topic.title, idea=topic.idea, example=example)
    needs = {
        language: glue.join(text_in(title_of(one), language) for one in topic.needs)
        for language, glue in (("en", ", "), ("zh-CN", "、"))
    }
    return _said("explained", words, both("explain_needs", needs=needs) if topic.needs else {})


@tool(writes=True)
def raise_concern(deed: Deed, words: str) -> Told:
    """Keep that a learner may be in danger, and give the fixed words; a person takes over then."""
    concern = look(words)
    kind, rule = (concern.kind, concern.rule) if concern else ("self_harm", "SG-SAID")
    _keep_concern(deed, enrolled(deed)["id"], kind, rule, "")
    said = concern or look("kill myself")
    assert said is not None
    return _said("danger", {one: words_for(said, one) for one in ("en", "zh-CN")})


def _keep_concern(deed: Deed, learner: str, kind: str, rule: str, task: str) -> None:
    """Note a sign of danger; the exercise that was open is left."""
    row = open_task(deed, learner)
    if row is not None:
        deed.rows("tasks").change(row["id"], state="left")
    deed.rows("concerns").add(
        id=f"sfg_{deed.key[:12]}", learner=learner, kind=kind, rule=rule, task=task, at=deed.now,
        seen_by="",
    )  # fmt: skip
