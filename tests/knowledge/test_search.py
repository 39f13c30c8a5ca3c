"""Search: two rankings made one, the index in memory as it is in the database, small sets whole."""

import asyncio
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attenda.api import Principal
from attenda.knowledge.search import WHOLE_WORDS, Searcher, fuse
from attenda.knowledge.sentences import words_of
from attenda.store import documents
from attenda.store.database import Database
from tests.knowledge.workshop import CountingEmbedder, add, content_of, rising_stamps, working

RANKS = st.lists(st.integers(0, 40), unique=True, max_size=30)


@given(RANKS, RANKS)
def test_fusion_keeps_what_both_agree_on(first: list[int], second: list[int]) -> None:
    fused = fuse([(first, 1.0), (second, 1.0)])
    items = [item for item, _ in fused]
    assert sorted(items) == sorted({*first, *second})
    assert [score for _, score in fused] == sorted((score for _, score in fused), reverse=True)
    if first and second and first[0] == second[0]:
        assert items[0] == first[0]
    assert [item for item, _ in fuse([(first, 1.0)])] == first


def test_the_index_in_memory_follows_the_database(
    database: Database, owner: Principal, tmp_path: Path
) -> None:
    async def body() -> None:
        searcher = Searcher(database, CountingEmbedder())

        async def held() -> None:
            """What this searcher, which has been asked before, says is what a fresh one says."""
            for mode in ("vectors", "both", "words"):
                kept = await searcher.search(owner, "zebra at noon", 50, mode=mode)
                fresh = await Searcher(database, CountingEmbedder()).search(
                    owner, "zebra at noon", 50, mode=mode
                )
                assert kept == fresh

        await held()
        async with working(database, tmp_path / "files") as ingester:
            for content in (b"The zebra came at noon.", b"The yak came.", b"The zebra left."):
                await add(ingester, owner, f"{len(content)}.txt", content)
                await held()
            await add(ingester, owner, "13.txt", b"The yak left.")
            await held()
            rows = [json.dumps({"id": n, "text": f"zebra {n}"}) for n in range(20)]
            added = await add(ingester, owner, "rows.jsonl", "\n".join(rows).encode())
            await held()
            await database.write(
                lambda c: documents.trash_document(c, rising_stamps(), owner, added.document_id)
            )
            await held()
            await add(ingester, owner, "rows.jsonl", "\n".join(rows[:3]).encode())
            await held()

    asyncio.run(body())


async def _shelf(database: Database, who: Principal, name: str) -> str:
    shelves = await database.read(lambda c: documents.list_collections(c, who))
    return next(one.id for one in shelves if one.name == name)


def test_a_small_collection_is_given_whole(
    database: Database, owner: Principal, tmp_path: Path
) -> None:
    reader = Principal(id="usr_reader", role="agent")

    async def body() -> None:
        embedder = CountingEmbedder()
        searcher = Searcher(database, embedder)
        assert await searcher.whole_collection(owner, "zebra") == []
        async with working(database, tmp_path / "files", embedder) as ingester:
            await add(ingester, owner, "b.md", b"# Zebra\n\nIt came.\n\n# Yak\n\nIt left.")
            await add(ingester, owner, "a.txt", b"The otter slept.", "Other")
            found = await searcher.whole_collection(owner, "zebra came") or []
            texts = [one.passage.text for one in found]
            assert texts == ["Zebra\n\nIt came.", "Yak\n\nIt left.", "The otter slept."]
            assert {one.score for one in found} == {1.0}
            cosines = [one.cosine for one in found]
            assert None not in cosines and max(cosines) == cosines[0]  # type: ignore[type-var]
            ranked = await searcher.search(owner, "zebra came", 9, mode="vectors")
            by_id = {one.passage.id: one.cosine for one in ranked}
            assert all(by_id[one.passage.id] == pytest.approx(one.cosine) for one in found)
            shelf = await _shelf(database, owner, "Other")
            only = await searcher.whole_collection(owner, "zebra", collection_ids=[shelf]) or []
            assert [one.passage.text for one in only] == ["The otter slept."]
            assert await searcher.whole_collection(owner, "zebra", collection_ids=[]) == []
            words = sum(len(words_of(text)) for text in texts)
            assert len(await searcher.whole_collection(owner, "z", words) or []) == 3
            assert await searcher.whole_collection(owner, "z", words - 1) is None
            assert len(await searcher.whole_collection(reader, "z") or []) == 3
            plain = await Searcher(database, None).whole_collection(owner, "zebra") or []
            assert [one.cosine for one in plain] == [None] * 3
            han = await searcher.whole_collection(owner, "斑马什么时候来的") or []
            assert [one.cosine for one in han] == [None] * 3

            long = ("word " * 200).encode()
            for number in range(2):
                await ingester.add(owner, "Long", f"{number}.txt", content_of(long))
            await ingester.wait_idle()
            assert await searcher.whole_collection(owner, "zebra") is None
            await add(ingester, owner, "letters.txt", b"x" * WHOLE_WORDS * 40, "Letters")
            letters = await _shelf(database, owner, "Letters")
            assert await searcher.whole_collection(owner, "x", collection_ids=[letters]) is None

    asyncio.run(body())


def test_modes_and_shelves_narrow_a_search(
    database: Database, owner: Principal, tmp_path: Path
) -> None:
    async def body() -> None:
        searcher = Searcher(database, CountingEmbedder())
        async with working(database, tmp_path / "files") as ingester:
            await add(ingester, owner, "a.txt", b"The zebra came.", "One")
            await add(ingester, owner, "b.txt", b"The zebra left.", "Two")
            shelves = await database.read(lambda c: documents.list_collections(c, owner))
            for mode in ("words", "vectors", "both"):
                for shelf in shelves:
                    found = await searcher.search(
                        owner, "zebra", 9, mode=mode, collection_ids=[shelf.id]
                    )
                    assert [one.passage.document for one in found] == [
                        {"One": "a", "Two": "b"}[shelf.name]
                    ]
                assert await searcher.search(owner, "zebra", mode=mode, collection_ids=[]) == []
            words = await searcher.search(owner, "zebra", 9, mode="words")
            assert [one.cosine for one in words] == [None, None]

    asyncio.run(body())
