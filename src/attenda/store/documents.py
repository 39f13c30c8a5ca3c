"""Collections and documents: their states on the way in, the trash, and their stored text.

A document is `queued`, then `reading`, then `indexing`, then `ready` or `failed` with a reason. A
file of many records (JSON Lines, mbox) is a container: its records are documents of their own
that point to it. Deleting moves to the trash; erasing is for good.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, func, insert, or_, select, update

from attenda.core.errors import AttendaError, NotFound
from attenda.core.principal import EVERYONE, Principal
from attenda.store.rights import changeable, visible
from attenda.store.schema import collections, documents, pages
from attenda.store.stamps import Stamps

__all__ = [
    "Collection",
    "Document",
    "StoredPage",
    "add_document",
    "add_record",
    "children_of",
    "claim_next",
    "count_documents",
    "document_by_id",
    "document_text",
    "ensure_collection",
    "erase_document",
    "fail_document",
    "get_document",
    "list_collections",
    "list_documents",
    "page_of",
    "replace_pages",
    "requeue_interrupted",
    "same_content",
    "set_progress",
    "set_state",
    "trash_document",
    "untrash_document",
]

_LIST = [column for column in documents.c if column.name != "text"]


@dataclass(frozen=True, slots=True)
class Collection:
    """A named set of documents."""

    id: str
    name: str
    owner_id: str
    team_id: str | None


@dataclass(frozen=True, slots=True)
class Document:
    """A document without its text."""

    id: str
    collection_id: str
    container_id: str | None
    external_id: str | None
    name: str
    title: str
    source: str
    media_type: str
    content_hash: str
    size: int
    version: int
    state: str
    reason: dict[str, Any] | None
    done: int
    total: int
    created_at: int
    updated_at: int
    deleted_at: int | None
    owner_id: str
    team_id: str | None


@dataclass(frozen=True, slots=True)
class StoredPage:
    """One page: its span of the text, its size in points, its word boxes as compressed JSON."""

    number: int
    start: int
    end: int
    width: float
    height: float
    boxes: bytes


def ensure_collection(
    connection: Connection, stamps: Stamps, who: Principal, name: str, *, shared: bool = True
) -> Collection:
    """The collection called `name` that `who` may see, made when there is none."""
    for collection in list_collections(connection, who):
        if collection.name == name:
            return collection
    made = Collection(stamps.new_id("col"), name, who.id, EVERYONE if shared else None)
    connection.execute(
        insert(collections).values(
            id=made.id,
            name=name,
            created_at=stamps.now(),
            owner_id=made.owner_id,
            team_id=made.team_id,
        )
    )
    return made


def list_collections(connection: Connection, who: Principal) -> list[Collection]:
    """The collections that `who` may see, by name."""
    columns = [collections.c[name] for name in ("id", "name", "owner_id", "team_id")]
    statement = select(*columns).where(visible(collections, who)).order_by(collections.c.name)
    return [Collection(**row) for row in connection.execute(statement).mappings()]


def add_document(
    connection: Connection, stamps: Stamps, who: Principal, collection: Collection, **values: Any
) -> str:
    """A new document row (`name`, `content_hash`, `state` … as given); returns its id."""
    document_id = stamps.new_id("doc")
    now = stamps.now()
    connection.execute(
        insert(documents).values(
            id=document_id,
            collection_id=collection.id,
            owner_id=who.id,
            team_id=collection.team_id,
            readers=sorted({who.id, *([collection.team_id] if collection.team_id else [])}),
            created_at=now,
            updated_at=now,
            **values,
        )
    )
    return document_id


def same_content(
    connection: Connection, collection_id: str, name: str, container_id: str | None = None
) -> Document | None:
    """The living document of that name in the collection (and container), if there is one."""
    statement = _alive().where(documents.c.collection_id == collection_id, documents.c.name == name)
    if container_id is None:
        statement = statement.where(documents.c.container_id.is_(None))
    else:
        statement = statement.where(documents.c.container_id == container_id)
    row = connection.execute(statement.limit(1)).mappings().first()
    return _document(row) if row else None


def get_document(connection: Connection, who: Principal, document_id: str) -> Document:
    """A document that `who` may see, the trash included.

    Raises:
        NotFound: it is not there or not theirs.
    """
    statement = select(*_LIST).where(documents.c.id == document_id, visible(documents, who))
    row = connection.execute(statement).mappings().first()
    if row is None:
        raise NotFound("document.missing", id=document_id)
    return _document(row)


def document_by_id(connection: Connection, document_id: str) -> Document:
    """A document for the worker, which acts for nobody.

    Raises:
        NotFound: it was erased meanwhile.
    """
    statement = select(*_LIST).where(documents.c.id == document_id)
    row = connection.execute(statement).mappings().first()
    if row is None:
        raise NotFound("document.missing", id=document_id)
    return _document(row)


def children_of(connection: Connection, container_id: str) -> dict[str, Document]:
    """The records of a container, by name."""
    statement = select(*_LIST).where(documents.c.container_id == container_id)
    return {row["name"]: _document(row) for row in connection.execute(statement).mappings()}


def add_record(
    connection: Connection, stamps: Stamps, container: Document, name: str, content_hash: str
) -> Document:
    """A new record of a container, with the container's owner, team and collection."""
    document_id = stamps.new_id("doc")
    now = stamps.now()
    shared = [container.team_id] if container.team_id else []
    connection.execute(
        insert(documents).values(
            id=document_id,
            collection_id=container.collection_id,
            container_id=container.id,
            name=name[:300],
            content_hash=content_hash,
            state="indexing",
            owner_id=container.owner_id,
            team_id=container.team_id,
            readers=sorted({container.owner_id, *shared}),
            created_at=now,
            updated_at=now,
            deleted_at=container.deleted_at,
        )
    )
    return document_by_id(connection, document_id)


