"""What people left in the school's files: their rows go with them, or when they take a chat back.

A mark, not the name, outlives them: a model that learned from them is known by it. Files that
say nothing of where their rows came from are left as they are.
"""

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from attenda.core.provenance import ERASED, chat_mark, erased_line, erased_marks, person_mark
from attenda.store.schema import audit

__all__ = ["allow_again", "erased_in", "erased_people", "forget"]

_PLACES = ("data", "review")
"""Folders of the school that hold rows of conversations."""


def erased_in(connection: Connection) -> list[str]:
    """Ids of all people who were erased, as the audit log has them."""
    rows = select(audit.c.object_id).where(audit.c.action == "user.erased")
    return list(connection.execute(rows).scalars())


def erased_people(home: Path) -> frozenset[str]:
    """The marks of those who were erased, and of chats that were taken back."""
    try:
        return erased_marks((home / ERASED).read_text("utf-8"))
    except OSError:
        return frozenset()


def forget(home: Path, user_ids: Iterable[str], chat_ids: Iterable[str] = ()) -> int:
    """Take the rows of erased people, and of chats that were taken back, out of the school's data.

    Their marks are noted, once for each. A run's answers to conversations of theirs, which its
    folder shows, go too. Returns how many people and chats were new.
    """
    known = erased_people(home)
    people = {one: mark for one in user_ids if (mark := person_mark(one)) not in known}
    chats = {one: mark for one in chat_ids if (mark := chat_mark(one)) not in known}
    new = people | chats
    if not new:
        return 0
    for place in _PLACES:
        for file in sorted((home / "school" / place).glob("*")):
            if file.suffix.lower() in (".json", ".jsonl") and file.is_file():
                _clean(file, new)
    for facts in sorted((home / "runs").glob("*/run.json")):
        if not set(new.values()).isdisjoint(_people(facts)):
            for name in ("samples.jsonl", "report.html"):
                (facts.parent / name).unlink(missing_ok=True)
    # Last: what broke off before is done again.
    _note(home, map(erased_line, people.values()))
    _note(home, (erased_line(mark, chat=True) for mark in chats.values()))
    return len(new)


def allow_again(home: Path, chat_ids: Iterable[str]) -> None:
    """Take the marks of chats back that may be used after all; their rows are gone all the same."""
    known = erased_people(home)
    again = [mark for one in chat_ids if (mark := chat_mark(one)) in known]
    _note(home, (erased_line(mark, chat=True, again=True) for mark in again))


def _note(home: Path, lines: Iterable[str]) -> None:
    text = "".join(lines)
    if not text:
        return
    place = home / ERASED
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.open("a", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _people(facts: Path) -> list[str]:
    try:
        row = json.loads(facts.read_text("utf-8"))
        return [str(one) for one in row.get("people", [])]
    except (OSError, ValueError, AttributeError, TypeError):
        return []


def _clean(file: Path, gone: dict[str, str]) -> None:
    """Write a file of JSON, or of JSON lines, anew without the rows of some people and chats."""
    text = file.read_text("utf-8", errors="surrogateescape")
    try:
        kept, changed = _without(json.loads(text), gone)
        left = "" if kept is None else json.dumps(kept, ensure_ascii=False, indent=1)
    except ValueError:
        left = "".join(_lines(text.splitlines(keepends=True), gone))
        changed = left != text
    if not changed:
        return
    if not left.strip():
        file.unlink()
        return
    scratch = file.with_name(f".{file.name}.new")
    scratch.write_text(left, "utf-8", errors="surrogateescape")
    os.replace(scratch, file)


def _lines(lines: Iterable[str], gone: dict[str, str]) -> Iterable[str]:
    for line in lines:
        try:
            kept, changed = _without(json.loads(line), gone)
        except ValueError:
            yield line
            continue
        if kept is not None:
            yield json.dumps(kept, ensure_ascii=False) + "\n" if changed else line


def _without(value: Any, gone: dict[str, str]) -> tuple[Any, bool]:
    """A row or a list of rows without those of some people and chats, and whether that is less.

    Nothing where all of it was theirs.
    """
    if isinstance(value, list):
        found = [_without(one, gone) for one in value]
        kept = [one for one, _ in found if one is not None]
        return (kept or None) if value else value, any(changed for _, changed in found)
    if not isinstance(value, dict):
        return value, False
    user = value.get("user")
    owners = (value.get("owner_id"), user.get("id") if isinstance(user, dict) else None)
    marks, ids = (value.get("person"), value.get("chat")), (*owners, value.get("id"))
    if any(one in gone.values() for one in marks if one) or any(one in gone for one in ids if one):
        return None, True
    if isinstance(value.get("sessions"), list):
        sessions, changed = _without(value["sessions"], gone)
        return (_with_sessions(value, sessions or []), True) if changed else (value, False)
    return value, False


def _with_sessions(row: dict[str, Any], sessions: list[dict[str, Any]]) -> dict[str, Any]:
    """An export with these sessions alone, and their messages."""
    kept = {one.get("id") for one in sessions}
    said = row.get("messages")
    mine = [one for one in said if one.get("session_id") in kept] if isinstance(said, list) else []
    return row | {"sessions": sessions, "messages": mine}
