"""Reads what a parsing child wrote, for the process that started it.

A child that a hostile file killed leaves no last line; that, too, becomes an `UnreadableFile`
here, so that callers meet one kind of failure.  It starts and stops no process.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from attenda.knowledge.parse.blocks import Parsed, UnreadableFile

__all__ = ["read_answer"]


def read_answer(lines: Iterable[bytes]) -> list[Parsed]:
    """Read a child's whole output, line by line, into documents.

    Raises:
        UnreadableFile: the child's own error, or 'broken' if it ended without a last line.
    """
    documents: list[Parsed] = []
    for line in lines:
        if not line.endswith(b"\n"):
            break
        value = json.loads(line)
        if "error" in value:
            raise UnreadableFile(value["error"], value["detail"])
        if "done" in value:
            return documents
        documents.append(Parsed.from_value(value))
    raise UnreadableFile("broken", "The file made its reader stop before the end.")