def list_documents(
    connection: Connection,
    who: Principal,
    *,
    container_id: str | None = None,
    words: str = "",
    trashed: bool = False,
    limit: int = 500,
) -> list[Document]:
    """Documents that `who` may see, newest first; those of one container, or those of none."""
    statement = select(*_LIST).where(visible(documents, who))
    alive = documents.c.deleted_at.is_not(None) if trashed else documents.c.deleted_at.is_(None)
    statement = statement.where(alive)
    if words.strip():
        like = f"%{words.strip().lower()}%"
        statement = statement.where(
            or_(func.lower(documents.c.title).like(like), func.lower(documents.c.name).like(like))
        )
    elif container_id is None:
        statement = statement.where(documents.c.container_id.is_(None))
    if container_id is not None:
        statement = statement.where(documents.c.container_id == container_id)
    ordered = statement.order_by(documents.c.created_at.desc(), documents.c.id).limit(limit)
    return [_document(row) for row in connection.execute(ordered).mappings()]


def count_documents(connection: Connection, who: Principal) -> dict[str, int]:
    """How many living documents `who` may see, by state; containers count by their records."""
    inner = documents.alias("inner")
    is_container = select(inner.c.id).where(inner.c.container_id == documents.c.id).exists()
    statement = (
        select(documents.c.state, func.count())
        .where(visible(documents, who), documents.c.deleted_at.is_(None), ~is_container)
        .group_by(documents.c.state)
    )
    return {state: count for state, count in connection.execute(statement)}


def document_text(connection: Connection, who: Principal, document_id: str) -> str:
    """The stored text that spans count in.

    Raises:
        NotFound: it is not there or not theirs.
    """
    statement = select(documents.c.text).where(
        documents.c.id == document_id, visible(documents, who)
    )
    text = connection.execute(statement).scalar_one_or_none()
    if text is None:
        raise NotFound("document.missing", id=document_id)
    return str(text)


def replace_pages(connection: Connection, document_id: str, new: Sequence[StoredPage]) -> None:
    """Keep `new` as the pages of a document."""
    connection.execute(delete(pages).where(pages.c.document_id == document_id))
    if new:
        rows = [
            {
                "document_id": document_id,
                "number": page.number,
                "start": page.start,
                "end": page.end,
                "width": page.width,
                "height": page.height,
                "boxes": page.boxes,
            }
            for page in new
        ]
        connection.execute(insert(pages), rows)


def page_of(connection: Connection, document_id: str, number: int) -> StoredPage | None:
    """One page of a document whose right to be seen is already checked."""
    columns = [pages.c[name] for name in ("number", "start", "end", "width", "height", "boxes")]
    statement = select(*columns).where(pages.c.document_id == document_id, pages.c.number == number)
    row = connection.execute(statement).mappings().first()
    return StoredPage(**row) if row else None


def claim_next(connection: Connection, stamps: Stamps, deadline_us: int) -> str | None:
    """Take the oldest queued document to work on until the deadline; none when all is done."""
    oldest = (
        select(documents.c.id)
        .where(documents.c.state == "queued", documents.c.deleted_at.is_(None))
        .order_by(documents.c.created_at)
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
    """How far the indexing of a document is, in passages."""
    connection.execute(
        update(documents).where(documents.c.id == document_id).values(done=done, total=total)
    )


def fail_document(
    connection: Connection, stamps: Stamps, document_id: str, error: AttendaError
) -> None:
    """End a document's way in with the reason, as key and values of the catalogue."""
    values = {name: str(value) for name, value in error.values.items()}
    reason = {"key": error.key, "values": values}
    set_state(connection, stamps, document_id, "failed", reason=reason, deadline_at=None)


def requeue_interrupted(connection: Connection, stamps: Stamps) -> int:
    """Put documents that a dead process left half way back into the queue; how many."""
    halfway = documents.c.state.in_(("reading", "indexing"))
    done = connection.execute(
        update(documents)
        .where(halfway, documents.c.container_id.is_(None))
        .values(state="queued", deadline_at=None, updated_at=stamps.now())
    )
    return done.rowcount


def trash_document(connection: Connection, stamps: Stamps, who: Principal, id_: str) -> None:
    """Move a document and its records to the trash: gone from answers, not yet from the disk.

    Raises:
        NotFound: it is not there or not theirs to change.
    """
    _set_deleted(connection, who, id_, stamps.now())


def untrash_document(connection: Connection, who: Principal, id_: str) -> None:
    """Bring a document and its records back from the trash.

    Raises:
        NotFound: it is not there or not theirs to change.
    """
    _set_deleted(connection, who, id_, None)


def erase_document(connection: Connection, document_id: str) -> None:
    """Delete a document, its records, pages and passages for good."""
    either = or_(documents.c.id == document_id, documents.c.container_id == document_id)
    connection.execute(delete(documents).where(either))


def _set_deleted(connection: Connection, who: Principal, id_: str, at: int | None) -> None:
    either = or_(documents.c.id == id_, documents.c.container_id == id_)
    statement = update(documents).where(either, changeable(documents, who))
    if connection.execute(statement.values(deleted_at=at)).rowcount == 0:
        raise NotFound("document.missing", id=id_)


def _alive() -> Any:
    return select(*_LIST).where(documents.c.deleted_at.is_(None))


def _document(row: Any) -> Document:
    values = {name: row[name] for name in Document.__slots__}
    return Document(**values)
