"""Watched folders: what is in them is in the library, what is not is in the trash, links aside."""

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from attenda.api import Principal
from attenda.knowledge import folders, ingest
from attenda.knowledge.folders import FolderWatch
from attenda.knowledge.ingest import Ingester
from attenda.store import documents, people
from attenda.store.database import Connection, Database
from tests.knowledge.workshop import content_of, plain, rising_stamps, working

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["write", "write", "remove", "poll", "poll", "poll", "restart", "move"]),
        st.sampled_from(["a.txt", "b.txt", "in/a.txt", "in/deep/c.txt", ".dot.txt"]),
        st.integers(0, 3),
    ),
    max_size=14,
)


@pytest.fixture(autouse=True)
def _read_here(monkeypatch: pytest.MonkeyPatch) -> None:
    async def reader(path: Path, name: str, deadline_s: float) -> list[Any]:
        return [plain(path.read_text())]

    monkeypatch.setattr(ingest, "read_file", reader)


class Watched:
    """A watch over one folder, polled by hand."""

    def __init__(self, database: Database, ingester: Ingester, root: Path) -> None:
        self.database, self.ingester, self.root = database, ingester, root
        self.start()

    def start(self) -> None:
        self.watch = FolderWatch(self.database, rising_stamps(), self.ingester, [str(self.root)])

    async def polls(self, times: int = 2) -> None:
        for _ in range(times):
            await self.watch.poll()
        await self.ingester.wait_idle()

    async def library(self, who: Principal) -> dict[str, str]:
        """Name → text of the living documents."""

        def load(c: Connection) -> dict[str, str]:
            return {
                one.name: documents.document_text(c, who, one.id)
                for one in documents.list_documents(c, who)
                if one.state == "ready"
            }

        return await self.database.read(load)

    async def trash(self, who: Principal) -> list[documents.Document]:
        return await self.database.read(lambda c: documents.list_documents(c, who, trashed=True))


@contextlib.asynccontextmanager
async def watching(database: Database, folder: Path) -> AsyncIterator[Watched]:
    root = folder / "handbook"
    root.mkdir(exist_ok=True)
    await database.write(lambda c: people.ensure_owner(c, rising_stamps()))
    async with working(database, folder / "files") as ingester:
        yield Watched(database, ingester, root)


_clock = iter(range(1_000_000_000, 2_000_000_000))


def write(path: Path, content: str) -> None:
    """Write a file whose time surely differs from the last."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    now = next(_clock)
    os.utime(path, (now, now))


def test_files_come_change_go_and_come_back(
    database: Database, owner: Principal, tmp_path: Path
) -> None:
    async def body() -> None:
        async with watching(database, tmp_path) as w:
            write(w.root / "a.txt", "The gate opens at noon.")
            write(w.root / "in" / "a.txt", "The moat is deep.")
            await w.polls()
            both = {"a.txt": "The gate opens at noon.", "in/a.txt": "The moat is deep."}
            assert await w.library(owner) == both
            shelves = await database.read(lambda c: documents.list_collections(c, owner))
            assert [one.name for one in shelves] == ["handbook"]
            rows = await database.read(lambda c: documents.list_documents(c, owner))
            assert not any(str(tmp_path) in one.source for one in rows)

            write(w.root / "a.txt", "The gate opens at dusk.")
            await w.polls()
            assert (await w.library(owner))["a.txt"] == "The gate opens at dusk."
            assert (await w.library(owner)).keys() == both.keys()

            (w.root / "a.txt").unlink()
            await w.polls()
            assert (await w.library(owner)).keys() == {"in/a.txt"}
            (gone,) = await w.trash(owner)
            assert gone.reason is not None and gone.reason["key"] == "folder.gone"

            w.start()
            write(w.root / "a.txt", "The gate opens at dusk.")
            await w.polls()
            assert (await w.library(owner)).keys() == both.keys()
            assert await w.trash(owner) == []
            rows = await database.read(lambda c: documents.list_documents(c, owner))
            assert gone.id in {one.id for one in rows}
            assert [one.reason for one in rows] == [None, None]

    asyncio.run(body())


def test_a_file_that_is_still_being_written_waits(
    database: Database, owner: Principal, tmp_path: Path
) -> None:
    async def body() -> None:
        async with watching(database, tmp_path) as w:
            for size in range(1, 5):
                write(w.root / "a.txt", "word " * size)
                await w.polls(1)
                assert await w.library(owner) == {}
            await w.polls(1)
            assert await w.library(owner) == {"a.txt": "word " * 4}
            write(w.root / "a.txt", "word " * 9)
            await w.polls(1)
            assert await w.library(owner) == {"a.txt": "word " * 4}

    asyncio.run(body())


def test_a_file_that_is_replaced_is_not_gone(
    database: Database, owner: Principal, tmp_path: Path
) -> None:
    async def body() -> None:
        async with watching(database, tmp_path) as w:
            write(w.root / "a.txt", "words")
            await w.polls()
            (w.root / "a.txt").rename(w.root / ".a.txt.new")
            await w.polls(1)
            (w.root / ".a.txt.new").rename(w.root / "a.txt")
            await w.polls()
            assert await w.trash(owner) == []

    asyncio.run(body())


def test_no_link_is_followed_and_no_dot_is_read(
    database: Database, owner: Principal, tmp_path: Path
) -> None:
    async def body() -> None:
        secret = tmp_path / "secret"
        secret.mkdir()
        (secret / "s.txt").write_text("zebra secret")
        async with watching(database, tmp_path) as w:
            (w.root / "link.txt").symlink_to(secret / "s.txt")
            (w.root / "links").symlink_to(secret, target_is_directory=True)
            (w.root / "round").symlink_to(w.root, target_is_directory=True)
            (w.root / "dead.txt").symlink_to(tmp_path / "nowhere")
            (w.root / ".git").mkdir()
            (w.root / ".git" / "config").write_text("zebra secret")
            (w.root / ".env").write_text("zebra secret")
            os.mkfifo(w.root / "pipe.txt")
            write(w.root / "a.txt", "words")
            await w.polls(3)
            assert await w.library(owner) == {"a.txt": "words"}

    asyncio.run(body())


@pytest.mark.skipif(os.open not in os.supports_dir_fd, reason="the system cannot open below")
def test_a_folder_that_turns_into_a_link_is_not_followed(
    database: Database, owner: Principal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look and the reading."""

    async def body() -> None:
        secret = tmp_path / "secret"
        secret.mkdir()
        (secret / "a.txt").write_text("zebra secret")
        async with watching(database, tmp_path) as w:
            write(w.root / "in" / "a.txt", "words")
            await w.polls(1)
            look = folders._walk

            def swapped(root: Path) -> Any:
                found = look(root)
                (root / "in").rename(tmp_path / "was")
                (root / "in").symlink_to(secret, target_is_directory=True)
                return found

            monkeypatch.setattr(folders, "_walk", swapped)
            await w.polls(1)
            assert await w.library(owner) == {}
            monkeypatch.setattr(folders, "_walk", look)
            await w.polls(2)
            assert await w.library(owner) == {}

    asyncio.run(body())


