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
from attenda.store import passages, vectors
from attenda.store.database import Connection, Database

__all__ = ["WHOLE_WORDS", "Mode", "Ranked", "Searcher", "fuse"]

WHOLE_WORDS = 350
"""Words of a collection that is so small that a model is given all of it."""
_LETTERS = 30
"""Letters a word at most, on average: what is longer than that is not counted word by word."""
_FUSION = 60.0
_CANDIDATES = 60
_WIDEN = 4
_SAMPLED = 64
_PART_WORDS = 50
_LONGEST = 6000
_MAX_STOPS = 200
"""Full stops of a query above which sentences are not looked for: it costs their square."""
_STOP = re.compile(r"\.\s")

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


@dataclass(frozen=True, slots=True)
class _Matrix:
    """The vectors of one version of one index, in memory."""

    index: vectors.Index
    numbers: NDArray[np.int64]
    """Passage number of each row, rising."""
    rows: NDArray[np.float32]


class Searcher:
    """Hybrid search over one database with one embedder."""

    def __init__(self, database: Database, embedder: Embedder | None) -> None:
        self._database = database
        self._embedder = embedder
        self._kept: _Matrix | None = None
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

    async def whole_collection(
        self,
        who: Principal,
        query: str,
        budget_words: int = WHOLE_WORDS,
        *,
        collection_ids: Sequence[str] | None = None,
    ) -> list[Ranked] | None:
        """Every passage that `who` may see, in the documents' order, if all fit the budget.

        A model that reads everything needs no ranking, so each has the score 1. None when there
        is more than fits.

        Raises:
            ModelError: the embedder's process failed.
        """
        size = await self._database.read(lambda c: passages.collection_size(c, who, collection_ids))
        if size.passages > budget_words or size.characters > budget_words * _LETTERS:
            return None
        found = await self._database.read(lambda c: passages.passages_of(c, who, collection_ids))
        if sum(len(words_of(one.text)) for one in found) > budget_words:
            return None
        cosines = await self._cosines(query, [one.number for one in found])
        return [Ranked(one, 1.0, cosines.get(one.number)) for one in found]

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
        matrix, asked = await asyncio.gather(self._matrix(), self._embedder.embed(_parts(query)))
        if matrix is None or not len(matrix.numbers):
            return []
        similar = await _similar(matrix, asked)
        for reach in (_CANDIDATES, _CANDIDATES * _WIDEN):
            nearest = _top(similar, reach)
            numbers = [int(number) for number in matrix.numbers[nearest]]
            allowed = await self._allowed(who, numbers, collection_ids)
            if len(allowed) >= _CANDIDATES or reach >= len(matrix.numbers):
                break
        else:
            allowed = await self._allowed(who, None, collection_ids)
            places = np.flatnonzero(np.isin(matrix.numbers, list(allowed)))
            nearest = places[_top(similar[places], _CANDIDATES)]
            numbers = [int(number) for number in matrix.numbers[nearest]]
        pairs = zip(numbers, similar[nearest], strict=True)
        kept = [(number, float(cosine)) for number, cosine in pairs if number in allowed]
        return kept[:_CANDIDATES]

    async def _cosines(self, query: str, numbers: Sequence[int]) -> dict[int, float]:
        """Likeness to the query of some passages, where it can be told."""
        matrix = None if _is_foreign(query) else await self._matrix()
        if matrix is None or self._embedder is None or not numbers:
            return {}
        places = np.flatnonzero(np.isin(matrix.numbers, numbers))
        some = _Matrix(matrix.index, matrix.numbers[places], matrix.rows[places])
        if not len(places):
            return {}
        asked = await self._embedder.embed(_parts(query))
        pairs = zip(some.numbers, await _similar(some, asked), strict=True)
        return {int(number): float(cosine) for number, cosine in pairs}

    async def _allowed(
        self, who: Principal, numbers: Sequence[int] | None, collection_ids: Sequence[str] | None
    ) -> set[int]:
        return await self._database.read(
            lambda c: passages.allowed_numbers(c, who, numbers, collection_ids)
        )

    async def _matrix(self) -> _Matrix | None:
        """The active index as it is now; none while another model's is active."""
        if self._embedder is None:
            return None
        async with self._loading:
            self._kept = await self._database.read(self._load)
            return self._kept

    def _load(self, connection: Connection) -> _Matrix | None:
        """Bring the matrix in memory up to the database's: added rows alone, where that does."""
        index = vectors.active_index(connection)
        if index is None or self._embedder is None or index.embedder != self._embedder.name:
            return None
        kept = self._kept
        if kept is None or kept.index.id != index.id or kept.index.removed != index.removed:
            return _fresh(connection, index)
        if kept.index == index:
            return kept
        last = int(kept.numbers[-1]) if len(kept.numbers) else 0
        more = vectors.vectors_since(connection, index, last)
        numbers = np.concatenate([kept.numbers, more.numbers])
        if len(numbers) != vectors.count_vectors(connection, index.id):
            return _fresh(connection, index)  # some were added for passages among the older ones
        return _Matrix(index, numbers, np.concatenate([kept.rows, more.matrix.astype(np.float32)]))


def _fresh(connection: Connection, index: vectors.Index) -> _Matrix:
    loaded = vectors.vectors_since(connection, index, 0)
    return _Matrix(index, loaded.numbers, loaded.matrix.astype(np.float32))


async def _similar(matrix: _Matrix, asked: NDArray[np.float32]) -> NDArray[np.float32]:
    """Likeness of every passage to the part of the query (K, D) that is nearest to it."""

    def product() -> NDArray[np.float32]:
        one = len(asked) == 1
        similar: NDArray[np.float32] = matrix.rows @ (asked[0] if one else asked.T)
        return similar if one else similar.max(axis=1)

    # In a thread: at 200,000 passages it takes as long as 20 words of a stream.
    return await asyncio.to_thread(product)


def _parts(query: str) -> list[str]:
    """A long query in parts of whole sentences, each of which may find its own passages."""
    read = query[:_LONGEST]
    parts: list[str] = []
    current: list[str] = []
    words = 0
    for piece in _pieces(read):
        current.append(piece)
        words += len(words_of(piece))
        if words >= _PART_WORDS:
            parts.append(" ".join(current))
            current, words = [], 0
    if current:
        parts.append(" ".join(current))
    return parts or [read]


def _pieces(query: str) -> list[str]:
    """Its sentences; its words, where it has too many full stops to be prose."""
    if len(_STOP.findall(query)) > _MAX_STOPS:
        return query.split()
    return [query[start:end] for start, end in sentence_spans(query)]


def _top(similar: NDArray[np.float32], count: int) -> NDArray[np.intp]:
    """Places of the `count` highest values, highest first."""
    if count >= len(similar):
        return np.argsort(-similar)
    # A floor that a sample suggests leaves a few hundred to sort; one that is too high is not used.
    sample = np.sort(similar[::_SAMPLED])
    chosen = np.flatnonzero(similar >= sample[-min(len(sample), 2 + 3 * count // _SAMPLED)])
    if len(chosen) < count:
        chosen = np.argpartition(similar, len(similar) - count)[len(similar) - count :]
    return chosen[np.argsort(-similar[chosen])][:count]


def _is_foreign(query: str) -> bool:
    """Whether most of the query is Han text, which the English sentence model cannot read."""
    read = query[:_LONGEST]
    han = len(re.findall(r"[\u3400-\u9fff]", read))
    return han * 2 > len(re.findall(r"\w", read))
