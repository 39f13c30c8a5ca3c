"""A query into ranked passages: by words and by meaning, fused, rights inside the query.

The vectors of the active index are kept in memory as one matrix and scanned exactly. Both lists
are joined by reciprocal rank fusion (Cormack, Clarke, Büttcher, 2009): score = Σ w / (60 + rank).
It ranks passages; whether they answer the question is `cite.py`'s to say.
"""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from attenda.core.event import Found
from attenda.core.ports import Embedder
from attenda.core.principal import Principal
from attenda.knowledge.sentences import sentence_spans, words_of
from attenda.store import passages
from attenda.store.database import Database

__all__ = ["Mode", "Ranked", "Searcher", "fuse"]

_FUSION = 60.0
_CANDIDATES = 60
_WIDEN = 4
_PART_WORDS = 50
_LONGEST = 6000

Mode = str
"""`both`, `words` or `vectors`."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """A passage of the answer to a query, with the parts of its score."""

    passage: passages.FoundPassage
    score: float
    cosine: float | None
    """Likeness of meaning to the query, where vectors were searched and reached it."""

    def found(self) -> Found:
        """The same as an event's value."""
        passage = self.passage
        return Found(
            passage_id=passage.id,
            document_id=passage.document_id,
            document=passage.document,
            heading=passage.heading,
            page=passage.page,
            start=passage.start,
            end=passage.end,
            score=round(self.score, 6),
            text=passage.text,
        )


def fuse(rankings: Sequence[tuple[Sequence[int], float]]) -> list[tuple[int, float]]:
    """Join weighted rankings by reciprocal rank; (item, score), best first."""
    scores: dict[int, float] = {}
    for ranking, weight in rankings:
        for rank, item in enumerate(ranking, start=1):
            scores[item] = scores.get(item, 0.0) + weight / (_FUSION + rank)
    return sorted(scores.items(), key=lambda pair: (-pair[1], pair[0]))


class Searcher:
    """Hybrid search over one database with one embedder."""

    def __init__(self, database: Database, embedder: Embedder | None) -> None:
        self._database = database
        self._embedder = embedder
        self._index_id: int | None = None
        self._version = (-1, -1)
        self._numbers: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        self._matrix: NDArray[np.float32] = np.zeros((0, 1), dtype=np.float32)
        self._loading = asyncio.Lock()

    async def search(
        self,
        who: Principal,
        query: str,
        k: int = 10,
        *,
        collection_ids: Sequence[str] | None = None,
        mode: Mode = "both",
    ) -> list[Ranked]:
        """The `k` best passages for `query` that `who` may see, best first.

        Raises:
            ModelError: the embedder's process failed.
        """
        by_words, by_vectors = await asyncio.gather(
            self._by_words(who, query, collection_ids, mode),
            self._by_vectors(who, query, collection_ids, mode),
        )
        cosines = dict(by_vectors)
        rankings = [([number for number, _ in by_words], 1.0), (list(cosines), 1.0)]
        best = fuse(rankings)[:k]
        numbers = [number for number, _ in best]
        found = await self._database.read(lambda c: passages.fetch_passages(c, who, numbers))
        scores = dict(best)
        return [
            Ranked(passage, scores[passage.number], cosines.get(passage.number))
            for passage in found
        ]

    async def passage(self, who: Principal, passage_id: str) -> passages.FoundPassage:
        """One passage by its id.

        Raises:
            NotFound: it is not there or not theirs.
        """
        return await self._database.read(lambda c: passages.get_passage(c, who, passage_id))

    async def _by_words(
        self, who: Principal, query: str, collection_ids: Sequence[str] | None, mode: Mode
    ) -> list[tuple[int, float]]:
        if mode == "vectors":
            return []
        return await self._database.read(
            lambda c: passages.words_search(c, who, query, _CANDIDATES, collection_ids)
        )

    async def _by_vectors(
        self, who: Principal, query: str, collection_ids: Sequence[str] | None, mode: Mode
    ) -> list[tuple[int, float]]:
        """(number, cosine) of the nearest passages that `who` may see, nearest first."""
        if mode == "words" or self._embedder is None or _is_foreign(query):
            return []
        await self._refresh()
        if not len(self._numbers):
            return []
        vectors = await self._embedder.embed(_parts(query))
        similar = (self._matrix @ vectors.T).max(axis=1)
        reach = _CANDIDATES
        while True:
            nearest = _top(similar, reach)
            numbers = [int(number) for number in self._numbers[nearest]]
            allowed = await self._allowed(who, numbers, collection_ids)
            if len(allowed) >= _CANDIDATES or reach >= len(self._numbers):
                pairs = zip(numbers, similar[nearest], strict=True)
                kept = [(number, float(cosine)) for number, cosine in pairs if number in allowed]
                return kept[:_CANDIDATES]
            reach *= _WIDEN

    async def _allowed(
        self, who: Principal, numbers: Sequence[int], collection_ids: Sequence[str] | None
    ) -> set[int]:
        return await self._database.read(
            lambda c: passages.allowed_numbers(c, who, numbers, collection_ids)
        )

    async def _refresh(self) -> None:
        """Bring the matrix in memory up to the database's version of the index."""
        async with self._loading:
            index_id = await self._active_index()
            if index_id is None:
                return
            version = await self._database.read(lambda c: passages.vector_state(c, index_id))
            if version == self._version:
                return
            assert self._embedder is not None
            width = self._embedder.width
            only_added = version[1] == self._version[1] and len(self._numbers) > 0
            last = int(self._numbers[-1]) if only_added else 0
            rows = await self._database.read(
                lambda c: passages.vectors_since(c, index_id, last, width)
            )
            fresh = rows.matrix.astype(np.float32)
            if only_added:
                self._numbers = np.concatenate([self._numbers, rows.numbers])
                self._matrix = np.concatenate([self._matrix, fresh])
            else:
                self._numbers, self._matrix = rows.numbers, fresh
            self._version = version

    async def _active_index(self) -> int | None:
        if self._index_id is None and self._embedder is not None:
            name = self._embedder.name
            self._index_id = await self._database.read(lambda c: passages.find_index(c, name))
        return self._index_id


def _parts(query: str) -> list[str]:
    """A long query in parts of whole sentences, each of which may find its own passages."""
    parts: list[str] = []
    current: list[str] = []
    for start, end in sentence_spans(query[:_LONGEST]):
        current.append(query[start:end])
        if sum(len(words_of(sentence)) for sentence in current) >= _PART_WORDS:
            parts.append(" ".join(current))
            current = []
    if current:
        parts.append(" ".join(current))
    return parts or [query[:_LONGEST]]


def _top(similar: NDArray[np.float32], count: int) -> NDArray[np.intp]:
    """Places of the `count` highest values, highest first."""
    if count >= len(similar):
        return np.argsort(-similar)
    chosen = np.argpartition(-similar, count)[:count]
    return chosen[np.argsort(-similar[chosen])]


def _is_foreign(query: str) -> bool:
    """Whether most of the query is Han text, which the English sentence model cannot read."""
    han = len(re.findall(r"[\u3400-\u9fff]", query))
    return han * 2 > len(re.findall(r"\w", query))
