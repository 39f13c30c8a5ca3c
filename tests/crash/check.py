"""Holds a home against the log of what its people were told is kept."""

import hashlib
import json
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

from attenda.store import audit
from attenda.store.database import open_database

__all__ = ["acknowledged", "losses", "unsettled"]


def acknowledged(log: Path) -> list[dict[str, Any]]:
    """The whole lines of the log; a line that its writer was killed in was told to nobody."""
    if not log.exists():
        return []
    lines = log.read_text().split("\n")[:-1]
    return [json.loads(line) for line in lines]


def losses(home: Path, told: Iterable[dict[str, Any]], *, settled_runs: bool = True) -> list[str]:
    """What is missing, doubled or altered; empty when every promise was kept."""
    found = _unsound(home)
    with closing(sqlite3.connect(f"file:{home / 'attenda.db'}?mode=ro", uri=True)) as connection:
        connection.isolation_level = None
        connection.execute("BEGIN")
        tables = {
            "session": _table(connection, "SELECT id, owner_id FROM sessions"),
            "message": _table(connection, "SELECT id, session_id, parts FROM messages"),
            "run": _table(connection, "SELECT id, state FROM runs"),
            "document": _table(connection, "SELECT id, content_hash, state FROM documents"),
            "key": _table(connection, "SELECT id, name FROM keys"),
        }
    for one in told:
        if one["kind"] in tables:
            found += _lost(home, tables, one, settled_runs)
    return found


def unsettled(home: Path) -> int:
    """How many documents are neither ready nor failed."""
    with closing(sqlite3.connect(f"file:{home / 'attenda.db'}?mode=ro", uri=True)) as connection:
        statement = "SELECT COUNT(*) FROM documents WHERE state NOT IN ('ready', 'failed')"
        return int(connection.execute(statement).fetchone()[0])


def _table(connection: sqlite3.Connection, statement: str) -> dict[str, list[tuple[Any, ...]]]:
    rows: dict[str, list[tuple[Any, ...]]] = {}
    for row in connection.execute(statement):
        rows.setdefault(row[0], []).append(row)
    return rows


def _unsound(home: Path) -> list[str]:
    engine = open_database(f"sqlite:///{home / 'attenda.db'}").engine
    try:
        with engine.execution_options(attenda_reads=True).begin() as connection:
            sound = connection.exec_driver_sql("PRAGMA integrity_check").scalars().all()
            dangling = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
            broken_at = audit.verify(connection)
            words = connection.exec_driver_sql("SELECT COUNT(*) FROM passage_words").scalar()
            passages = connection.exec_driver_sql("SELECT COUNT(*) FROM passages").scalar()
    finally:
        engine.dispose()
    found = [] if sound == ["ok"] else [f"integrity: {sound[:3]}"]
    found += [f"dangling: {row}" for row in dangling[:3]]
    found += [f"audit broken at {broken_at}"] if broken_at is not None else []
    found += [f"{words} indexed of {passages} passages"] if words != passages else []
    return found


def _lost(
    home: Path, tables: dict[str, dict[str, list[tuple[Any, ...]]]], one: dict[str, Any], runs: bool
) -> list[str]:
    rows = tables[one["kind"]].get(one["id"], [])
    if len(rows) != 1:
        return [f"{one['kind']} {one['id']} stands {len(rows)} times"]
    if one["kind"] == "message":
        return _lost_message(tables, one, rows[0], runs)
    if one["kind"] == "document":
        return _lost_copy(home, one, rows[0])
    return []


def _lost_message(
    tables: dict[str, dict[str, list[tuple[Any, ...]]]],
    one: dict[str, Any],
    row: tuple[Any, ...],
    runs: bool,
) -> list[str]:
    text = "".join(part.get("text", "") for part in json.loads(row[2]))
    states = [state for _, state in tables["run"].get(one["run"], [])]
    found = []
    if text != one["text"] or row[1] != one["session"]:
        found.append(f"message {one['id']} says {text!r}")
    if len(tables["message"].get(one["answer"], [])) != 1:
        found.append(f"answer {one['answer']} is gone")
    if len(states) != 1 or (runs and states[0] == "running"):
        found.append(f"run {one['run']} is {states}")
    return found


def _lost_copy(home: Path, one: dict[str, Any], row: tuple[Any, ...]) -> list[str]:
    copy = home / "files" / one["sha256"][:2] / one["sha256"]
    if row[1] != one["sha256"]:
        return [f"document {one['id']} has another content"]
    if not copy.is_file() or hashlib.sha256(copy.read_bytes()).hexdigest() != one["sha256"]:
        return [f"the copy of document {one['id']} is gone or altered"]
    return []
