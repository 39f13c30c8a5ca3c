"""Every document ends ready or failed with a reason, whatever breaks on its way in."""

import asyncio
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from attenda.api import ModelError, NotFound, Principal, TooLarge, UserError
from attenda.knowledge import indexing, ingest, reading
from attenda.knowledge.search import Searcher
from attenda.store import documents, intake, passages
from attenda.store.database import Database
from tests.knowledge.workshop import (
    CountingEmbedder,
    FaultyDatabase,
    add,
    all_documents,
    content_of,
    plain,
    rising_stamps,
    working,
)

FAULTS = st.lists(st.sampled_from(["", "", "", "early", "late"]), max_size=12)
READERS = st.sampled_from(["ok", "many", "killed", "odd", "broken", "none"])
STEPS = st.lists(
    st.tuples(st.sampled_from("abc"), READERS, st.integers(0, 3), st.booleans()),
    min_size=1,
    max_size=6,
)


async def _reader(path: Path, name: str, deadline_s: float) -> list[Any]:
    """Reads the plan that a file's content is."""
    del deadline_s
    kind, number = path.read_text().split()
    match kind:
        case "killed":
            raise UserError("ingest.broken", name=name, detail="The file made its reader stop.")
        case "odd":
            raise RuntimeError("nobody thought of this")
        case "broken":
            return [plain("half a pair \ud800")]
        case "none":
            return []
        case "many":
            return [plain(f"record {n} of {number}", external_id=str(n % 3)) for n in range(5)]
    return [plain(f"one text, number {number}")]


