"""Sample data: two classes with their teachers, five learners, and what they did in a week.

Made by playing answers through the same rules as everywhere, so that mastery and reports agree.
"""

from collections.abc import Sequence
from typing import Any

from attenda.packs.tutor.course import school_course
from attenda.packs.tutor.grade import grade
from attenda.packs.tutor.rules import MASTERED, predicted, updated

__all__ = ["SAMPLES"]

_BEGIN = 1_772_000_000_000_000  # 2026-02-25T06:13:20Z
_MINUTE = 60_000_000
_DONE: dict[str, Sequence[tuple[str, str]]] = {
    "lea": [
        ("fraction_meaning-1", "3/4"), ("fraction_meaning-2", "3/5"), ("fraction_meaning-3", "5/8"),
        ("fraction_meaning-4", "7/9"), ("common_multiple-1", "12"), ("common_multiple-2", "20"),
        ("common_multiple-3", "24"), ("common_multiple-4", "36"), ("add_fractions-1", "5/6"),
        ("add_fractions-2", "2/6"), ("equivalent_fractions-1", "5"),
    ],
    "tom": [
        ("order_of_operations-1", "18"), ("order_of_operations-2", "17"),
        ("order_of_operations-3", "39"), ("order_of_operations-4", "38"),
        ("order_of_operations-5", "68"), ("negative_numbers-1", "2"), ("negative_numbers-2", "-6"),
        ("negative_numbers-3", "-5"), ("negative_numbers-4", "-11"), ("area_rectangle-1", "16"),
    ],
    "mei": [
        ("fraction_meaning-1", "1/4"), ("fraction_meaning-2", "3/5"), ("fraction_meaning-3", "5/8"),
        ("decimals-1", "0.5"), ("decimals-2", "0.75"), ("decimals-3", "2.5"),
        ("percent_of-1", "40"), ("percent_of-2", "6"), ("percent_of-3", "7"),
    ],
    "kim": [
        (f"{skill}-{number}", key)
        for skill, keys in (
            ("fraction_meaning", "3/4 3/5 5/8 7/9"), ("common_multiple", "12 20 24 36"),
            ("equivalent_fractions", "4 8 15 12"),
        )
        for number, key in enumerate(keys.split(), start=1)
    ],
}  # fmt: skip
_LEARNERS = (
    ("lea", "Lea Duarte", "K-1", "add_fractions", False),
    ("tom", "Tom Berg", "K-1", "", False),
    ("mei", "李梅", "K-1", "percent_what", False),
    ("kim", "Kim Okoye", "K-2", "add_fractions", False),
    ("eva", "Eva Lind", "K-2", "", True),
)


def _played() -> dict[str, list[dict[str, Any]]]:
    """Tasks, attempts and mastery, as the tools would have kept them."""
    course, at = school_course(), _BEGIN
    tasks: list[dict[str, Any]] = []
    attempts: list[dict[str, Any]] = []
    mastery: dict[tuple[str, str], dict[str, Any]] = {}
    for learner, done in _DONE.items():
        for number, (item_id, said) in enumerate(done, start=1):
            at += 7 * _MINUTE
            item = course.items[item_id]
            tracing = course.graph.skills[item.skill].tracing
            row = mastery.get((learner, item.skill))
            before = float(row["known"]) if row else tracing.prior
            found = grade(item, said)
            known = updated(before, found.verdict == "right", tracing)
            task = f"tsk_{learner}_{number:02}"
            tasks.append(
                {"id": task, "learner": learner, "item": item_id, "skill": item.skill,
                 "reason": "frontier", "because": item.skill,
                 "rate": f"{predicted(before, tracing):.6f}",
                 "item_rate": f"{predicted(before, tracing):.6f}", "at": at - 2 * _MINUTE,
                 "state": "solved", "hints": 0, "told": False, "turns": 1, "queued": ""}
            )  # fmt: skip
            attempts.append(
                {"id": f"att_{learner}_{number:02}", "learner": learner, "task": task,
                 "item": item_id, "skill": item.skill, "answer": said, "verdict": found.verdict,
                 "score": f"{found.score:.4f}", "mistake": found.mistake, "hints": 0, "told": False,
                 "assisted": False, "scored": True, "known": f"{known:.6f}", "seconds": 120,
                 "at": at, "exam": False}
            )  # fmt: skip
            mastery[learner, item.skill] = {
                "id": f"{learner}:{item.skill}", "learner": learner, "skill": item.skill,
                "known": f"{known:.6f}", "scored": (row["scored"] if row else 0) + 1,
                "mastered_at": at if known >= MASTERED else None, "at": at,
            }  # fmt: skip
    return {"tasks": tasks, "attempts": attempts, "mastery": list(mastery.values())}


SAMPLES: dict[str, list[dict[str, Any]]] = {
    "classes": [
        {"id": "K-1", "title": "7a", "teacher": "ms_kern"},
        {"id": "K-2", "title": "7b", "teacher": "mr_wolf"},
    ],
    "learners": [
        {"id": id_, "name": name, "class_id": class_, "goal": goal, "minutes": 20, "exam": exam}
        for id_, name, class_, goal, exam in _LEARNERS
    ],
    **_played(),
}
