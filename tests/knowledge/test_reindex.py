"""After a change of the embedding model: words meanwhile, then the new index, never a mixture."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sqlalchemy import delete, select, text

from attenda.api import ModelError, Principal
from attenda.knowledge import ingest, reindex
from attenda.knowledge.ingest import Ingester
from attenda.knowledge.reindex import Reindexer
from attenda.knowledge.search import Searcher
from attenda.store import documents, passages, schema, vectors
from attenda.store.database import Connection, Database
from tests.knowledge.workshop import (
    add,
    all_documents,
    content_of,
    plain,
    rising_stamps,
    working,
)

WORDS = ["zebra", "yak", "otter", "heron", "lynx", "moth"]


class Signed:
    """An embedder all of whose vectors carry its mark, and which refuses to be mixed.

    Its likeness of two texts is 1 where they share their first word and 0 otherwise, turned by a
    rotation of its own: between two models the numbers mean nothing.
    """

    def __init__(self, name: str, width: int, turn: int) -> None:
        self.name, self.width = name, width
        self._turn = turn
        self.deaths = 0
        self.embedded: list[str] = []

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        if self.deaths:
            self.deaths -= 1
            raise ModelError("model.died", name=self.name, how="signal 9")
        self.embedded += texts
        rows = np.zeros((len(texts), self.width), dtype=np.float32)
        for row, one in enumerate(texts):
            word = next((word for word in WORDS if word in one), WORDS[0])
            rows[row, (WORDS.index(word) * 3 + self._turn) % self.width] = 1.0
        return rows

    async def close(self) -> None:
        """Nothing runs behind it."""


def models() -> list[Any]:
    return [Signed("one", 20, 0), Signed("two", 32, 7), Signed("three", 20, 5)]


async def _reader(path: Path, name: str, deadline_s: float) -> list[Any]:
    return [plain(path.read_text())]


@pytest.fixture(autouse=True)
def _read_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest, "read_file", _reader)


@contextlib.asynccontextmanager
async def filled(
    database: Database, who: Principal, folder: Path, embedder: Any, count: int = 12
) -> AsyncIterator[Ingester]:
    async with working(database, folder / "files", embedder) as ingester:
        for number in range(count):
            body = f"The {WORDS[number % len(WORDS)]} came, number {number}."
            await ingester.add(who, "Library", f"{number}.txt", content_of(body.encode()))
        await ingester.wait_idle()
        yield ingester


def _indexes(c: Connection) -> dict[str, tuple[bool, int]]:
    """Name → active, and how many vectors it has."""
    return {
        row.embedder: (row.active, vectors.count_vectors(c, row.id))
        for row in c.execute(select(schema.indexes))
    }


async def _nearest(database: Database, who: Principal, embedder: Any) -> dict[str, set[str]]:
    """For each word, the words of the passages that are called alike by the model alone."""
    searcher = Searcher(database, embedder)
    found: dict[str, set[str]] = {}
    for word in WORDS:
        ranked = await searcher.search(who, word, 50, mode="vectors")
        near = [one.passage.text for one in ranked if (one.cosine or 0) > 0.5]
        found[word] = {other for other in WORDS for text_ in near if other in text_}
    return found


def test_words_meanwhile_then_the_new_index(
    database: Database, owner: Principal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reindex, "_BATCH", 5)
    old, new, _ = models()

    async def body() -> None:
        async with filled(database, owner, tmp_path, old):
            assert await _nearest(database, owner, old) == {word: {word} for word in WORDS}
        stamps = rising_stamps()
        async with working(database, tmp_path / "files", new, stamps) as ingester:
            searcher = Searcher(database, new)
            assert await searcher.search(owner, "zebra", 5, mode="vectors") == []
            assert len(await searcher.search(owner, "zebra", 5)) == 2
            assert await database.read(lambda c: vectors.rebuild_progress(c, owner)) is None
            work = Reindexer(database, stamps, new)
            seen = []
            for _ in range(2):
                assert not await work._step(new)
                seen.append(await database.read(lambda c: vectors.rebuild_progress(c, owner)))
                assert await searcher.search(owner, "zebra", 5, mode="vectors") == []
            assert [(one.done, one.total) for one in seen if one] == [(5, 12), (10, 12)]
            await add(ingester, owner, "new.txt", b"The zebra came again.")
            assert await database.read(_indexes) == {"one": (True, 12), "two": (False, 11)}
            await Reindexer(database, stamps, new).run()
            assert await database.read(_indexes) == {"two": (True, 13)}
            assert await database.read(lambda c: vectors.rebuild_progress(c, owner)) is None
            assert len(await searcher.search(owner, "zebra", 50, mode="vectors")) == 13
            assert await _nearest(database, owner, new) == {word: {word} for word in WORDS}
            assert len(new.embedded) - len(set(new.embedded)) <= 2 * len(WORDS) + 10

    asyncio.run(body())


def test_a_crash_costs_one_batch(
    database: Database, owner: Principal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reindex, "_BATCH", 3)
    old, new, _ = models()

    async def body() -> None:
        stamps = rising_stamps()
        async with filled(database, owner, tmp_path, old):
            pass
        for batches in range(1, 4):
            task = asyncio.create_task(Reindexer(database, stamps, new).run())
            while len(new.embedded) < 3 * batches:
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await Reindexer(database, stamps, new).run()
        assert await database.read(_indexes) == {"two": (True, 12)}
        assert len(new.embedded) <= 12 + 3 * 3

    asyncio.run(body())


def test_who_fills_the_same_passages_at_once_fills_each_once(
    database: Database, owner: Principal, tmp_path: Path
) -> None:
    """A task that was cancelled leaves its write under way, and the next one wants the same."""
    old, new, _ = models()

    def begin(c: Connection) -> tuple[int, list[int]]:
        index = vectors.ensure_index(c, new.name, new.width, 1)
        return index.id, [number for number, _ in vectors.missing_vectors(c, index.id, 50)]

    async def body() -> None:
        async with filled(database, owner, tmp_path, old):
            pass
        index_id, numbers = await database.write(begin)
        matrix = await new.embed(["zebra"] * len(numbers))

        def fill(c: Connection) -> None:
            vectors.add_missing_vectors(c, index_id, numbers, matrix)

        await asyncio.gather(*(database.write(fill) for _ in range(4)))
        assert (await database.read(_indexes))["two"] == (False, 12)

    asyncio.run(body())


def test_a_dying_embedder_is_waited_for(
    database: Database, owner: Principal, tmp_path: Path
) -> None:
    old, new, _ = models()
    waited: list[float] = []

    async def wait(seconds: float) -> None:
        waited.append(seconds)

    async def body() -> None:
        async with filled(database, owner, tmp_path, old):
            pass
        new.deaths = 4
        await Reindexer(database, rising_stamps(), new, sleep=wait).run()
        assert waited == [1.0, 10.0, 60.0, 60.0]
        assert await database.read(_indexes) == {"two": (True, 12)}

    asyncio.run(body())


def test_gaps_are_filled_and_nothing_is_done_twice(
    database: Database, owner: Principal, tmp_path: Path
) -> None:
    """Passages stored while there was no embedder, between ones that have vectors."""
    (one, *_) = models()

    async def body() -> None:
        async with filled(database, owner, tmp_path, one):
            pass
        searcher = Searcher(database, one)
        assert len(await searcher.search(owner, "zebra", 50, mode="vectors")) == 12
        gap = delete(schema.vectors).where(schema.vectors.c.passage_number % 3 == 0)
        await database.write(lambda c: c.execute(gap))
        one.embedded.clear()
        await Reindexer(database, rising_stamps(), one).run()
        assert len(one.embedded) == 4
        assert await database.read(_indexes) == {"one": (True, 12)}
        assert len(await searcher.search(owner, "zebra", 50, mode="vectors")) == 12
        await Reindexer(database, rising_stamps(), one).run()
        assert len([text_ for text_ in one.embedded if "came" in text_]) == 4

    asyncio.run(body())


def test_an_empty_library_needs_no_index(database: Database) -> None:
    (one, *_) = models()

    async def body() -> None:
        await Reindexer(database, rising_stamps(), one).run()
        await Reindexer(database, rising_stamps(), None).run()
        assert await database.read(_indexes) == {}

    asyncio.run(body())


def test_passages_that_go_in_mid_batch_are_left_out(
    database: Database, owner: Principal, tmp_path: Path
) -> None:
    old, new, _ = models()

    async def body() -> None:
        stamps = rising_stamps()
        async with filled(database, owner, tmp_path, old) as ingester:
            plainly = new.embed

            async def embed(texts: Sequence[str]) -> Any:
                rows = await plainly(texts)
                new.embed = plainly
                await add(ingester, owner, "3.txt", b"The moth is another.")
                return rows

            new.embed = embed
            await Reindexer(database, stamps, new).run()
        assert await database.read(_indexes) == {"two": (True, 12)}
        assert await _nearest(database, owner, new) == {word: {word} for word in WORDS}

    asyncio.run(body())


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["model", "fill", "fill", "add", "change", "trash", "erase", "search"]),
        st.integers(0, 11),
    ),
    min_size=4,
    max_size=14,
)


def test_two_models_never_meet(
    database: Database, owner: Principal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Property: any order of changes of model, partial fills, additions, changes and searches.

    Whatever is called alike by meaning shares the word that this model calls alike, and every
    search has one model's width; a mixture would break either.
    """
    monkeypatch.setattr(reindex, "_BATCH", 4)

    @settings(
        max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(STEPS)
    def holds(steps: list[tuple[str, int]]) -> None:
        asyncio.run(_walk(database, owner, tmp_path, steps))

    holds()


async def _walk(
    database: Database, owner: Principal, folder: Path, steps: list[tuple[str, int]]
) -> None:
    await database.write(_empty)
    stamps, known = rising_stamps(), models()
    current = known[0]
    searchers = {one.name: Searcher(database, one) for one in known}
    async with filled(database, owner, folder, current, 6):
        pass
    for kind, number in steps:
        match kind:
            case "model":
                current = known[number % 3]
            case "fill":
                await Reindexer(database, stamps, current)._step(current)
            case "add" | "change":
                name = f"{number % 6 if kind == 'change' else number + 6}.txt"
                body = f"The {WORDS[(number * 5) % 6]} came as {kind} {number}."
                async with working(database, folder / "files", current, stamps) as ingester:
                    await add(ingester, owner, name, body.encode())
            case "trash" | "erase":
                await _drop(database, owner, number, erase=kind == "erase")
            case _:
                await _held(searchers[current.name], owner)
    await _held(searchers[current.name], owner)
    await Reindexer(database, stamps, current).run()
    state = await database.read(_indexes)
    assert list(state) == [current.name] or not state
    await _held(searchers[current.name], owner)
    living = [one for one in await all_documents(database, owner) if one.state == "ready"]
    found = await searchers[current.name].search(owner, "zebra", 99, mode="vectors")
    assert {one.passage.document_id for one in found} == {one.id for one in living}


async def _held(searcher: Searcher, owner: Principal) -> None:
    for word in WORDS[:3]:
        for one in await searcher.search(owner, word, 50, mode="vectors"):
            assert one.cosine is not None
            assert (one.cosine > 0.5) == (word in one.passage.text), (word, one)


async def _drop(database: Database, owner: Principal, number: int, *, erase: bool) -> None:
    rows = await all_documents(database, owner)
    if not rows:
        return
    id_ = rows[number % len(rows)].id

    def drop(c: Connection) -> None:
        if erase:
            passages.remove_passages(c, [id_])
            documents.erase_documents(c, [id_])
        else:
            documents.trash_document(c, rising_stamps(), owner, id_)

    await database.write(drop)


def _empty(c: Connection) -> None:
    for table in (schema.passages, schema.documents, schema.indexes):
        c.execute(delete(table))
    c.execute(text("DELETE FROM passage_words"))
