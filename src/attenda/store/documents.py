"""Collections and documents: who has them, the trash, and their stored text.

A file of many records (JSON Lines, mbox) is a container: its records are documents of their own
that point to it. Deleting moves to the trash; erasing is for good. How a document comes in and
which states it goes through is `intake.py`'s.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from attenda.core.errors import NotFound
from attenda.core.principal import EVERYONE, Principal
from attenda.store.database import apart
from attenda.store.rights import changeable, visible
from attenda.store.schema import collections, documents, pages
from attenda.store.stamps import Stamps

__all__ = [
    "Collection",
    "Document",
    "StoredPage",
    "add_document",
    "as_stored",
    "children_of",
    "count_documents",
    "count_records",
    "document_by_id",
    "document_text",
    "documents_from",
    "ensure_collection",
    "erase_documents",
    "get_document",
    "list_collections",
    "list_documents",
    "page_of",
    "replace_pages",
    "named_documents",
    "trash_document",
    "untrash_document",
]

_LIST = [column for column in documents.c if column.name != "text"]
_TOGETHER = 5000
"""Ids of one statement; PostgreSQL takes 65,535 values, SQLite 32,766."""
_MAX_WORDS = 200
"""Characters of a filter that are looked for."""


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


def as_stored(text: str) -> str:
    """`text` without what no database can hold: NUL, and halves of surrogate pairs."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()


def ensure_collection(
    connection: Connection, stamps: Stamps, who: Principal, name: str, *, shared: bool = True
) -> Collection:
    """The collection called `name` that `who` may see, made when there is none.

    It is held until the end of the transaction, so that of two who add the same file at once the
    second finds the first's.
    """
    name = as_stored(name).strip()[:120] or "Library"
    found = _collection(connection, who, name)
    if found is not None:
        return found
    made = {"id": stamps.new_id("col"), "name": name, "created_at": stamps.now()}
    try:
        with apart(connection):
            team_id = EVERYONE if shared else None
            connection.execute(insert(collections).values(**made, owner_id=who.id, team_id=team_id))
    except IntegrityError:
        pass  # another of this person's requests made it in this moment
    found = _collection(connection, who, name)
    assert found is not None
    return found


def _collection(connection: Connection, who: Principal, name: str) -> Collection | None:
    """The visible collection of that name: one's own before a team's."""
    statement = (
        select(*[collections.c[column] for column in Collection.__slots__])
        .where(collections.c.name == name, visible(collections, who))
        .order_by((collections.c.owner_id == who.id).desc(), collections.c.id)
        .limit(1)
        .with_for_update(key_share=True)
    )
    row = connection.execute(statement).mappings().first()
    return Collection(**row) if row else None


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


def named_documents(
    connection: Connection, who: Principal, collection_id: str, name: str
) -> list[tuple[Document, bool]]:
    """The living documents of that name in a collection, each with whether `who` may change it."""
    statement = _alive().where(
        documents.c.collection_id == as_stored(collection_id),
        documents.c.name == as_stored(name),
        documents.c.container_id.is_(None),
    )
    mine = changeable(documents, who).label("mine")
    rows = connection.execute(statement.add_columns(mine).order_by(documents.c.id)).mappings()
    return [(_document(row), bool(row["mine"])) for row in rows]


def documents_from(connection: Connection, who: Principal, source: str) -> dict[str, Document]:
    """The newest document of each source below `source` that `who` may change, the trash too."""
    statement = (
        select(*_LIST)
        .where(
            documents.c.source.startswith(as_stored(source), autoescape=True),
            documents.c.container_id.is_(None),
            changeable(documents, who),
        )
        .order_by(documents.c.created_at, documents.c.id)
    )
    return {row["source"]: _document(row) for row in connection.execute(statement).mappings()}


def get_document(connection: Connection, who: Principal, document_id: str) -> Document:
    """A document that `who` may see, the trash included.

    Raises:
        NotFound: it is not there or not theirs.
    """
    statement = select(*_LIST).where(_is(document_id), visible(documents, who))
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
    wanted = as_stored(words).strip()[:_MAX_WORDS]
    if wanted:
        statement = statement.where(
            or_(*_has(documents.c.title, wanted), *_has(documents.c.name, wanted))
        )
    elif container_id is None:
        statement = statement.where(documents.c.container_id.is_(None))
    if container_id is not None:
        statement = statement.where(documents.c.container_id == as_stored(container_id))
    ordered = statement.order_by(documents.c.created_at.desc(), documents.c.id).limit(limit)
    return [_document(row) for row in connection.execute(ordered).mappings()]


def _has(column: ColumnElement[str], words: str) -> list[ColumnElement[bool]]:
    """Words in a column, as typed or in small letters: SQLite makes ASCII alone small."""
    return [
        column.contains(words, autoescape=True),
        func.lower(column).contains(words.lower(), autoescape=True),
    ]


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


def count_records(connection: Connection, who: Principal, container_id: str) -> int:
    """How many living records of a container `who` may see."""
    statement = select(func.count()).where(
        documents.c.container_id == as_stored(container_id),
        documents.c.deleted_at.is_(None),
        visible(documents, who),
    )
    return int(connection.execute(statement).scalar_one())


def document_text(connection: Connection, who: Principal, document_id: str) -> str:
    """The stored text that spans count in.

    Raises:
        NotFound: it is not there or not theirs.
    """
    statement = select(documents.c.text).where(_is(document_id), visible(documents, who))
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


def trash_document(
    connection: Connection, stamps: Stamps, who: Principal, id_: str, reason: str | None = None
) -> None:
    """Move a document and its records to the trash: gone from answers, not yet from the disk.

    `reason` is a key of the catalogue that says why, where no person did it.

    Raises:
        NotFound: it is not there or not theirs to change.
    """
    _set_deleted(connection, who, id_, stamps.now())
    if reason is not None:
        why = {"key": reason, "values": {}}
        connection.execute(update(documents).where(_is(id_)).values(reason=why))


def untrash_document(connection: Connection, who: Principal, id_: str) -> None:
    """Bring a document and its records back from the trash.

    Raises:
        NotFound: it is not there or not theirs to change.
    """
    _set_deleted(connection, who, id_, None)
    unfailed = documents.c.state != "failed"
    connection.execute(update(documents).where(_is(id_), unfailed).values(reason=None))


def erase_documents(connection: Connection, document_ids: Sequence[str]) -> None:
    """Delete documents, their records and pages for good; their passages must be gone already."""
    for first in range(0, len(document_ids), _TOGETHER):
        ids = document_ids[first : first + _TOGETHER]
        either = or_(documents.c.id.in_(ids), documents.c.container_id.in_(ids))
        connection.execute(delete(documents).where(either))


def _set_deleted(connection: Connection, who: Principal, id_: str, at: int | None) -> None:
    id_ = as_stored(id_)
    either = or_(documents.c.id == id_, documents.c.container_id == id_)
    statement = update(documents).where(either, changeable(documents, who))
    if connection.execute(statement.values(deleted_at=at)).rowcount == 0:
        raise NotFound("document.missing", id=id_)


def _is(document_id: str) -> ColumnElement[bool]:
    return documents.c.id == as_stored(document_id)


def _alive() -> Select[Any]:
    return select(*_LIST).where(documents.c.deleted_at.is_(None))


def _document(row: Any) -> Document:
    values = {name: row[name] for name in Document.__slots__}
    return Document(**values)
