"""Who training rows came from, as marks instead of names; and the marks of who was erased since.

Two rooms that never meet share this: one trains on rows with marks and keeps them with each model,
the other notes in a file of the home who was erased. What both lists hold is what a model should
not know any more.
"""

import hashlib
import json
from pathlib import PurePath

__all__ = ["ERASED", "erased_line", "erased_marks", "person_mark"]

ERASED = PurePath("school", "erased.jsonl")
"""The file inside a home; a line for each person, who stays unnamed."""


def person_mark(user_id: str) -> str:
    """The mark of a person; it leads back to nobody whose id is not known."""
    return hashlib.sha256(f"attenda person\0{user_id}".encode()).hexdigest()[:16]


def erased_line(mark: str) -> str:
    """A person's line of the file."""
    return json.dumps({"person": mark}) + "\n"


def erased_marks(text: str) -> frozenset[str]:
    """The marks in the file's text; a line that is cut off counts for nothing."""
    found = set()
    for line in text.splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict) and isinstance(row.get("person"), str):
            found.add(row["person"])
    return frozenset(found)
