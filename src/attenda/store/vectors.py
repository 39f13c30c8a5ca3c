"""Vectors of passages, as rows of float16 under an index that names the embedding model.

One index is active, and it alone is searched. Another may be filled beside it and is swapped in
by one transaction, so vectors of two models never meet. Searching is `knowledge/search.py`'s,
which reads the rows here and keeps them in memory.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Select, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from attenda.core.principal import Principal
from attenda.store.database import apart
from attenda.store.rights import visible
from attenda.store.schema import documents, indexes, passages, vectors

__all__ = [
    "Index",
    "Progress",
    "VectorRows",
    "activate_index",
    "active_index",
    "add_missing_vectors",
    "add_vectors",
    "count_vectors",
    "embedded_text",
    "ensure_index",
    "forget_vectors",
    "missing_vectors",
    "rebuild_progress",
    "vectors_since",
]


@dataclass(frozen=True, slots=True)
class Index:
    """An index of vectors and its version."""

    id: int
    embedder: str
    """Name of the model that made its vectors, which says its weights too."""
    width: int
    active: bool
    added: int
    """How many vectors were ever added, and below how many passages removed."""
    removed: int


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the index that is being rebuilt has come, in passages."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class VectorRows:
    """Vectors (N, D) float16 and the passage number of each row."""

    numbers: NDArray[np.int64]
    matrix: NDArray[np.float16]


_INDEX = [indexes.c[name] for name in Index.__slots__]


def ensure_index(connection: Connection, embedder: str, width: int, now: int) -> Index:
    """The index of `embedder`, made if there is none.

    The first index of a database is active at once; a later one when it is swapped in.
    """
    found = _index(connection, select(*_INDEX).where(indexes.c.embedder == embedder))
    if found is not None:
        return found
    first = connection.execute(select(func.count()).select_from(indexes)).scalar_one() == 0
    values = {"embedder": embedder, "width": width, "active": first, "created_at": now}
    try:
        with apart(connection):
            connection.execute(insert(indexes).values(**values))
    except IntegrityError:
        pass  # another writer made it in this moment
    made = _index(connection, select(*_INDEX).where(indexes.c.embedder == embedder))
    assert made is not None
    return made


def active_index(connection: Connection) -> Index | None:
    """The index that is searched; none before the first document."""
    return _index(connection, select(*_INDEX).where(indexes.c.active).order_by(indexes.c.id))


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
        added = indexes.c.added + len(rows)
        connection.execute(update(indexes).where(indexes.c.id == index_id).values(added=added))


def add_missing_vectors(
    connection: Connection, index_id: int, numbers: Sequence[int], matrix: NDArray[np.float32]
) -> None:
    """Keep vectors of those passages that are still there and still have none in the index.

    The passages are held until the end of the transaction, so none goes away in between, and nobody
    else fills the same. What they have is asked for only then: whoever waited sees it.
    """
    there = (
        select(passages.c.number)
        .where(passages.c.number.in_(numbers))
        .order_by(passages.c.number)
        .with_for_update(key_share=True)
    )
    wanted = set(connection.execute(there).scalars())
    have = select(vectors.c.passage_number).where(
        vectors.c.index_id == index_id, vectors.c.passage_number.in_(numbers)
    )
    wanted -= set(connection.execute(have).scalars())
    places = [place for place, number in enumerate(numbers) if number in wanted]
    add_vectors(connection, index_id, [numbers[place] for place in places], matrix[places])


def forget_vectors(connection: Connection, count: int) -> None:
    """Note that `count` passages went, whose vectors the database drops with them."""
    connection.execute(update(indexes).values(removed=indexes.c.removed + count))


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


def count_vectors(connection: Connection, index_id: int) -> int:
    """How many vectors an index holds."""
    counted = select(func.count()).select_from(vectors).where(vectors.c.index_id == index_id)
    return int(connection.execute(counted).scalar_one())


def vectors_since(connection: Connection, index: Index, number: int) -> VectorRows:
    """The vectors of passages numbered after `number`, in order of number."""
    statement = (
        select(vectors.c.passage_number, vectors.c.vector)
        .where(vectors.c.index_id == index.id, vectors.c.passage_number > number)
        .order_by(vectors.c.passage_number)
    )
    rows = connection.execute(statement).all()
    numbers = np.fromiter((row[0] for row in rows), dtype=np.int64, count=len(rows))
    matrix = np.frombuffer(b"".join(row[1] for row in rows), dtype="<f2").reshape(-1, index.width)
    return VectorRows(numbers, matrix.astype(np.float16))


def rebuild_progress(connection: Connection, who: Principal) -> Progress | None:
    """How many of the passages that `who` may see the new index has; none when none is built."""
    newest = select(*_INDEX).where(~indexes.c.active).order_by(indexes.c.id.desc())
    building = _index(connection, newest)
    if building is None:
        return None
    seen = (
        select(func.count())
        .select_from(passages)
        .join(documents, documents.c.id == passages.c.document_id)
        .where(visible(documents, who))
    )
    have = select(vectors.c.passage_number).where(vectors.c.index_id == building.id)
    done = connection.execute(seen.where(passages.c.number.in_(have))).scalar_one()
    return Progress(int(done), int(connection.execute(seen).scalar_one()))


def _index(connection: Connection, statement: Select[tuple[object, ...]]) -> Index | None:
    row = connection.execute(statement.limit(1)).mappings().first()
    return None if row is None else Index(**row)
