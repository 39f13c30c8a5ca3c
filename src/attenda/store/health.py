"""A look at a database from beside its owner: is it whole, what failed, which agents it has."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import text

from attenda.store.database import open_database

__all__ = ["Health", "KeptAgent", "agents_beside", "look_at"]


@dataclass(frozen=True, slots=True)
class Health:
    """What was found."""

    whole: bool
    verdict: str
    """SQLite's own words; `ok` when whole."""
    failed_documents: int


def look_at(file: Path) -> Health:
    """Check the file read-only; a file that is no database is not whole."""
    try:
        with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as connection:
            verdict = str(connection.execute("PRAGMA quick_check").fetchone()[0])
            failed = connection.execute("SELECT COUNT(*) FROM documents WHERE state = 'failed'")
            return Health(verdict == "ok", verdict, int(failed.fetchone()[0]))
    except sqlite3.Error as error:
        return Health(False, str(error), 0)


_AGENTS = "SELECT * FROM agents WHERE deleted_at IS NULL ORDER BY name, id"


@dataclass(frozen=True, slots=True)
class KeptAgent:
    """An agent as people talk to it."""

    name: str
    pack: str
    """Empty where it has none."""
    mode: str
    flows: tuple[str, ...] | None = None
    """Names of those of the pack's that it has; none is all."""
    tools: tuple[str, ...] | None = None
    documents: bool = True
    """It answers from documents."""


async def agents_beside(place: Path | str) -> list[KeptAgent]:
    """Every agent of a SQLite file, opened for reading alone, or of PostgreSQL by its URL.

    Raises:
        OperatorError: the server can't be reached.
        OSError: the file can't be read.
    """
    if isinstance(place, Path):
        return [_kept(row) for row in _rows_of(place)]
    database = open_database(place)
    try:
        found = await database.read(lambda c: c.execute(text(_AGENTS)).mappings().all())
        return [_kept(dict(row)) for row in found]
    finally:
        await database.close()


def _rows_of(file: Path) -> list[dict[str, Any]]:
    try:
        with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(_AGENTS)]
    except sqlite3.Error as error:
        raise OSError(str(error)) from error


def _kept(row: Mapping[str, Any]) -> KeptAgent:
    return KeptAgent(
        name=str(row["name"]),
        pack=str(row.get("pack") or ""),
        mode=str(row.get("mode") or "flows"),
        flows=_names(row.get("flows")),
        tools=_names(row.get("tools")),
        documents=_names(row.get("collection_ids")) != (),
    )


def _names(value: object) -> tuple[str, ...] | None:
    """A list as a column keeps it: as JSON text in a file, read already from a server."""
    found = json.loads(value) if isinstance(value, str) else value
    return tuple(map(str, found)) if isinstance(found, list) else None
