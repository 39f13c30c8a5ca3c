"""Passages: the indexed units of documents, their words and labels, and who may be shown them.

Every way out asks for the rights of this moment: the rows' in the query itself, and the teams
that the person still has. Vectors are `vectors.py`'s, words `lexical.py`'s.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, delete, func, insert, or_, select

from attenda.core.errors import NotFound
from attenda.core.label import Label
from attenda.core.principal import Principal
from attenda.store import lexical
from attenda.store.documents import as_stored
from attenda.store.rights import visible, visible_sql
from attenda.store.schema import documents, memberships, passages, users
from attenda.store.vectors import forget_vectors
from attenda.store.visitors import as_of_now

__all__ = [
    "FoundPassage",
    "NewPassage",
    "Size",
    "add_passages",
    "allowed_numbers",
    "collection_size",
    "count_passages",
    "fetch_passages",
    "get_passage",
    "passages_of",
    "remove_passages",
    "term_rarity",
    "words_search",
]

_TOGETHER = 5000
"""Values of one list in a statement; PostgreSQL takes 65,535 at most, SQLite 32,766."""


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
    for first in range(0, len(document_ids), _TOGETHER):
        here = passages.c.document_id.in_(document_ids[first : first + _TOGETHER])
        chosen = select(passages.c.number).where(here)
        numbers = [int(number) for (number,) in connection.execute(chosen)]
        lexical.remove_words(connection, numbers)
        connection.execute(delete(passages).where(here))
        if numbers:
            forget_vectors(connection, len(numbers))


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
        names = {f"col{place}": as_stored(id_) for place, id_ in enumerate(collection_ids)}
        listed = ", ".join(f":{name}" for name in names) or "NULL"
        condition += f" AND documents.collection_id IN ({listed})"
        values.update(names)
    return lexical.word_scores(connection, query, condition, values, limit)


def allowed_numbers(
    connection: Connection,
    who: Principal,
    numbers: Sequence[int] | None,
    collection_ids: Sequence[str] | None = None,
) -> set[int]:
    """Those of `numbers` (of all, if none are given) that `who` may be shown now."""
    statement = (
        select(passages.c.number)
        .join(documents, documents.c.id == passages.c.document_id)
        .where(_findable(who, collection_ids))
    )
    if numbers is None:
        return {int(number) for (number,) in connection.execute(statement)}
    found: set[int] = set()
    for first in range(0, len(numbers), _TOGETHER):
        some = statement.where(passages.c.number.in_(numbers[first : first + _TOGETHER]))
        found.update(int(number) for (number,) in connection.execute(some))
    return found


def fetch_passages(
    connection: Connection, who: Principal, numbers: Sequence[int]
) -> list[FoundPassage]:
    """Passages by number, in the order given; those `who` may not see are left out."""
    now = _as_of_now(connection, who)
    if now is None:
        return []
    statement = _found().where(
        passages.c.number.in_(numbers), visible(documents, now), documents.c.deleted_at.is_(None)
    )
    found = {row["number"]: FoundPassage(**row) for row in connection.execute(statement).mappings()}
    return [found[number] for number in numbers if number in found]


@dataclass(frozen=True, slots=True)
class Size:
    """How much there is to read."""

    passages: int
    characters: int


def collection_size(
    connection: Connection, who: Principal, collection_ids: Sequence[str] | None = None
) -> Size:
    """How much of some collections (of all, if none are named) `who` may be shown."""
    characters = func.coalesce(func.sum(func.length(passages.c.text)), 0)
    statement = (
        select(func.count(), characters)
        .select_from(passages)
        .join(documents, documents.c.id == passages.c.document_id)
        .where(_findable(who, collection_ids))
    )
    count, length = connection.execute(statement).one()
    return Size(int(count), int(length))


def passages_of(
    connection: Connection, who: Principal, collection_ids: Sequence[str] | None = None
) -> list[FoundPassage]:
    """Every passage of some collections that `who` may be shown, in the documents' order."""
    now = _as_of_now(connection, who)
    if now is None:
        return []
    statement = (
        _found()
        .where(_findable(now, collection_ids))
        .order_by(documents.c.created_at, documents.c.id, passages.c.start)
    )
    return [FoundPassage(**row) for row in connection.execute(statement).mappings()]