def test_what_fails_is_said_once_and_the_rest_goes_on(
    database: Database, owner: Principal, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "attenda.folders")

    async def body() -> None:
        async with watching(database, tmp_path) as w:
            write(w.root / "empty.txt", "")
            write(w.root / "large.txt", "x" * 200)
            write(w.root / "z.txt", "words")
            w.ingester._max_bytes = 100
            await w.polls(5)
            assert await w.library(owner) == {"z.txt": "words"}
            said = [record.getMessage() for record in caplog.records]
            assert len(said) == 2 and all(name in str(said) for name in ("empty.txt", "large.txt"))
            w.ingester._max_bytes = 1000
            write(w.root / "large.txt", "x" * 201)
            await w.polls(3)
            assert (await w.library(owner)).keys() == {"z.txt", "large.txt"}

    asyncio.run(body())


def test_a_folder_that_is_away_takes_nothing_with_it(
    database: Database, owner: Principal, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def body() -> None:
        async with watching(database, tmp_path) as w:
            write(w.root / "a.txt", "words")
            await w.polls()
            w.root.rename(tmp_path / "away")
            await w.polls(4)
            assert await w.library(owner) == {"a.txt": "words"}
            assert len([one for one in caplog.records if one.name == "attenda.folders"]) == 1
            (tmp_path / "away").rename(w.root)
            await w.polls(3)
            assert await w.library(owner) == {"a.txt": "words"}

    asyncio.run(body())


def test_a_part_that_cannot_be_read_takes_nothing_with_it(
    database: Database, owner: Principal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plainly = folders._entries

    def refused(folder: Path) -> Any:
        if folder.name == "in":
            raise PermissionError(13, "Permission denied")
        return plainly(folder)

    async def body() -> None:
        async with watching(database, tmp_path) as w:
            write(w.root / "in" / "a.txt", "words")
            write(w.root / "inside.txt", "more words")
            await w.polls()
            monkeypatch.setattr(folders, "_entries", refused)
            (w.root / "inside.txt").unlink()
            await w.polls(3)
            assert await w.library(owner) == {"in/a.txt": "words"}

    asyncio.run(body())


def test_what_a_person_threw_away_stays_away_until_it_changes(
    database: Database, owner: Principal, tmp_path: Path
) -> None:
    async def body() -> None:
        async with watching(database, tmp_path) as w:
            write(w.root / "a.txt", "words")
            await w.polls()
            (row,) = await database.read(lambda c: documents.list_documents(c, owner))
            stamps = rising_stamps()
            await database.write(lambda c: documents.trash_document(c, stamps, owner, row.id))
            await w.polls(3)
            w.start()
            await w.polls(3)
            assert await w.library(owner) == {}
            write(w.root / "a.txt", "other words")
            await w.polls()
            assert await w.library(owner) == {"a.txt": "other words"}

    asyncio.run(body())


def test_the_same_files_are_not_copied_again_after_a_restart(
    database: Database, owner: Principal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body() -> None:
        async with watching(database, tmp_path) as w:
            write(w.root / "a.txt", "words")
            await w.polls()
            added: list[str] = []
            plainly = w.ingester.add

            async def counted(who: Any, shelf: str, name: str, *more: Any) -> Any:
                added.append(name)
                return await plainly(who, shelf, name, *more)

            monkeypatch.setattr(w.ingester, "add", counted)
            w.start()
            await w.polls(3)
            assert added == []
            os.utime(w.root / "a.txt", (5, 5))  # touched, and still the same words
            await w.polls(3)
            assert added == []

    asyncio.run(body())


def test_a_database_that_fails_once_costs_one_look(
    database: Database, owner: Principal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body() -> None:
        async with watching(database, tmp_path) as w:
            write(w.root / "a.txt", "words")
            await w.polls(1)
            plainly = database.read

            async def broken(work: Callable[[Connection], Any]) -> Any:
                monkeypatch.setattr(database, "read", plainly)
                raise RuntimeError("the connection was lost")

            monkeypatch.setattr(database, "read", broken)
            await w.polls(3)
            assert await w.library(owner) == {"a.txt": "words"}

    asyncio.run(body())


def test_it_looks_every_five_seconds_until_it_is_stopped(
    database: Database, tmp_path: Path
) -> None:
    waits: list[float] = []

    async def body() -> None:
        class Enough(Exception):
            pass

        async def sleep(seconds: float) -> None:
            waits.append(seconds)
            if len(waits) == 3:
                raise Enough

        async with watching(database, tmp_path) as w:
            watch = FolderWatch(database, rising_stamps(), w.ingester, [str(w.root)], sleep=sleep)
            with pytest.raises(Enough):
                await watch.run()
            await FolderWatch(database, rising_stamps(), w.ingester, []).run()

    asyncio.run(body())
    assert waits == [5.0, 5.0, 5.0]


def test_names_of_other_alphabets_and_of_none(
    database: Database, owner: Principal, tmp_path: Path
) -> None:
    async def body() -> None:
        async with watching(database, tmp_path) as w:
            write(w.root / "手册.txt", "words")
            with contextlib.suppress(OSError):
                (Path(os.fsdecode(os.fsencode(w.root) + b"/\xff\xfe.txt"))).write_text("odd words")
            write(w.root / "100%_sure.txt", "sure words")
            await w.polls(3)
            assert len(await w.library(owner)) == len(list(w.root.iterdir()))
            assert await w.trash(owner) == []

    asyncio.run(body())


def test_the_library_is_as_the_folder_is(
    database: Database, owner: Principal, tmp_path: Path
) -> None:
    """Property: after any changes and restarts, three looks make the library equal the folder."""
    number = iter(range(10_000))

    @settings(
        max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(STEPS)
    def holds(steps: list[tuple[str, str, int]]) -> None:
        place = tmp_path / f"walk {next(number)}"
        place.mkdir()
        asyncio.run(_walk(database, owner, place, steps))

    holds()


async def _walk(
    database: Database, owner: Principal, place: Path, steps: list[tuple[str, str, int]]
) -> None:
    async with watching(database, place) as w:
        root = w.root.rename(place / place.name)
        w.root = root
        w.start()
        for kind, name, words in steps:
            path = root / name
            match kind:
                case "write":
                    write(path, f"words of kind {words}")
                case "remove":
                    path.unlink(missing_ok=True)
                case "move" if path.exists():
                    path.rename(root / f"moved {words}.txt")
                case "restart":
                    w.start()
                case _:
                    await w.polls(1)
        await w.polls(3)
        files = {
            path.relative_to(root).as_posix(): path.read_text()
            for path in root.rglob("*")
            if path.is_file() and not path.name.startswith(".")
        }
        assert await _shelf(database, owner, place.name) == files


async def _shelf(database: Database, who: Principal, name: str) -> dict[str, str]:
    def load(c: Connection) -> dict[str, str]:
        ids = {one.id for one in documents.list_collections(c, who) if one.name == name}
        return {
            one.name: documents.document_text(c, who, one.id)
            for one in documents.list_documents(c, who)
            if one.collection_id in ids and one.state == "ready"
        }

    return await database.read(load)


def test_an_upload_of_the_same_name_stands_beside(
    database: Database, owner: Principal, tmp_path: Path
) -> None:
    async def body() -> None:
        async with watching(database, tmp_path) as w:
            write(w.root / "a.txt", "words")
            await w.polls()
            await w.ingester.add(owner, "Library", "a.txt", content_of(b"mine"))
            await w.polls(2)
            assert await _shelf(database, owner, "handbook") == {"a.txt": "words"}
            assert await _shelf(database, owner, "Library") == {"a.txt": "mine"}

    asyncio.run(body())
