"""A look at a SQLite database from beside its owner: is the file whole, what failed in it."""

import sqlite3
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Health", "look_at"]


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