@pytest.mark.parametrize("deaths", [[], [True, True], [True]], ids=["none", "twice", "once"])
def test_every_document_settles(
    database: Database, owner: Principal, tmp_path: Path, monkeypatch: Any, deaths: list[bool]
) -> None:
    """Property: adds, updates and retries in any order, with faults anywhere."""
    monkeypatch.setattr(ingest, "read_file", _reader)
    monkeypatch.setattr(ingest, "_PAUSES_S", (0.0,))
    shelves = itertools.count()

    @settings(
        max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(STEPS, FAULTS)
    def holds(steps: list[tuple[str, str, int, bool]], faults: list[str]) -> None:
        plan = iter(faults)
        broken = FaultyDatabase(database, lambda: next(plan, ""))
        embedder = CountingEmbedder(deaths=deaths)

        async def body() -> None:
            shelf = f"shelf {next(shelves)} {deaths}"
            async with working(broken, tmp_path / "files", embedder) as ingester:
                for name, kind, number, waits in steps:
                    try:
                        await ingester.add(
                            owner, shelf, name, content_of(f"{kind} {number}".encode())
                        )
                    except (RuntimeError, OSError):
                        continue  # the person hears of it: their request failed
                    if waits:
                        await ingester.wait_idle()
                await ingester.wait_idle()
                await _all_settled(database, owner)
                for one in await all_documents(database, owner):
                    if one.state == "failed":
                        await _insist(lambda id_=one.id: ingester.retry(owner, id_))
                await ingester.wait_idle()
                await _all_settled(database, owner)

        asyncio.run(body())

    holds()


async def _insist(work: Any) -> None:
    while True:
        try:
            return await work()
        except (RuntimeError, OSError):
            continue


async def _all_settled(database: Database, who: Principal) -> None:
    for one in await all_documents(database, who):
        assert one.state in ("ready", "failed"), one
        assert (one.reason is None) == (one.state == "ready"), one
        if one.state == "failed":
            assert one.reason is not None
            assert one.reason["key"].startswith(("ingest.", "model.")), one


def test_a_reader_that_is_killed_costs_its_file_alone(
    database: Database, owner: Principal, tmp_path: Path, monkeypatch: Any
) -> None:
    started = asyncio.create_subprocess_exec

    async def start_and_kill(*words: Any, **more: Any) -> Any:
        process = await started(*words, **more)
        if killing:
            process.kill()
        return process

    monkeypatch.setattr(reading.asyncio, "create_subprocess_exec", start_and_kill)
    killing = [True]

    async def body() -> None:
        async with working(database, tmp_path / "files") as ingester:
            lost = await add(ingester, owner, "a.txt", b"The gate opens at noon.")
            killing.clear()
            await add(ingester, owner, "b.txt", b"The gate closes at dusk.")
            states = {one.name: one for one in await all_documents(database, owner)}
            assert states["b.txt"].state == "ready"
            assert states["a.txt"].state == "failed"
            assert states["a.txt"].reason is not None
            assert states["a.txt"].reason["key"] == "ingest.broken"
            await ingester.retry(owner, lost.document_id)
            await ingester.wait_idle()
            states = {one.name: one for one in await all_documents(database, owner)}
            assert states["a.txt"].state == "ready"

    asyncio.run(body())


def test_a_reader_is_told_no_secret(monkeypatch: Any, tmp_path: Path) -> None:
    told: dict[str, str] = {}

    class _Ended(Exception):
        pass

    async def look(*words: Any, **more: Any) -> Any:
        told.update(more["env"])
        raise _Ended

    monkeypatch.setenv("ATTENDA_DATABASE", "postgresql://me:secret@there/db")
    monkeypatch.setenv("SOME_API_KEY", "secret")
    monkeypatch.setattr(reading.asyncio, "create_subprocess_exec", look)
    with pytest.raises(_Ended):
        asyncio.run(reading.read_file(tmp_path, "a.txt", 5))
    assert "PATH" in told and "secret" not in str(told)


def test_an_endless_answer_is_cut_off(monkeypatch: Any, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("word " * 1000)
    monkeypatch.setattr(reading, "_ANSWER_LIMIT", 100)
    with pytest.raises(UserError) as refused:
        asyncio.run(reading.read_file(tmp_path / "a.txt", "a.txt", 60))
    assert refused.value.key == "ingest.too_large"


def test_a_newer_version_is_never_overwritten_by_an_older_one(
    database: Database, owner: Principal, tmp_path: Path, monkeypatch: Any
) -> None:
    """The file comes again while its first version is being read."""
    reads: list[asyncio.Event] = []

    async def slow(path: Path, name: str, deadline_s: float) -> list[Any]:
        if not reads:
            reads.append(asyncio.Event())
            await reads[0].wait()
        return [plain(path.read_text())]

    monkeypatch.setattr(ingest, "read_file", slow)

    async def body() -> None:
        async with working(database, tmp_path / "files") as ingester:
            first = await ingester.add(owner, "Library", "a.txt", content_of(b"the old words"))
            while not reads:
                await asyncio.sleep(0)
            second = await ingester.add(owner, "Library", "a.txt", content_of(b"the new words"))
            assert (first.document_id, second.outcome) == (second.document_id, "updated")
            reads[0].set()
            await ingester.wait_idle()
            (one,) = await all_documents(database, owner)
            stored = await database.read(lambda c: documents.document_text(c, owner, one.id))
            assert (one.state, stored) == ("ready", "the new words")
            assert await database.read(lambda c: passages.count_passages(c, owner, one.id)) == 1

    asyncio.run(body())


def test_what_comes_while_its_file_is_in_the_trash_stays_out_of_answers(
    database: Database, owner: Principal, tmp_path: Path, monkeypatch: Any
) -> None:
    """The container is thrown away while its records are being made."""
    read = asyncio.Event()
    begun = asyncio.Event()

    async def slow(path: Path, name: str, deadline_s: float) -> list[Any]:
        begun.set()
        await read.wait()
        return [plain(f"zebra number {n}", external_id=str(n)) for n in range(3)]

    monkeypatch.setattr(ingest, "read_file", slow)

    async def body() -> None:
        async with working(database, tmp_path / "files") as ingester:
            added = await ingester.add(owner, "Library", "a.jsonl", content_of(b"x"))
            await begun.wait()
            stamps = rising_stamps()
            await database.write(
                lambda c: documents.trash_document(c, stamps, owner, added.document_id)
            )
            read.set()
            await ingester.wait_idle()
            searcher = Searcher(database, CountingEmbedder())
            assert await searcher.search(owner, "zebra") == []
            await ingester.restore(owner, added.document_id)
            assert len(await searcher.search(owner, "zebra")) == 3

    asyncio.run(body())


def test_a_file_restored_before_it_was_read_is_read_then(
    database: Database, owner: Principal, tmp_path: Path
) -> None:
    async def body() -> None:
        stamps = rising_stamps()
        shelf = await database.write(lambda c: documents.ensure_collection(c, stamps, owner, "L"))
        async with working(database, tmp_path / "files", stamps=stamps) as ingester:
            await ingester.wait_idle()
            added = await ingester.add(owner, shelf.name, "a.txt", content_of(b"The moat is wide."))
            await database.write(
                lambda c: documents.trash_document(c, stamps, owner, added.document_id)
            )
            await ingester.wait_idle()
            await ingester.restore(owner, added.document_id)
            await ingester.wait_idle()
            (one,) = await all_documents(database, owner)
            assert one.state == "ready"

    asyncio.run(body())


def test_a_crash_puts_the_queue_back(database: Database, owner: Principal, tmp_path: Path) -> None:
    async def body() -> None:
        stamps = rising_stamps()
        async with working(database, tmp_path / "files", stamps=stamps) as ingester:
            added = await add(ingester, owner, "a.txt", b"The drawbridge is up.")
        for state in ("reading", "indexing"):
            await database.write(
                lambda c, s=state: intake.set_state(c, stamps, added.document_id, s)
            )
            async with working(database, tmp_path / "files", stamps=stamps) as ingester:
                await ingester.wait_idle()
            (one,) = await all_documents(database, owner)
            count = await database.read(lambda c, i=one.id: passages.count_passages(c, owner, i))
            assert (one.state, count) == ("ready", 1)

    asyncio.run(body())


def _rows(**texts: str) -> bytes:
    return "\n".join(json.dumps({"id": id_, "text": text}) for id_, text in texts.items()).encode()


def test_of_a_container_only_changed_records_are_done_again(
    database: Database, owner: Principal, tmp_path: Path
) -> None:
    async def body() -> None:
        embedder = CountingEmbedder()
        async with working(database, tmp_path / "files", embedder) as ingester:
            await add(ingester, owner, "faq.jsonl", _rows(a="first", b="second", c="third"))
            assert len(embedder.texts) == 3
            same = await add(ingester, owner, "faq.jsonl", _rows(a="first", b="second", c="third"))
            assert same.outcome == "unchanged" and len(embedder.texts) == 3
            await add(ingester, owner, "faq.jsonl", _rows(a="first", b="changed", d="fourth"))
            assert [text.split("\n")[-1] for text in embedder.texts[3:]] == ["changed", "fourth"]
            names = {one.name: one for one in await all_documents(database, owner)}
            assert set(names) == {"faq.jsonl", "a", "b", "d"}
            assert names["faq.jsonl"].total == 3

    asyncio.run(body())


def test_a_file_may_turn_from_one_record_into_many_and_back(
    database: Database, owner: Principal, tmp_path: Path
) -> None:
    async def body() -> None:
        searcher = Searcher(database, None)
        async with working(database, tmp_path / "files") as ingester:
            for rows in (
                {"a": "zebra one"},
                {"a": "zebra two", "b": "zebra three"},
                {"a": "zebra"},
            ):
                await add(ingester, owner, "faq.jsonl", _rows(**rows))
                found = {one.passage.text for one in await searcher.search(owner, "zebra")}
                assert found == set(rows.values())

    asyncio.run(body())


def test_records_of_one_id_and_of_endless_ids_are_kept_apart(
    database: Database, owner: Principal, tmp_path: Path
) -> None:
    async def body() -> None:
        rows = [{"id": "x" * 400, "text": "one"}, {"id": "x" * 400, "text": "two"}]
        rows += [{"id": 7, "text": "three"}, {"id": "7", "text": "four"}]
        embedder = CountingEmbedder()
        async with working(database, tmp_path / "files", embedder) as ingester:
            for more in ([], [{"id": "8", "text": "five"}]):
                content = "\n".join(json.dumps(row) for row in rows + more).encode()
                await add(ingester, owner, "odd.jsonl", content)
                found = await all_documents(database, owner)
                assert [one.state for one in found] == ["ready"] * (5 + len(more))
            assert len(embedder.texts) == 5

    asyncio.run(body())


def test_another_persons_document_is_not_overwritten(
    database: Database, owner: Principal, tmp_path: Path
) -> None:
    agent = Principal(id="usr_agent", role="agent")

    async def body() -> None:
        async with working(database, tmp_path / "files") as ingester:
            theirs = await add(ingester, owner, "a.txt", b"The owner's words.")
            same = await add(ingester, agent, "a.txt", b"The owner's words.")
            assert (same.document_id, same.outcome) == (theirs.document_id, "unchanged")
            mine = await add(ingester, agent, "a.txt", b"The agent's words.")
            again = await add(ingester, agent, "a.txt", b"The agent's own words.")
            assert mine.outcome == "queued" and mine.document_id != theirs.document_id
            assert again.document_id == mine.document_id
            text = await database.read(
                lambda c: documents.document_text(c, owner, theirs.document_id)
            )
            assert text == "The owner's words."

    asyncio.run(body())


def test_two_of_the_same_file_at_once_are_one(
    database: Database, owner: Principal, tmp_path: Path
) -> None:
    async def body() -> None:
        async with working(database, tmp_path / "files") as ingester:
            handed = [ingester.add(owner, "New", "a.txt", content_of(b"Once.")) for _ in range(8)]
            outcomes = await asyncio.gather(*handed)
            await ingester.wait_idle()
            assert len({one.document_id for one in outcomes}) == 1
            assert sorted(one.outcome for one in outcomes) == ["queued", *["unchanged"] * 7]

    asyncio.run(body())


@pytest.mark.parametrize("name", ["a\x00b.txt", "\ud800.txt", "x" * 900 + ".txt", "  ", "\\"])
def test_any_name_can_be_handed_in(
    database: Database, owner: Principal, tmp_path: Path, name: str
) -> None:
    async def body() -> None:
        async with working(database, tmp_path / "files") as ingester:
            added = await add(ingester, owner, name, b"Some words.", "\x00\ud800" + "c" * 300)
            assert added.outcome == "queued"
            await _all_settled(database, owner)

    asyncio.run(body())


def test_nothing_of_a_refused_file_stays(
    database: Database, owner: Principal, tmp_path: Path
) -> None:
    async def body() -> None:
        folder = tmp_path / "files"
        async with working(database, folder) as ingester:
            ingester._max_bytes = 10
            for content, error in ((b"", UserError), (b"x" * 11, TooLarge)):
                with pytest.raises(error):
                    await add(ingester, owner, "a.txt", content)
            (folder / "away").mkdir()
            ingester._folder = folder / "away" / "file"
            ingester._folder.write_text("in the way")
            with pytest.raises(Exception, match="can't be written"):
                await add(ingester, owner, "a.txt", b"words")
        assert list(folder.glob(".incoming-*")) == []
        assert await all_documents(database, owner) == []

    asyncio.run(body())


def test_a_dying_embedder_is_asked_once_more(
    database: Database, owner: Principal, tmp_path: Path
) -> None:
    async def body() -> None:
        async def settle(deaths: Iterator[bool], name: str) -> str:
            async with working(database, tmp_path / "f", CountingEmbedder(deaths=deaths)) as worker:
                await add(worker, owner, name, b"A few words.")
            return {one.name: one.state for one in await all_documents(database, owner)}[name]

        assert await settle(iter([True]), "a.txt") == "ready"
        assert await settle(iter([True, True]), "b.txt") == "failed"

    asyncio.run(body())


def test_retry_is_for_failed_documents_of_those_who_see_them(
    database: Database, owner: Principal, tmp_path: Path
) -> None:
    async def body() -> None:
        embedder = CountingEmbedder()
        async with working(database, tmp_path / "files", embedder) as ingester:
            added = await add(ingester, owner, "a.txt", b"A few words.")
            await ingester.retry(owner, added.document_id)
            await ingester.wait_idle()
            assert len(embedder.texts) == 1
            with pytest.raises(NotFound):
                await ingester.retry(owner, "doc_ghost")

    asyncio.run(body())


def test_batches_hold_what_they_are_given() -> None:
    targets: Any = [_sized(size) for size in (10, 10, 900 * 40, 5)]
    assert [len(batch) for batch in indexing._batches(targets)] == [3, 1]
    assert issubclass(ModelError, Exception)


def _sized(size: int) -> Any:
    class Target:
        parsed = plain("x" * size)

    return Target()