def get_passage(connection: Connection, who: Principal, passage_id: str) -> FoundPassage:
    """One passage by its id.

    Raises:
        NotFound: it is not there or not theirs.
    """
    statement = select(passages.c.number).where(passages.c.id == as_stored(passage_id))
    number = connection.execute(statement).scalar_one_or_none()
    found = fetch_passages(connection, who, [number]) if number is not None else []
    if not found:
        raise NotFound("document.missing", id=passage_id)
    return found[0]


def term_rarity(
    connection: Connection, terms: Sequence[str], who: Principal | None = None
) -> tuple[dict[str, float], int]:
    """Weight of each term in the whole collection: ln(1 + N / (1 + n)), n passages having it.

    A term that no passage has weighs half: the person's wording need not be the documents'. The
    second value is N. For `who`, passages hidden from them count nowhere, so nothing about their
    words can be told from what is answered.
    """
    counted = select(func.count()).select_from(passages)
    allowed = ""
    values: dict[str, object] = {}
    if who is not None and _hides_some(connection, who):
        counted = counted.join(documents).where(visible(documents, who))
        allowed, values = visible_sql("documents", who)
    total = int(connection.execute(counted).scalar_one())
    counts = lexical.passage_counts(connection, terms, allowed, values)
    rarity = {
        term: math.log(1 + total / (1 + count)) * (1.0 if count else 0.5)
        for term, count in counts.items()
    }
    return rarity, total


def count_passages(connection: Connection, who: Principal, document_id: str) -> int:
    """Passages of one document and of its living records, as far as `who` may see them."""
    id_ = as_stored(document_id)
    record = and_(documents.c.container_id == id_, documents.c.deleted_at.is_(None))
    statement = (
        select(func.count())
        .select_from(passages)
        .join(documents, documents.c.id == passages.c.document_id)
        .where(visible(documents, who), or_(documents.c.id == id_, record))
    )
    return int(connection.execute(statement).scalar_one())


def _findable(who: Principal, collection_ids: Sequence[str] | None) -> ColumnElement[bool]:
    """Passages of living, ready documents that `who` may see."""
    conditions = [
        visible(documents, who),
        documents.c.deleted_at.is_(None),
        documents.c.state == "ready",
    ]
    if collection_ids is not None:
        conditions.append(documents.c.collection_id.in_([as_stored(id_) for id_ in collection_ids]))
    return and_(*conditions)


def _found() -> Select[Any]:
    columns = [passages.c[name] for name in FoundPassage.__slots__ if name != "document"]
    statement = select(*columns, documents.c.title.label("document"))
    return statement.join(documents, documents.c.id == passages.c.document_id)


def _as_of_now(connection: Connection, who: Principal) -> Principal | None:
    """`who` with the teams that they still have; none once they are disabled."""
    if who.role is None:
        return as_of_now(connection, who)
    row = connection.execute(select(users.c.disabled_at).where(users.c.id == who.id)).first()
    if row is not None and row.disabled_at is not None:
        return None
    mine = select(memberships.c.team_id).where(memberships.c.user_id == who.id)
    teams = frozenset(str(team) for (team,) in connection.execute(mine))
    return who.model_copy(update={"teams": who.teams & teams})


def _hides_some(connection: Connection, who: Principal) -> bool:
    """Whether any document is hidden from `who`."""
    if who.role is None:
        return True  # all but what their channel opens
    hidden = or_(documents.c.team_id.is_(None), documents.c.team_id.not_in(who.all_teams))
    statement = select(documents.c.id).where(documents.c.owner_id != who.id, hidden).limit(1)
    return connection.execute(statement).first() is not None
