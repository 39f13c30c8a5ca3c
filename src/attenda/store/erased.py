"""What a person left in the school's files: their rows go with them, and a mark outlives them.

The mark, not the name, is what a model that learned from them is known by afterwards. Files that
say nothing of where their rows came from are left as they are.
"""

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from attenda.core.provenance import ERASED, erased_line, erased_marks, person_mark
from attenda.store.schema import audit

__all__ = ["erased_in", "erased_people", "forget"]


def erased_in(connection: Connection) -> list[str]:
    """Ids of all people who were erased, as the audit log has them."""
    rows = select(audit.c.object_id).where(audit.c.action == "user.erased")
    return list(connection.execute(rows).scalars())


def erased_people(home: Path) -> frozenset[str]:
    """The marks of those who were erased."""
    try:
        return erased_marks((home / ERASED).read_text("utf-8"))
    except OSError:
        return frozenset()


def forget(home: Path, user_ids: Iterable[str]) -> int:
    """Take the rows of erased people out of the school's data, and note their marks; once for each.

    A run's answers to conversations of theirs, which its folder shows, go too. Returns how many
    people were new.
    """
    known = erased_people(home)
    new = {one: mark for one in user_ids if (mark := person_mark(one)) not in known}
    if not new:
        return 0
    for file in sorted((home / "school" / "data").glob("*")):
        if file.suffix.lower() in (".json", ".jsonl") and file.is_file():
            _clean(file, new)
    for facts in sorted((home / "runs").glob("*/run.json")):
        if not set(new.values()).isdisjoint(_people(facts)):
            for name in ("samples.jsonl", "report.html"):
                (facts.parent / name).unlink(missing_ok=True)
    place = home / ERASED
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.open("a", encoding="utf-8") as lines:  # last: what broke off before is done again
        lines.writelines(map(erased_line, new.values()))
        lines.flush()
        os.fsync(lines.fileno())
    return len(new)


def _people(facts: Path) -> list[str]:
    try:
        row = json.loads(facts.read_text("utf-8"))
        return [str(one) for one in row.get("people", [])]
    except (OSError, ValueError, AttributeError, TypeError):
        return []


def _clean(file: Path, gone: dict[str, str]) -> None:
    """Write a file of JSON, or of JSON lines, anew without the rows of some people."""
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
    """A row or a list of rows without those of some people, and whether that is less.

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
    if value.get("person") in gone.values() or any(one in gone for one in owners if one):
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
