"""The audit log: what someone with rights did, each row chained to the one before by its hash.

A row that is changed, dropped, inserted or moved breaks the chain from there on, and a counter
beside the log says how long it must be, so `verify` finds a cut tail too. It says who did what to
which object; secrets and message texts never go in. Who can write the database and knows this
file can forge the whole chain: against them, keep a hash of it elsewhere.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Text, bindparam, cast, func, insert, select, text, update
from sqlalchemy.exc import DBAPIError

from attenda.store.schema import access, audit
from attenda.store.stamps import Stamps

__all__ = ["AuditRow", "audit_rows", "note", "verify"]

_LENGTH = 2
"""The row of `access` that holds the number of the newest audit row."""
_ROWS = select(
    *(column for column in audit.c if column.name not in ("detail", "hash"))
).add_columns(cast(audit.c.detail, Text).label("detail"), audit.c.hash)
"""Details as they are written: what someone planted there need not be JSON."""
_LONGEST = select(func.max(access.c.version)).where(access.c.id == _LENGTH)
_NEWEST = (
    select(audit.c.number, audit.c.hash, _LONGEST.scalar_subquery().label("longest"))
    .order_by(audit.c.number.desc())
    .limit(1)
)
_ADD = insert(audit)
_COUNTER = update(access).where(access.c.id == _LENGTH).values(version=bindparam("number"))
"""Made once: each effect adds a row, and making a statement costs more than running it."""


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
    last = connection.execute(_NEWEST).first()
    newest, before = (int(last.number), str(last.hash)) if last else (0, "")
    longest = int(last.longest or 0) if last else _length(connection)
    number = max(newest, longest) + 1  # a cut tail stays a gap
    row: dict[str, Any] = {
        "number": number,
        "at": stamps.now(),
        "actor_id": actor_id,
        "action": action,
        "object_id": object_id,
        "detail": detail,
    }
    connection.execute(_ADD, {**row, "hash": _chained(before, row)})
    if connection.execute(_COUNTER, {"number": number}).rowcount == 0:
        connection.execute(insert(access).values(id=_LENGTH, version=number))


def audit_rows(
    connection: Connection, limit: int = 200, before: int | None = None
) -> list[AuditRow]:
    """The newest rows, newest first; those before a number to page on."""
    statement = _ROWS.order_by(audit.c.number.desc()).limit(limit)
    if before is not None:
        statement = statement.where(audit.c.number < before)
    rows = []
    for row in connection.execute(statement).mappings():
        rows.append(AuditRow(**{**row, "detail": _detail(row["detail"])}))
    return rows


def verify(connection: Connection) -> int | None:
    """Number of the first row whose chain is broken; none when the log is whole."""
    before, expected = "", 1
    try:
        for row in connection.execute(_ROWS.order_by(audit.c.number)):
            if row.number != expected or row.hash != _chained(before, _body(row)):
                return min(expected, int(row.number))
            before, expected = row.hash, expected + 1
    except (TypeError, ValueError, RecursionError, DBAPIError):
        return expected  # what stands there cannot even be read
    return None if _length(connection) == expected - 1 else expected


def _detail(stored: str) -> dict[str, Any]:
    try:
        detail = json.loads(stored)
    except (TypeError, ValueError, RecursionError):
        detail = None
    return detail if isinstance(detail, dict) else {"unreadable": str(stored)[:1000]}


def _length(connection: Connection) -> int:
    return int(connection.execute(_LONGEST).scalar_one() or 0)


def _body(row: Row[Any]) -> dict[str, Any]:
    body = dict(row._mapping)
    del body["hash"]
    return {**body, "detail": json.loads(row.detail)}


def _chained(before: str, row: dict[str, Any]) -> str:
    body = json.dumps(row, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(f"{before}\n{body}".encode()).hexdigest()
