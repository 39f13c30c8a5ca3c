"""Passages: the indexed units of documents, their words, vectors and labels.

Vectors are rows of float16 under an index that names the embedding model; a second index can be
filled beside the active one and swapped in. Searching by vector is `knowledge/search.py`'s, which
reads the rows here once and keeps them in memory.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import (
    ColumnElement,
    Connection,
    bindparam,
    delete,
    func,
    insert,
    select,
    text,
    true,
    update,
)

from attenda.core.errors import NotFound
from attenda.core.label import Label
from attenda.core.principal import Principal
from attenda.store import lexical
from attenda.store.rights import visible, visible_sql
from attenda.store.schema import collections, documents, indexes, passages, vectors

__all__ = [
    "FoundPassage",
    "NewPassage",
    "VectorRows",
    "add_passages",
    "add_vectors",
    "allowed_numbers",
    "ensure_index",
    "fetch_passages",
    "find_index",
    "get_passage",
    "missing_vectors",
    "remove_passages",
    "term_rarity",
    "vector_state",
    "vectors_since",
    "words_search",
]


@dataclass(frozen=True, slots=True)
class NewPassage:
    """A passage about to be stored."""

    id: str
    document_id: str
    start: int
    end: int
    page: int | None
    heading: str
    text: str
    label: Label


@dataclass(frozen=True, slots=True)
class FoundPassage:
    """A stored passage with its document's title."""

    number: int
    id: str
    document_id: str
    document: str
    start: int
    end: int
    page: int | None
    heading: str
    text: str


@dataclass(frozen=True, slots=True)
class VectorRows:
    """Vectors (N, D) float16 and the passage number of each row."""

    numbers: NDArray[np.int64]
    matrix: NDArray[np.float16]


def add_passages(connection: Connection, new: Sequence[NewPassage], title: str) -> list[int]:
    """Store passages of one document and index their words; their numbers, in order."""
    if not new:
        return []
    rows = [
        {
            "id": passage.id,
            "document_id": passage.document_id,
            "start": passage.start,
            "end": passage.end,
            "page": passage.page,
            "heading": passage.heading,
            "text": passage.text,
            "integrity": passage.label.integrity,
            "readers": sorted(passage.label.readers),
            "sources": sorted(passage.label.sources),
        }
        for passage in new
    ]
    statement = insert(passages).returning(passages.c.number, sort_by_parameter_order=True)
    numbers = [int(number) for (number,) in connection.execute(statement, rows)]
    words = [
        (number, f"{title} {passage.heading}", passage.text)
        for number, passage in zip(numbers, new, strict=True)
    ]
    lexical.add_words(connection, words)
    return numbers


def remove_passages(connection: Connection, document_ids: Sequence[str]) -> None:
    """Take the passages of documents out of every index."""
    chosen = select(passages.c.number).where(passages.c.document_id.in_(document_ids))
    numbers = [int(number) for (number,) in connection.execute(chosen)]
    lexical.remove_words(connection, numbers)
    connection.execute(delete(passages).where(passages.c.document_id.in_(document_ids)))
    if numbers:
        _count_up(connection, true(), removed=indexes.c.removed + len(numbers))


def ensure_index(connection: Connection, embedder: str, width: int, now: int) -> tuple[int, bool]:
    """Id of the index of `embedder`, made if there is none, and whether it is active.

    The first index of a database is active at once; a later one when it is swapped in.
    """
    statement = select(indexes.c.id, indexes.c.active).where(indexes.c.embedder == embedder)
    row = connection.execute(statement).first()
    if row is not None:
        return int(row.id), bool(row.active)
    first = connection.execute(select(func.count()).select_from(indexes)).scalar_one() == 0
    made = connection.execute(
        insert(indexes)
        .values(embedder=embedder, width=width, active=first, created_at=now)
        .returning(indexes.c.id)
    )
    return int(made.scalar_one()), first


def find_index(connection: Connection, embedder: str) -> int | None:
    """Id of the index of `embedder`, if there is one."""
    statement = select(indexes.c.id).where(indexes.c.embedder == embedder)
    found = connection.execute(statement).scalar_one_or_none()
    return None if found is None else int(found)


def activate_index(connection: Connection, index_id: int) -> None:
    """Swap `index_id` in and drop the others, in one transaction."""
    connection.execute(delete(indexes).where(indexes.c.id != index_id))
    connection.execute(update(indexes).where(indexes.c.id == index_id).values(active=True))


def add_vectors(
    connection: Connection, index_id: int, numbers: Sequence[int], matrix: NDArray[np.float32]
) -> None:
    """Keep vectors (N, D) of passages as float16 rows."""
    rows = [
        {"index_id": index_id, "passage_number": number, "vector": row.tobytes()}
        for number, row in zip(numbers, matrix.astype("<f2"), strict=True)
    ]
    if rows:
        connection.execute(insert(vectors), rows)
        _count_up(connection, indexes.c.id == index_id, added=indexes.c.added + len(rows))


def _count_up(connection: Connection, which: ColumnElement[bool], **counts: Any) -> None:
    connection.execute(update(indexes).where(which).values(**counts))


def missing_vectors(connection: Connection, index_id: int, limit: int) -> list[tuple[int, str]]:
    """Passages that the index has no vector of, as (number, text to embed)."""
    have = select(vectors.c.passage_number).where(vectors.c.index_id == index_id)
    statement = (
        select(passages.c.number, documents.c.title, passages.c.heading, passages.c.text)
        .join(documents, documents.c.id == passages.c.document_id)
        .where(passages.c.number.not_in(have))
        .order_by(passages.c.number)
        .limit(limit)
    )
    rows = connection.execute(statement)
    return [
        (int(number), embedded_text(title, heading, body)) for number, title, heading, body in rows
    ]


