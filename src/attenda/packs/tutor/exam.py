"""What a running exam keeps back from who sits it: which answers were right, and what they moved.

Answers of an exam count as any others; their learner sees what came of them when it is over. A
teacher sees it all the while.
"""

from dataclasses import replace

from attenda.api import Deed
from attenda.packs.tutor.choose import Learner
from attenda.packs.tutor.report import skill_rows
from attenda.packs.tutor.state import (
    Row,
    attempts_of,
    course_with,
    is_parent,
    known_of,
    set_by_hand,
)

__all__ = ["attempts_shown", "known_shown", "sits_exam", "telling_nothing"]


def sits_exam(deed: Deed, learner: str) -> bool:
    """Whether who asks looks at themselves, or at their child, in the middle of an exam."""
    own = learner == deed.who.id or is_parent(deed, learner)
    found = deed.rows("learners").find(id=learner) if own else []
    return bool(found and found[0]["exam"])


def attempts_shown(deed: Deed, learner: str) -> list[Row]:
    """The attempts of a learner that who asks may know of, in the order they were made."""
    rows = attempts_of(deed, learner)
    if not sits_exam(deed, learner):
        return rows
    since = deed.rows("learners").get(learner)["exam_since"] or 0
    return [one for one in rows if not (one["exam"] and one["at"] >= since)]


def known_shown(deed: Deed, learner: str) -> dict[str, float]:
    """P(known) by skill as who asks may know it: in an exam, as it was before."""
    if not sits_exam(deed, learner):
        return known_of(deed, learner)
    graph, rows = course_with(deed)[0].graph, attempts_shown(deed, learner)
    found = skill_rows(graph, rows, deed.now, set_by_hand(deed, learner))
    return {one.skill: one.known for one in found}


def telling_nothing(deed: Deed, now: Learner) -> Learner:
    """What the next exercise of an exam depends on: nothing that its answers showed."""
    made = [one["item"] for one in attempts_of(deed, deed.who.id) if one["exam"]]
    return replace(
        now, known=known_shown(deed, deed.who.id), solved=[*now.solved, *made], wrong_in_a_row=0,
        due=(), remedy="", wished="", wanted=deed.rows("learners").get(deed.who.id)["goal"],
    )  # fmt: skip
