"""The tutor's tables: learners and classes, what was asked and answered, mastery, reviews, plans.

Learners are the people who chat; a class has a teacher. Nothing here holds a learner's words but
their answers; a concern names the exercise, not what was said in it.
"""

from attenda.api import PackTable

__all__ = ["TABLES"]

TABLES = (
    PackTable(
        "classes",
        {"id": "text", "title": "text", "teacher": "text"},
        person="teacher", redacted=("teacher",),
    ),
    PackTable(
        "learners",
        {
            "id": "text",  # of the person
            "name": "text",
            "class_id": "text",
            "goal": "text",
            "minutes": "integer",
            "exam": "flag",
            "exam_since": "time",
        },
        person="id",
    ),
    PackTable(
        "guardians",  # who sees how which learner does, in plain words
        {"id": "text", "parent": "text", "learner": "text"},
        unique=(("parent", "learner"),), person="parent",
    ),
    PackTable(
        "items",  # that were brought in; those of the course are files
        {
            "id": "text",
            "skill": "text",
            "kind": "text",
            "source": "text",
            "added_by": "text",
            "body": "json",  # as its file says
            "own": "json",  # what a teacher changed of it
            "retired_at": "time",
        },
        person="added_by", redacted=("added_by",),
    ),
    PackTable(
        "changes",  # of exercises that were brought in, each with what was before it
        {"id": "text", "item": "text", "what": "text", "before": "json", "by": "text",
         "at": "time", "undone": "flag"},
        indexes=(("item", "at"),), person="by", redacted=("by",),
    ),
    PackTable(
        "tasks",
        {
            "id": "text",
            "learner": "text",
            "item": "text",
            "skill": "text",
            "reason": "text",
            "because": "text",
            "rate": "amount",  # P(right) of the skill, before
            "item_rate": "amount",
            "at": "time",
            "state": "text",  # open, solved, left
            "hints": "integer",
            "told": "flag",
            "turns": "integer",
            "queued": "text",  # an exercise that comes next, after a misconception
        },
        indexes=(("learner", "at"),), person="learner", ages="at",
    ),
    PackTable(
        "attempts",
        {
            "id": "text",
            "learner": "text",
            "task": "text",
            "item": "text",
            "skill": "text",
            "answer": "text",
            "verdict": "text",
            "score": "amount",
            "mistake": "text",
            "hints": "integer",
            "told": "flag",
            "assisted": "flag",
            "scored": "flag",
            "known": "amount",  # mastery of the skill, after
            "seconds": "integer",
            "at": "time",
            "exam": "flag",
        },
        indexes=(("learner", "at"), ("task",)), person="learner", ages="at",
    ),
    PackTable(
        "hints",
        {"id": "text", "learner": "text", "task": "text", "item": "text", "level": "integer",
         "mistake": "text", "at": "time"},
        indexes=(("task",),), person="learner", ages="at",
    ),
    PackTable(
        "mastery",
        {"id": "text", "learner": "text", "skill": "text", "known": "amount", "scored": "integer",
         "mastered_at": "time", "at": "time"},
        unique=(("learner", "skill"),), person="learner",
    ),
    PackTable(
        "overrides",  # of a mastery, by a person
        {"id": "text", "learner": "text", "skill": "text", "known": "amount", "set_by": "text",
         "at": "time"},
        person="learner",
    ),
    PackTable(
        "reviews",
        {"id": "text", "learner": "text", "skill": "text", "card": "text", "due": "time"},
        unique=(("learner", "skill"),), person="learner",
    ),
    PackTable(
        "plan",
        {"id": "text", "learner": "text", "day": "date", "skill": "text", "what": "text",
         "minutes": "integer", "by_hand": "flag", "state": "text"},
        person="learner",
    ),
    PackTable(
        "concerns",
        {"id": "text", "learner": "text", "kind": "text", "rule": "text", "task": "text",
         "at": "time", "seen_by": "text"},
        person="learner", redacted=(),  # a record of safeguarding stays
    ),
)  # fmt: skip
