"""Sample data: two classes with their teachers, five learners, what they did in the last days.

Made by playing answers through the same rules as everywhere, so that mastery and reports agree; one
of them has a plan that begins today.
"""

import datetime
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from attenda.packs.tutor.course import school_course
from attenda.packs.tutor.grade import grade
from attenda.packs.tutor.plan import draft
from attenda.packs.tutor.planning import DAYS
from attenda.packs.tutor.rules import MASTERED, predicted, updated

__all__ = ["samples_on"]

_MINUTE = 60_000_000
_DAY = 1_440 * _MINUTE
_A_DAY = 4
"""Answers of each learner a day."""
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


def _answered_at(learner: str, number: int) -> int:
    """When an answer was given, counted from the day on which it is loaded; always before that."""
    days, of_day = divmod(number - 1, _A_DAY)
    place = list(_DONE).index(learner)
    return (days - 3) * _DAY + (15 * 60 + 30 * place + 7 * of_day) * _MINUTE


@lru_cache(maxsize=1)
def _played() -> dict[str, list[dict[str, Any]]]:
    """Tasks, attempts and mastery, as the tools would have kept them; times as `_answered_at`."""
    course = school_course()
    tasks: list[dict[str, Any]] = []
    attempts: list[dict[str, Any]] = []
    mastery: dict[tuple[str, str], dict[str, Any]] = {}
    for learner, done in _DONE.items():
        for number, (item_id, said) in enumerate(done, start=1):
            at = _answered_at(learner, number)
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


def _moved(row: dict[str, Any], day: int) -> dict[str, Any]:
    """A row with its times counted from a day's beginning."""
    times = ("at", "mastered_at")
    return {k: v + day if k in times and v is not None else v for k, v in row.items()}


def _plan(today: datetime.date) -> list[dict[str, Any]]:
    """The week of one learner, as the plan would be made today."""
    known = {
        row["skill"]: float(row["known"]) for row in _played()["mastery"] if row["learner"] == "mei"
    }
    days = [today + datetime.timedelta(days=n) for n in range(DAYS)]
    due = {"fraction_meaning": today}
    made = draft(school_course().graph, known, "percent_what", due, days, 20)
    return [
        {"id": f"pln_mei_{n:02}", "learner": "mei", "day": one.day.isoformat(), "skill": one.skill,
         "what": one.what, "minutes": one.minutes, "by_hand": False, "state": "open"}
        for n, one in enumerate(made)
    ]  # fmt: skip


def samples_on(now: int) -> dict[str, list[dict[str, Any]]]:
    """The samples as they are on a day: what was done in the days before it, planned from it on.

    Args:
        now: microseconds since 1970, UTC.
    """
    day = now // _DAY * _DAY
    played = {name: [_moved(row, day) for row in rows] for name, rows in _played().items()}
    return {
        "classes": [
            {"id": "K-1", "title": "7a", "teacher": "ms_kern"},
            {"id": "K-2", "title": "7b", "teacher": "mr_wolf"},
        ],
        "learners": [
            {"id": id_, "name": name, "class_id": class_, "goal": goal, "minutes": 20, "exam": exam}
            for id_, name, class_, goal, exam in _LEARNERS
        ],
        "plan": _plan(datetime.datetime.fromtimestamp(day / 1_000_000, datetime.UTC).date()),
        **played,
    }
