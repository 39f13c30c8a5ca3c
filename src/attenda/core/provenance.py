"""Who and which chat training rows came from, as marks; and the marks of what may be used no more.

Two rooms that never meet share this: one trains on rows with marks and keeps them with each model,
the other notes in a file of the home who was erased, and which chats their people took back. What
both lists hold is what a model should not know any more.
"""

import hashlib
import json
from pathlib import PurePath

__all__ = ["ERASED", "chat_mark", "erased_line", "erased_marks", "person_mark"]

ERASED = PurePath("school", "erased.jsonl")
"""The file inside a home; a line for each person or chat, which stay unnamed."""


def person_mark(user_id: str) -> str:
    """The mark of a person; it leads back to nobody whose id is not known."""
    return hashlib.sha256(f"attenda person\0{user_id}".encode()).hexdigest()[:16]


def chat_mark(session_id: str) -> str:
    """The mark of a chat; it leads back to none whose id is not known."""
    return hashlib.sha256(f"attenda chat\0{session_id}".encode()).hexdigest()[:16]


def erased_line(mark: str, *, chat: bool = False, again: bool = False) -> str:
    """A line of the file: a person who was erased, a chat that was taken back, or allowed again."""
    row: dict[str, object] = {"chat" if chat else "person": mark}
    return json.dumps(row | {"allowed": True} if again else row) + "\n"


def erased_marks(text: str) -> frozenset[str]:
    """The marks in the file's text that count now; a line that is cut off counts for nothing."""
    found: set[str] = set()
    for line in text.splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            continue
        mark = row.get("person") or row.get("chat") if isinstance(row, dict) else None
        if isinstance(mark, str):
            (found.discard if row.get("allowed") else found.add)(mark)
    return frozenset(found)