def embedded_text(title: str, heading: str, body: str) -> str:
    """What of a passage is embedded: where it stands, then what it says."""
    return "\n".join(part for part in (title, heading, body) if part)


def vector_state(connection: Connection, index_id: int) -> tuple[int, int]:
    """How many vectors were ever added to an index and how many removed: its version."""
    statement = select(indexes.c.added, indexes.c.removed).where(indexes.c.id == index_id)
    row = connection.execute(statement).first()
    return (0, 0) if row is None else (int(row.added), int(row.removed))


def vectors_since(connection: Connection, index_id: int, number: int, width: int) -> VectorRows:
    """The vectors of passages numbered after `number`, in order of number."""
    statement = (
        select(vectors.c.passage_number, vectors.c.vector)
        .where(vectors.c.index_id == index_id, vectors.c.passage_number > number)
        .order_by(vectors.c.passage_number)
    )
    rows = connection.execute(statement).all()
    numbers = np.fromiter((row[0] for row in rows), dtype=np.int64, count=len(rows))
    matrix = np.frombuffer(b"".join(row[1] for row in rows), dtype="<f2").reshape(-1, width)
    return VectorRows(numbers, matrix.astype(np.float16))


def words_search(
    connection: Connection,
    who: Principal,
    query: str,
    limit: int,
    collection_ids: Sequence[str] | None = None,
) -> list[tuple[int, float]]:
    """Passages by their words that `who` may see, best first, as (number, score)."""
    condition, values = visible_sql("documents", who)
    condition += " AND documents.deleted_at IS NULL AND documents.state = 'ready'"
    if collection_ids is not None:
        names = {f"col{place}": id_ for place, id_ in enumerate(collection_ids)}
        listed = ", ".join(f":{name}" for name in names) or "NULL"
        condition += f" AND documents.collection_id IN ({listed})"
        values.update(names)
    return lexical.word_scores(connection, query, condition, values, limit)


def allowed_numbers(
    connection: Connection,
    who: Principal,
    numbers: Sequence[int],
    collection_ids: Sequence[str] | None = None,
) -> set[int]:
    """Those of `numbers` that `who` may see now, in living, ready documents."""
    statement = (
        select(passages.c.number)
        .join(documents, documents.c.id == passages.c.document_id)
        .where(
            passages.c.number.in_(bindparam("numbers", expanding=True)),
            visible(documents, who),
            documents.c.deleted_at.is_(None),
            documents.c.state == "ready",
        )
    )
    if collection_ids is not None:
        statement = statement.where(documents.c.collection_id.in_(collection_ids))
    rows = connection.execute(statement, {"numbers": list(numbers)})
    return {int(number) for (number,) in rows}


def hidden_documents(connection: Connection, who: Principal) -> bool:
    """Whether any living document is hidden from `who`, so that vectors must be filtered."""
    statement = select(documents.c.id).where(~visible(documents, who)).limit(1)
    return connection.execute(statement).first() is not None


def fetch_passages(
    connection: Connection, who: Principal, numbers: Sequence[int]
) -> list[FoundPassage]:
    """Passages by number, in the order given; those `who` may not see are left out."""
    columns = [passages.c[name] for name in ("number", "id", "document_id", "start", "end")]
    columns += [passages.c[name] for name in ("page", "heading", "text")]
    statement = (
        select(*columns, documents.c.title.label("document"))
        .join(documents, documents.c.id == passages.c.document_id)
        .join(collections, collections.c.id == documents.c.collection_id)
        .where(
            passages.c.number.in_(numbers),
            visible(documents, who),
            documents.c.deleted_at.is_(None),
        )
    )
    found = {row["number"]: FoundPassage(**row) for row in connection.execute(statement).mappings()}
    return [found[number] for number in numbers if number in found]


def get_passage(connection: Connection, who: Principal, passage_id: str) -> FoundPassage:
    """One passage by its id.

    Raises:
        NotFound: it is not there or not theirs.
    """
    statement = select(passages.c.number).where(passages.c.id == passage_id)
    number = connection.execute(statement).scalar_one_or_none()
    found = fetch_passages(connection, who, [number]) if number is not None else []
    if not found:
        raise NotFound("document.missing", id=passage_id)
    return found[0]


def term_rarity(connection: Connection, terms: Sequence[str]) -> tuple[dict[str, float], int]:
    """Weight of each term in the whole collection: ln(1 + N / (1 + n)), n passages having it.

    A term that no passage has weighs half: the person's wording need not be the documents'. The
    second value is N.
    """
    total = connection.execute(select(func.count()).select_from(passages)).scalar_one()
    counts = lexical.passage_counts(connection, terms)
    rarity = {
        term: math.log(1 + total / (1 + count)) * (1.0 if count else 0.5)
        for term, count in counts.items()
    }
    return rarity, int(total)


def count_passages(connection: Connection, document_id: str) -> int:
    """Passages of one document and of its records."""
    statement = text(
        "SELECT COUNT(*) FROM passages JOIN documents ON documents.id = passages.document_id "
        "WHERE documents.id = :id OR documents.container_id = :id"
    )
    return int(connection.execute(statement, {"id": document_id}).scalar_one())
