"""What is kept about a person is shown whole and erased whole, and nobody else's row is touched."""

import asyncio
import contextlib
import json
import os
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import inspect, select, text

from attenda.api import Denied, NotFound, Principal
from attenda.runtime.house import House
from attenda.store import audit, documents, keys, people, privacy, schema, sessions
from attenda.store.database import Connection
from attenda.store.files import sweep_files, unreferenced_files
from tests.scripted_house import scripted_house

DAY_US = 86_400_000_000
COUNTERS = frozenset({"access", "audit", "indexes", "passage_words"})
"""Tables that an erasure adds to or counts in; the index of words is held against its passages."""


class World:
    """Two people with the same kinds of things, and one document of the same content each."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.admin = Principal(id=people.OWNER_ID, role="owner")
        self.secrets: dict[str, list[str]] = {}

    async def settle(self, name: str) -> Principal:
        """A person with a chat, a key, a sign-in, a private document, a shared one, a team."""
        house = self.house
        who = await house.database.write(lambda c: self._person(c, name))
        for place, content in (
            ("Private", f"The zanzibar{name} plan is private.\n\n# More\n\nIt is {name}'s alone."),
            ("Private", "The menu of the canteen is the same for all."),
            ("Library", f"The handbook that {name} shared has rules for parking."),
        ):
            file = f"{place} {len(content)}.md"
            await house.ingester.add(who, place, file, _blocks(content))
        await house.ingester.wait_idle()
        session = await house.database.write(
            lambda c: sessions.create_session(c, house.stamps, who)
        )
        started = await house.runs.start(who, session.id, f"Where is the zanzibar{name} plan?")
        async for _ in house.runs.follow(session.id, started.after):
            pass
        return who

    def _person(self, c: Connection, name: str) -> Principal:
        stamps = self.house.stamps
        user_id = f"usr_{name}"
        c.execute(
            schema.users.insert().values(
                id=user_id, role="agent", name=name, email=f"{name}@b.example", created_at=1,
                password_hash=people.hash_password("long enough!"),
            )
        )  # fmt: skip
        team = people.create_team(c, stamps, self.admin, f"team of {name}")
        people.set_teams(c, stamps, self.admin, user_id, {team.id})
        who = people.principal_of(c, user_id)
        documents.ensure_collection(c, stamps, who, "Private", shared=False)
        _, key = keys.create_key(c, stamps, who, "laptop")
        token = keys.sign_in(c, stamps, user_id)
        self.secrets[name] = [key, token, *map(people.hash_token, (key, token))]
        hashed = select(schema.users.c.password_hash).where(schema.users.c.id == user_id)
        self.secrets[name].append(str(c.execute(hashed).scalar_one()))
        return who


async def _blocks(content: str) -> AsyncIterator[bytes]:
    yield content.encode()


@contextlib.asynccontextmanager
async def world(home: Path, url: str) -> AsyncIterator[World]:
    script = lambda _: "The plan is private."  # noqa: E731
    async with scripted_house(home, script, database=url) as (house, _):
        yield World(house)


def rows(c: Connection) -> dict[str, set[str]]:
    """Every row of every table of ours, as text."""
    return {
        name: {repr(tuple(row)) for row in c.execute(text(f'SELECT * FROM "{name}"'))}
        for name in inspect(c).get_table_names()
        if not name.startswith("passage_words_")
    }


def everything_with(c: Connection, word: str) -> list[str]:
    return [row for table in rows(c).values() for row in table if word in row]


def test_an_export_holds_everything_and_no_secret(home: Path, database_url: str) -> None:
    async def body() -> None:
        async with world(home, database_url) as w:
            ada, _ = await w.settle("ada"), await w.settle("bob")
            found = await w.house.database.read(lambda c: privacy.export_person(c, ada.id))
            written = json.dumps(found, default=str)
            assert not [secret for secret in w.secrets["ada"] if secret in written]
            assert "bob" not in written
            sizes = {name: len(part) for name, part in found.items() if name != "user"}
            for part in ("teams", "sessions", "runs", "keys", "sign_ins"):
                assert sizes[part] == 1, part
            assert (sizes["messages"], sizes["documents"]) == (2, 3)
            assert found["user"]["email"] == "ada@b.example"
            assert "zanzibarada" in written

    asyncio.run(body())


def test_nobody_to_export_or_erase(home: Path, database_url: str) -> None:
    async def body() -> None:
        async with world(home, database_url) as w:
            write, stamps = w.house.database.write, w.house.stamps
            with pytest.raises(NotFound):
                await write(lambda c: privacy.export_person(c, "usr_ghost"))
            with pytest.raises(NotFound):
                await write(lambda c: privacy.erase_person(c, stamps, w.admin, "usr_ghost"))
            with pytest.raises(Denied):
                await write(lambda c: privacy.erase_person(c, stamps, w.admin, people.OWNER_ID))

    asyncio.run(body())


def test_erasing_takes_all_of_one_and_nothing_of_another(home: Path, database_url: str) -> None:
    async def body() -> None:
        async with world(home, database_url) as w:
            house = w.house
            ada, bob = await w.settle("ada"), await w.settle("bob")
            before = await house.database.read(rows)
            hers = await house.database.read(lambda c: _ids_of(c, ada.id))
            await house.database.write(
                lambda c: privacy.erase_person(c, house.stamps, w.admin, ada.id)
            )
            after = await house.database.read(rows)
            for name in before.keys() - COUNTERS:
                assert after[name] <= before[name], f"a row of {name} was changed"
                for gone in before[name] - after[name]:
                    assert any(id_ in gone for id_ in hers), f"{name}: {gone}"
            left = await house.database.read(lambda c: _ids_of(c, ada.id))
            assert left == {ada.id}, "only what she shared names her"
            assert await house.database.read(lambda c: everything_with(c, "zanzibarada")) == []
            assert len(await house.database.read(lambda c: everything_with(c, "zanzibarbob"))) > 4
            assert await house.database.read(_index_matches)
            assert await house.database.read(audit.verify) is None
            assert await house.searcher.search(bob, "zanzibarada", 5, mode="words") == []
            found = await house.searcher.search(bob, "handbook that ada shared", 5, mode="words")
            assert "ada shared" in found[0].found().text, "what she gave the team is the team's"
            assert await house.database.read(lambda c: _still_signs_in(c, house, w, "bob"))
            assert not await house.database.read(lambda c: _still_signs_in(c, house, w, "ada"))

    asyncio.run(body())


def _still_signs_in(c: Connection, house: House, w: World, name: str) -> bool:
    """Whether the key and the sign-in of a person are any good."""
    done = []
    for secret in w.secrets[name][:2]:
        try:
            keys.authenticate(c, house.stamps, secret)
        except Exception as error:  # noqa: BLE001 - whichever says so
            assert type(error).__name__ == "Unauthenticated"
            done.append(False)
        else:
            done.append(True)
    assert len(set(done)) == 1
    return done[0]


def _ids_of(c: Connection, user_id: str) -> set[str]:
    """Every id by which rows belong to a person alone."""
    own = {user_id}
    session_ids = select(schema.sessions.c.id).where(schema.sessions.c.owner_id == user_id)
    own |= {str(id_) for (id_,) in c.execute(session_ids)}
    private = select(schema.documents.c.id).where(
        schema.documents.c.owner_id == user_id, schema.documents.c.team_id.is_(None)
    )
    document_ids = [str(id_) for (id_,) in c.execute(private)]
    own |= set(document_ids)
    passages = select(schema.passages.c.number).where(
        schema.passages.c.document_id.in_(document_ids)
    )
    return own | {f", {number}, " for (number,) in c.execute(passages)}


def _index_matches(c: Connection) -> bool:
    """Whether words and vectors are those of the passages that are there."""
    numbers = {n for (n,) in c.execute(select(schema.passages.c.number))}
    words = {n for (n,) in c.execute(text("SELECT rowid FROM passage_words"))}
    vectors = {n for (n,) in c.execute(select(schema.vectors.c.passage_number))}
    return numbers == words == vectors


def test_no_byte_of_what_was_erased_stays_in_the_file(home: Path) -> None:
    async def body() -> None:
        async with world(home, "") as w:
            ada, _ = await w.settle("ada"), await w.settle("bob")
            erase = lambda c: privacy.erase_person(c, w.house.stamps, w.admin, ada.id)  # noqa: E731
            await w.house.database.write(erase)

    asyncio.run(body())  # closed in order, the database is one file without a log
    assert not (home / "attenda.db-wal").exists()
    content = (home / "attenda.db").read_bytes()
    assert b"zanzibarbob" in content
    assert b"zanzibarada" not in content


def test_files_go_when_nobody_has_them_any_more(home: Path, database_url: str) -> None:
    async def body() -> None:
        async with world(home, database_url) as w:
            house, folder = w.house, home / "files"
            ada, _ = await w.settle("ada"), await w.settle("bob")
            copies = set(folder.glob("*/*"))
            assert len(copies) == 5, "two of six documents have the same content"
            await house.database.write(
                lambda c: privacy.erase_person(c, house.stamps, w.admin, ada.id)
            )
            lost = await house.database.read(lambda c: set(unreferenced_files(c, folder)))
            assert len(lost) == 1, "the canteen's menu is bob's too, and the handbook the team's"
            assert "zanzibarada" in next(iter(lost)).read_text()
            sweep: Callable[[Connection], int] = lambda c: sweep_files(c, folder)  # noqa: E731
            assert await house.database.write(sweep) == 0, "it may be on its way in"
            assert await house.database.write(lambda c: sweep_files(c, folder, grace_s=0)) == 1
            assert set(folder.glob("*/*")) == copies - lost

    asyncio.run(body())


def test_a_sweep_leaves_what_is_young_and_takes_what_the_dead_left(
    home: Path, database_url: str
) -> None:
    async def body() -> None:
        async with world(home, database_url) as w:
            folder = home / "files"
            await w.settle("ada")
            copies = set(folder.glob("*/*"))
            young, old = folder / ".incoming-young", folder / ".incoming-old"
            for path in (young, old):
                path.write_bytes(b"half")
            two_hours_ago = time.time() - 7200
            os.utime(old, (two_hours_ago, two_hours_ago))
            for copy in copies:
                os.utime(copy, (two_hours_ago, two_hours_ago))
            assert await w.house.database.write(lambda c: sweep_files(c, folder)) == 1
            assert young.exists() and not old.exists()
            assert set(folder.glob("*/*")) == copies

    asyncio.run(body())


@pytest.mark.parametrize(
    ("trash_days", "chat_days", "left"),
    [
        (0, 0, {"new", "old", "trashed lately", "trashed long ago"}),
        (30, 0, {"new", "old", "trashed lately"}),
        (0, 90, {"new", "trashed lately", "trashed long ago"}),
        (30, 90, {"new", "trashed lately"}),
        (1, 0, {"new", "old"}),
    ],
)
def test_nothing_is_kept_longer_and_nothing_less_long(
    home: Path, database_url: str, trash_days: int, chat_days: int, left: set[str]
) -> None:
    async def body() -> None:
        async with world(home, database_url) as w:
            house = w.house
            now = house.stamps.now()
            await w.settle("bob")
            bystander = await house.database.read(rows)
            await house.database.write(lambda c: _aged_chats(c, house, now))
            await house.database.write(
                lambda c: privacy.expire(
                    c, house.stamps, trash_days=trash_days, chat_days=chat_days
                )
            )
            titles = select(schema.sessions.c.title).where(schema.sessions.c.owner_id == "usr_old")
            found = await house.database.read(lambda c: {t for (t,) in c.execute(titles)})
            assert found == left
            after = await house.database.read(rows)
            assert all(bystander[name] <= after[name] for name in bystander)

    asyncio.run(body())


def _aged_chats(c: Connection, house: House, now: int) -> None:
    who = Principal(id="usr_old", role="agent")
    for title, days_old, trashed_days_ago in (
        ("new", 1, None),
        ("old", 100, None),
        ("trashed lately", 10, 5),
        ("trashed long ago", 50, 40),
    ):
        made = sessions.create_session(c, house.stamps, who)
        deleted = None if trashed_days_ago is None else now - trashed_days_ago * DAY_US
        values: dict[str, Any] = {"title": title, "updated_at": now - days_old * DAY_US}
        sessions.update_session(c, who, made.id, **values, deleted_at=deleted)


def test_trashed_documents_go_with_passages_words_and_vectors(
    home: Path, database_url: str
) -> None:
    async def body() -> None:
        async with world(home, database_url) as w:
            house = w.house
            ada = await w.settle("ada")
            rows_ = await house.database.read(lambda c: documents.list_documents(c, ada))
            private = next(row for row in rows_ if row.team_id is None)
            await house.database.write(
                lambda c: documents.trash_document(c, house.stamps, ada, private.id)
            )
            keep = lambda c: privacy.expire(c, house.stamps, trash_days=30, chat_days=0)  # noqa: E731
            assert await house.database.write(keep) == 0
            trashed = schema.documents.update().where(schema.documents.c.id == private.id)
            long_ago = house.stamps.now() - 31 * DAY_US
            await house.database.write(lambda c: c.execute(trashed.values(deleted_at=long_ago)))
            assert await house.database.write(keep) == 1
            assert await house.database.read(_index_matches)

    asyncio.run(body())


@pytest.mark.long
def test_a_person_with_a_great_many_documents_can_be_erased(home: Path, database_url: str) -> None:
    """More than any database takes as values of one statement."""

    async def body() -> None:
        async with world(home, database_url) as w:
            house = w.house
            await house.database.write(lambda c: _many_documents(c, w, 70_000))
            await house.database.write(
                lambda c: privacy.erase_person(c, house.stamps, w.admin, "usr_many")
            )
            mine = select(schema.documents.c.id).where(schema.documents.c.owner_id == "usr_many")
            assert await house.database.read(lambda c: c.execute(mine).first()) is None

    asyncio.run(body())


def _many_documents(c: Connection, w: World, count: int) -> None:
    c.execute(schema.users.insert().values(id="usr_many", role="agent", created_at=1))
    who = Principal(id="usr_many", role="agent")
    shelf = documents.ensure_collection(c, w.house.stamps, who, "Private", shared=False)
    values = {
        "collection_id": shelf.id, "name": "n", "content_hash": "0" * 64, "state": "ready",
        "owner_id": who.id, "created_at": 1, "updated_at": 1,
    }  # fmt: skip
    rows_ = [{"id": f"doc_{number}", **values} for number in range(count)]
    c.execute(schema.documents.insert(), rows_)
