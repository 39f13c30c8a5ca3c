"""The audit log: what someone with rights did, each row chained to the one before by its hash.

A row that is changed, dropped, inserted or moved breaks the chain from there on, which `verify`
finds. It says who did what to which object; secrets and message texts never go in.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert, select, text

from attenda.store.schema import audit
from attenda.store.stamps import Stamps

__all__ = ["AuditRow", "audit_rows", "note", "verify"]


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One deed."""

    number: int
    at: int
    actor_id: str
    action: str
    object_id: str
    detail: dict[str, Any]
    hash: str


def note(
    connection: Connection,
    stamps: Stamps,
    actor_id: str,
    action: str,
    object_id: str = "",
    **detail: Any,
) -> None:
    """Add a row, in the transaction of the deed itself."""
    if connection.dialect.name == "postgresql":  # one chain: writers take turns
        connection.execute(text("SELECT pg_advisory_xact_lock(7301)"))
    last = connection.execute(
        select(audit.c.number, audit.c.hash).order_by(audit.c.number.desc()).limit(1)
    ).first()
    number, before = (int(last.number) + 1, str(last.hash)) if last else (1, "")
    row: dict[str, Any] = {
        "number": number,
        "at": stamps.now(),
        "actor_id": actor_id,
        "action": action,
        "object_id": object_id,
        "detail": detail,
    }
    connection.execute(insert(audit).values(**row, hash=_chained(before, row)))


def audit_rows(
    connection: Connection, limit: int = 200, before: int | None = None
) -> list[AuditRow]:
    """The newest rows, newest first; those before a number to page on."""
    statement = select(audit).order_by(audit.c.number.desc()).limit(limit)
    if before is not None:
        statement = statement.where(audit.c.number < before)
    return [AuditRow(**row) for row in connection.execute(statement).mappings()]


def verify(connection: Connection) -> int | None:
    """Number of the first row whose chain is broken; none when the log is whole."""
    before, expected = "", 1
    for row in connection.execute(select(audit).order_by(audit.c.number)).mappings():
        body = {name: row[name] for name in row if name != "hash"}
        if row["number"] != expected or row["hash"] != _chained(before, body):
            return int(row["number"])
        before, expected = row["hash"], expected + 1
    return None


def _chained(before: str, row: dict[str, Any]) -> str:
    body = json.dumps(row, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(f"{before}\n{body}".encode()).hexdigest()
