"""The way in of documents: their queue, their states, and the records that a container gets.

A document is `queued`, then `reading`, then `indexing`, then `ready` or `failed` with a reason.
One worker takes the queue. It writes only while the document is still the one it took: a newer
version that came meanwhile, or a second try, stands in the queue and is not overwritten.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, bindparam, insert, or_, select, update

from attenda.core.errors import AttendaError
from attenda.store.documents import Document, document_by_id
from attenda.store.schema import documents
from attenda.store.stamps import Stamps

__all__ = [
    "add_records",
    "claim_next",
    "fail_document",
    "queue_again",
    "renew_records",
    "requeue_interrupted",
    "set_progress",
    "set_state",
    "still_taken",
]

_UNDER_WAY = ("reading", "indexing")


def add_records(
    connection: Connection,
    stamps: Stamps,
    container: Document,
    new: Sequence[tuple[str, str, str]],
) -> None:
    """New records (id, name, content hash) with the container's owner, team and collection."""
    now = stamps.now()
    shared = [container.team_id] if container.team_id else []
    rows = [
        {
            "id": id_,
            "collection_id": container.collection_id,
            "container_id": container.id,
            "name": name,
            "content_hash": digest,
            "state": "indexing",
            "owner_id": container.owner_id,
            "team_id": container.team_id,
            "readers": sorted({container.owner_id, *shared}),
            "created_at": now,
            "updated_at": now,
            "deleted_at": container.deleted_at,
        }
        for id_, name, digest in new
    ]
    if rows:
        connection.execute(insert(documents), rows)


def renew_records(
    connection: Connection, stamps: Stamps, changed: Sequence[tuple[str, str, int]]
) -> None:
    """Records (id, content hash, version) whose content is to be indexed anew."""
    rows = [{"row": id_, "digest": digest, "number": number} for id_, digest, number in changed]
    if rows:
        statement = update(documents).where(documents.c.id == bindparam("row"))
        values: dict[str, Any] = {
            "content_hash": bindparam("digest"),
            "version": bindparam("number"),
        }
        now = stamps.now()
        connection.execute(statement.values(state="indexing", updated_at=now, **values), rows)


def claim_next(connection: Connection, stamps: Stamps, deadline_us: int) -> str | None:
    """Take the oldest queued document to work on until the deadline; none when all is done."""
    oldest = (
        select(documents.c.id)
        .where(documents.c.state == "queued", documents.c.deleted_at.is_(None))
        .order_by(documents.c.created_at, documents.c.id)
        .limit(1)
    )
    document_id = connection.execute(oldest).scalar_one_or_none()
    if document_id is None:
        return None
    taken = connection.execute(
        update(documents)
        .where(documents.c.id == document_id, documents.c.state == "queued")
        .values(state="reading", deadline_at=stamps.now() + deadline_us, updated_at=stamps.now())
    )
    return str(document_id) if taken.rowcount else None


def still_taken(connection: Connection, taken: Document) -> Document | None:
    """The document as it is now, held for writing; none if it went or is queued again."""
    statement = (
        select(documents.c.id)
        .where(
            documents.c.id == taken.id,
            documents.c.version == taken.version,
            documents.c.state.in_(_UNDER_WAY),
        )
        .with_for_update(key_share=True)
    )
    if connection.execute(statement).first() is None:
        return None
    return document_by_id(connection, taken.id)


def set_state(
    connection: Connection, stamps: Stamps, document_id: str, state: str, **values: Any
) -> None:
    """Move a document on; further columns as given."""
    connection.execute(
        update(documents)
        .where(documents.c.id == document_id)
        .values(state=state, updated_at=stamps.now(), **values)
    )


def set_progress(connection: Connection, document_id: str, done: int, total: int) -> None:
    """How far the indexing of a document is, in passages or records."""
    connection.execute(
        update(documents).where(documents.c.id == document_id).values(done=done, total=total)
    )


def queue_again(connection: Connection, stamps: Stamps, document: Document) -> None:
    """Queue a failed document; of a record, the container that it came in."""
    whole = document.container_id or document.id
    failed = and_(documents.c.id == whole, documents.c.state.in_(("failed", "ready")))
    if document.state == "failed":
        _queue(connection, stamps, failed)


def fail_document(
    connection: Connection, stamps: Stamps, document_id: str, error: AttendaError
) -> None:
    """End a document's way in, and its unfinished records', with a key and values as the reason.

    One that is queued again meanwhile is left in the queue.
    """
    either = or_(documents.c.id == document_id, documents.c.container_id == document_id)
    connection.execute(
        update(documents)
        .where(either, documents.c.state.in_(_UNDER_WAY))
        .values(state="failed", reason=_reason(error), deadline_at=None, updated_at=stamps.now())
    )


def requeue_interrupted(connection: Connection, stamps: Stamps) -> int:
    """Put documents that a dead process left half way back into the queue; how many."""
    halfway = documents.c.state.in_(_UNDER_WAY)
    return _queue(connection, stamps, and_(halfway, documents.c.container_id.is_(None)))


def _queue(connection: Connection, stamps: Stamps, which: ColumnElement[bool]) -> int:
    values: Mapping[str, Any] = {"state": "queued", "reason": None, "deadline_at": None}
    statement = update(documents).where(which).values(**values, updated_at=stamps.now())
    return connection.execute(statement).rowcount


def _reason(error: AttendaError) -> dict[str, Any]:
    return {"key": error.key, "values": {name: str(one) for name, one in error.values.items()}}
