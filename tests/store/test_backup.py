"""A backup is one moment of the database, whatever is written meanwhile; nothing of it is lost."""

import asyncio
import contextlib
import hashlib
import json
import os
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from sqlalchemy import inspect, select, text

from attenda.api import Conflict, OperatorError, Principal, UserError
from attenda.runtime.house import House
from attenda.store import audit, people, schema, sessions
from attenda.store.archive import Manifest
from attenda.store.backup import verify_backup, write_backup
from attenda.store.database import Connection, Database, open_database
from attenda.store.restore import Restored, restore_backup
from attenda.store.stamps import Stamps
from attenda.store.tables import table_lines
from attenda.store.upgrade import HEAD
from tests.scripted_house import SAVINGS, add_text, scripted_house

TALKERS = 4


@contextlib.contextmanager
def another_database(url: str, folder: Path) -> Iterator[str]:
    """The URL of an empty database of the same kind."""
    if url.startswith("sqlite"):
        folder.mkdir(parents=True, exist_ok=True)
        yield f"sqlite:///{folder / 'attenda.db'}"
        return
    import psycopg

    head, _, options = url.partition("?")
    base, _, name = head.rpartition("/")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}_b"')
        yield f"{base}/{name}_b?{options}"
        connection.execute(f'DROP DATABASE "{name}_b" WITH (FORCE)')


def rows_of(database: Database) -> dict[str, list[str]]:
    """Every row of every table, as text."""

    def read(connection: Connection) -> dict[str, list[str]]:
        return {
            name: sorted(map(repr, connection.execute(text(f'SELECT * FROM "{name}"'))))
            for name in inspect(connection).get_table_names()
            if not name.startswith("passage_words_")
        }

    return asyncio.run(database.read(read))


@contextlib.contextmanager
def opened(url: str) -> Iterator[Database]:
    database = open_database(url)
    try:
        yield database
    finally:
        asyncio.run(database.close())


async def content_of(body: str) -> AsyncIterator[bytes]:
    yield body.encode()


class Load:
    """People who talk and add documents until they are told to stop; what was acknowledged."""

    def __init__(self, house: House, who: Principal) -> None:
        self._house = house
        self._who = who
        self.acknowledged: dict[str, set[str]] = {"sessions": set(), "messages": set()}
        self.acknowledged["documents"] = set()
        self.stopped = False

    async def talk(self) -> None:
        house = self._house
        while not self.stopped:
            made = await house.database.write(
                lambda c: sessions.create_session(c, house.stamps, self._who)
            )
            self.acknowledged["sessions"].add(made.id)
            started = await house.runs.start(self._who, made.id, "How long is the account held?")
            self.acknowledged["messages"] |= {started.user_message_id, started.message_id}
            async for _ in house.runs.follow(made.id, started.after):
                pass

    async def hand_in(self) -> None:
        house, number = self._house, 0
        while not self.stopped:
            number += 1
            body = content_of(f"# Paper {number}\n\nThe fee of paper {number} is {number} dollars.")
            added = await house.ingester.add(self._who, "Papers", f"{number}.md", body)
            self.acknowledged["documents"].add(added.document_id)
            await house.database.write(
                lambda c: audit.note(c, house.stamps, self._who.id, "paper.added")
            )
            await asyncio.sleep(0.02)

    async def run(self, work: Callable[[], Any]) -> Any:
        """Do `work` in a thread while everybody is at it."""
        tasks = [asyncio.create_task(self.talk()) for _ in range(TALKERS)]
        tasks.append(asyncio.create_task(self.hand_in()))
        await asyncio.sleep(0.7)
        try:
            return await asyncio.to_thread(work)
        finally:
            self.stopped = True
            await asyncio.gather(*tasks)


def whole_and_sound(connection: Connection) -> None:
    """Each reference leads somewhere, the audit chain holds, the file is sound."""
    assert audit.verify(connection) is None
    if connection.dialect.name == "sqlite":
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
        assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
    known_messages = select(schema.messages.c.id)
    for column in (schema.runs.c.message_id, schema.sessions.c.head_id):
        lost = select(column).where(column.is_not(None), column.not_in(known_messages))
        assert connection.execute(lost).all() == []
    words = connection.execute(text("SELECT COUNT(*) FROM passage_words")).scalar_one()
    found = connection.execute(text("SELECT COUNT(*) FROM passages")).scalar_one()
    assert words == found


def members_rows(path: Path, folder: Path) -> dict[str, list[str]]:
    """The rows that a backup holds, read without the code that restores."""
    with zipfile.ZipFile(path) as archive:
        if "attenda.db" in archive.namelist():
            archive.extract("attenda.db", folder)
            with opened(f"sqlite:///{folder / 'attenda.db'}") as database:
                return rows_of(database)
        return {
            Path(name).stem: sorted(archive.read(name).decode().splitlines()[1:])
            for name in archive.namelist()
            if name.startswith("tables/")
        }


def restored_rows(database: Database) -> dict[str, list[str]]:
    """The same of a restored database."""
    if database.dialect == "sqlite":
        return rows_of(database)

    def read(connection: Connection) -> dict[str, list[str]]:
        return {
            name: sorted(b"".join(list(table_lines(connection, name))[1:]).decode().splitlines())
            for name in inspect(connection).get_table_names()
            if name != "alembic_version"
        }

    return asyncio.run(database.read(read))


def test_a_backup_under_load_is_one_moment_and_comes_back_whole(
    tmp_path: Path, home: Path, owner: Principal, database_url: str
) -> None:
    target = tmp_path / "load.zip"
    url = database_url if database_url.startswith("postgres") else f"sqlite:///{home}/attenda.db"

    async def body() -> tuple[Manifest, dict[str, set[str]]]:
        script = lambda _: "The customer must have held it for 14 days. " * 6  # noqa: E731
        settings = url if url.startswith("postgres") else ""
        async with scripted_house(home, script, pause_s=0.004, database=settings) as (house, _):
            await add_text(house, owner, "savings.md", SAVINGS)
            load = Load(house, owner)
            before: dict[str, set[str]] = {}

            def work() -> Manifest:
                before.update({name: set(ids) for name, ids in load.acknowledged.items()})
                return write_backup(url, home, target, house.stamps)

            return await load.run(work), before

    home.mkdir()
    (home / "attenda.toml").write_text('language = "zh-CN"\n')
    manifest, before = asyncio.run(body())
    assert verify_backup(target) == manifest
    assert manifest.wanting == ()
    assert all(before.values())

    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with another_database(database_url, elsewhere) as other:
        done = restore_backup(target, elsewhere, other, Stamps())
        assert done.set_aside == ""
        with opened(other) as restored, opened(url) as lived_on:
            asyncio.run(restored.read(whole_and_sound))
            assert restored_rows(restored) == members_rows(target, tmp_path / "members")
            was, now = rows_of(restored), rows_of(lived_on)
            # What is only ever added must stand in the database that lived on, as it was.
            for name in ("events", "audit", "passages", "vectors", "collections", "pages"):
                assert set(was[name]) <= set(now[name]), name
            ids = {
                table.name: set(asyncio.run(restored.read(lambda c, t=table: _ids(c, t))))
                for table in (schema.sessions, schema.messages, schema.documents)
            }
            later = {
                table.name: set(asyncio.run(lived_on.read(lambda c, t=table: _ids(c, t))))
                for table in (schema.sessions, schema.messages, schema.documents)
            }
            for name, wanted in before.items():
                assert wanted <= ids[name] <= later[name], name
            named = asyncio.run(restored.read(_copies))
        copies = list((elsewhere / "files").glob("*/*"))
        assert {hashlib.sha256(path.read_bytes()).hexdigest() for path in copies} == named
        assert {path.name for path in copies} == named
        _opens_and_goes_on(elsewhere, owner, other if other.startswith("postgres") else "")


def _ids(connection: Connection, table: Any) -> list[str]:
    return [str(id_) for (id_,) in connection.execute(select(table.c.id))]


def _copies(connection: Connection) -> set[str]:
    statement = select(schema.documents.c.content_hash)
    where = schema.documents.c.container_id.is_(None)
    return {str(name) for (name,) in connection.execute(statement.where(where))}


def _opens_and_goes_on(home: Path, owner: Principal, database: str) -> None:
    """The restored home answers, takes new documents, and leaves no run open."""

    async def body() -> None:
        async with scripted_house(home, lambda _: "Fine.", database=database) as (house, _):
            await house.ingester.wait_idle()
            await add_text(house, owner, "new.md", "# New\n\nThe new rule holds from Monday.")
            found = await house.searcher.search(owner, "new rule from Monday", 3)
            assert "Monday" in found[0].found().text
            states = await house.database.read(_states)
            assert "running" not in states["runs"]
            assert states["documents"] == {"ready"}

    asyncio.run(body())


def _states(connection: Connection) -> dict[str, set[str]]:
    return {
        table.name: {str(state) for (state,) in connection.execute(select(table.c.state))}
        for table in (schema.runs, schema.documents)
    }


def small_home(home: Path, owner: Principal, name: str = "savings.md") -> None:
    async def body() -> None:
        async with scripted_house(home, lambda _: "Fine.") as (house, _):
            await add_text(house, owner, name, f"{SAVINGS}\n{name}")

    asyncio.run(body())


def back_up(home: Path, target: Path) -> Manifest:
    return write_backup(f"sqlite:///{home / 'attenda.db'}", home, target, Stamps())


def bring_back(path: Path, home: Path, *, replace: bool = False) -> Restored:
    home.mkdir(exist_ok=True)
    return restore_backup(path, home, f"sqlite:///{home / 'attenda.db'}", Stamps(), replace=replace)


def everything(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "attenda.lock"
    }


def changed_member(path: Path, name: str, change: Callable[[bytes], bytes]) -> None:
    """Write the backup anew with one member changed, as a faulty disk or a person would."""
    with zipfile.ZipFile(path) as archive:
        members = {one: archive.read(one) for one in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for one, body in members.items():
            archive.writestr(one, change(body) if one == name else body)


def flipped(body: bytes) -> bytes:
    return body[:-1] + bytes([body[-1] ^ 1])


def with_manifest(**values: object) -> Callable[[bytes], bytes]:
    return lambda body: json.dumps({**json.loads(body), **values}).encode()


def test_neither_key_nor_weights_are_in_a_backup(
    tmp_path: Path, home: Path, owner: Principal
) -> None:
    small_home(home, owner)
    (home / "models").mkdir()
    (home / "models" / "weights.gguf").write_bytes(b"GGUF")
    back_up(home, tmp_path / "a.zip")
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        names = archive.namelist()
        secret = (home / "owner.key").read_bytes()
        assert not any(secret in archive.read(name) for name in names)
    assert [name for name in names if not name.startswith("files/")] == [
        "attenda.db",
        "manifest.json",
    ]
    assert (tmp_path / "a.zip").stat().st_mode & 0o077 == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.zip", "home"]


def test_each_damage_is_named_before_anything_is_moved(
    tmp_path: Path, home: Path, owner: Principal
) -> None:
    small_home(home, owner)
    back_up(home, tmp_path / "good.zip")
    with zipfile.ZipFile(tmp_path / "good.zip") as archive:
        members = [name for name in archive.namelist() if name != "manifest.json"]
    small_home(tmp_path / "other", owner, "other.md")
    before = everything(tmp_path / "other")
    for member in members:
        path = tmp_path / "bad.zip"
        path.write_bytes((tmp_path / "good.zip").read_bytes())
        changed_member(path, member, flipped)
        for deed in (verify_backup, lambda p: bring_back(p, tmp_path / "other", replace=True)):
            with pytest.raises(UserError) as caught:
                deed(path)
            assert caught.value.key == "backup.damaged"
            assert member in str(caught.value)
    assert everything(tmp_path / "other") == before


def test_a_file_cut_anywhere_is_refused(tmp_path: Path, home: Path, owner: Principal) -> None:
    small_home(home, owner)
    back_up(home, tmp_path / "good.zip")
    body = (tmp_path / "good.zip").read_bytes()
    path = tmp_path / "cut.zip"
    for cut in range(0, len(body), max(1, len(body) // 200)):
        path.write_bytes(body[:cut])
        with pytest.raises(UserError):
            verify_backup(path)


def test_a_bit_flipped_anywhere_is_seen_or_does_no_harm(
    tmp_path: Path, home: Path, owner: Principal
) -> None:
    """Bits that are no content (times, rights) may differ; the content never does."""
    small_home(home, owner)
    good = back_up(home, tmp_path / "good.zip")
    body = (tmp_path / "good.zip").read_bytes()
    path = tmp_path / "flipped.zip"
    seen = 0
    places = range(0, len(body), max(1, len(body) // 300))
    for place in places:
        path.write_bytes(body[:place] + bytes([body[place] ^ 4]) + body[place + 1 :])
        try:
            assert verify_backup(path) == good
        except UserError:
            seen += 1
    assert seen > len(places) // 2


@pytest.mark.parametrize(
    ("change", "key"),
    [
        (with_manifest(format=99), "backup.newer_format"),
        (with_manifest(revision="9999"), "store.newer"),
        (with_manifest(database="postgresql"), "backup.other_kind"),
        (with_manifest(members=[]), "backup.damaged"),
        (with_manifest(database="oracle"), "backup.not_one"),
        (lambda _: b"{", "backup.not_one"),
        (lambda _: b"[]", "backup.not_one"),
    ],
)
def test_what_is_no_backup_of_ours_is_refused(
    tmp_path: Path, home: Path, owner: Principal, change: Callable[[bytes], bytes], key: str
) -> None:
    small_home(home, owner)
    path = tmp_path / "a.zip"
    back_up(home, path)
    changed_member(path, "manifest.json", change)
    before = everything(home)
    with pytest.raises((UserError, OperatorError)) as caught:
        bring_back(path, home, replace=True)
    assert caught.value.key == key
    assert everything(home) == before


def test_a_member_cannot_leave_its_place(tmp_path: Path) -> None:
    path = tmp_path / "evil.zip"
    body = b"evil"
    member = {"name": "../evil", "size": 4, "sha256": hashlib.sha256(body).hexdigest()}
    manifest = {
        "format": 1, "database": "sqlite", "revision": "0001", "created_at": "", "whole": True,
        "members": [member], "wanting": [],
    }  # fmt: skip
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../evil", body)
        archive.writestr("manifest.json", json.dumps(manifest))
    with pytest.raises(UserError) as caught:
        bring_back(path, tmp_path / "new")
    assert caught.value.key == "backup.not_one"
    assert not (tmp_path / "evil").exists()


def test_a_home_with_a_database_needs_replace_which_sets_the_old_one_aside(
    tmp_path: Path, home: Path, owner: Principal
) -> None:
    small_home(home, owner)
    back_up(home, tmp_path / "a.zip")
    other = tmp_path / "other"
    small_home(other, owner, "other.md")
    (other / "attenda.toml").write_text("port = 9000\n")
    with opened(f"sqlite:///{other / 'attenda.db'}") as database:
        old = rows_of(database)
    with pytest.raises(Conflict) as caught:
        bring_back(tmp_path / "a.zip", other)
    assert caught.value.key == "backup.home_full"
    done = bring_back(tmp_path / "a.zip", other, replace=True)
    with opened(f"sqlite:///{done.set_aside}/attenda.db") as database:
        assert rows_of(database) == old
    with (
        opened(f"sqlite:///{other / 'attenda.db'}") as restored,
        opened(f"sqlite:///{home / 'attenda.db'}") as source,
    ):
        assert rows_of(restored) == rows_of(source)
    assert len(list((other / "files").glob("*/*"))) == 2, "the old one's copies stay with it"
    assert not list(other.glob(".*partial"))


def test_postgres_is_replaced_in_one_transaction(
    tmp_path: Path, home: Path, owner: Principal, postgres_url: str
) -> None:
    async def grow(name: str) -> None:
        async with scripted_house(home, lambda _: "Fine.", database=postgres_url) as (house, _):
            await add_text(house, owner, name, f"{SAVINGS}\n{name}")

    asyncio.run(grow("one.md"))
    write_backup(postgres_url, home, tmp_path / "a.zip", Stamps())
    asyncio.run(grow("two.md"))
    with opened(postgres_url) as database:
        two = rows_of(database)
    with pytest.raises(Conflict):
        restore_backup(tmp_path / "a.zip", home, postgres_url, Stamps())
    with opened(postgres_url) as database:
        assert rows_of(database) == two
    done = restore_backup(tmp_path / "a.zip", home, postgres_url, Stamps(), replace=True)
    with opened(postgres_url) as database:
        assert len(rows_of(database)["documents"]) == 1
        statement = text(f"SELECT COUNT(*) FROM {done.set_aside}.documents")
        assert asyncio.run(database.read(lambda c: c.execute(statement).scalar())) == 2
    asyncio.run(grow("three.md"))  # numbers go on after the highest


def test_settings_come_along_unless_the_home_has_its_own(
    tmp_path: Path, home: Path, owner: Principal
) -> None:
    home.mkdir()
    (home / "attenda.toml").write_text("port = 9000\n")
    small_home(home, owner)
    back_up(home, tmp_path / "a.zip")
    done = bring_back(tmp_path / "a.zip", tmp_path / "new")
    assert (tmp_path / "new" / "attenda.toml").read_text() == "port = 9000\n"
    assert done.settings_beside == ""
    own = tmp_path / "own"
    own.mkdir()
    (own / "attenda.toml").write_text("port = 9001\n")
    done = bring_back(tmp_path / "a.zip", own)
    assert (own / "attenda.toml").read_text() == "port = 9001\n"
    assert Path(done.settings_beside).read_text() == "port = 9000\n"


def test_copies_that_the_home_lost_are_counted_and_the_rest_is_kept(
    tmp_path: Path, home: Path, owner: Principal
) -> None:
    small_home(home, owner)
    small_home(home, owner, "second.md")
    first, second = sorted((home / "files").glob("*/*"))
    first.unlink()
    second.write_bytes(b"altered")
    manifest = back_up(home, tmp_path / "a.zip")
    assert set(manifest.wanting) == {first.name, second.name}
    bring_back(tmp_path / "a.zip", tmp_path / "new")
    with opened(f"sqlite:///{tmp_path / 'new' / 'attenda.db'}") as database:
        assert len(rows_of(database)["documents"]) == 2


def test_a_backup_overwrites_nothing_and_says_where_it_cannot_write(
    tmp_path: Path, home: Path, owner: Principal
) -> None:
    with pytest.raises(UserError) as caught:
        back_up(home, tmp_path / "a.zip")
    assert caught.value.key == "backup.no_database"
    small_home(home, owner)
    (tmp_path / "a.zip").write_text("mine")
    with pytest.raises(UserError) as caught:
        back_up(home, tmp_path / "a.zip")
    assert caught.value.key == "backup.exists"
    assert (tmp_path / "a.zip").read_text() == "mine"
    with pytest.raises(OperatorError) as problem:
        back_up(home, tmp_path / "nowhere" / "a.zip")
    assert problem.value.key == "backup.unwritable"


def test_a_broken_database_is_no_traceback(tmp_path: Path, home: Path) -> None:
    home.mkdir()
    (home / "attenda.db").write_bytes(b"no database at all" * 1000)
    with pytest.raises(OperatorError) as caught:
        back_up(home, tmp_path / "a.zip")
    assert caught.value.key == "backup.source_broken"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home"]


def test_people_come_back_with_their_passwords(
    tmp_path: Path, home: Path, owner: Principal
) -> None:
    async def body() -> None:
        async with scripted_house(home) as (house, _):
            await house.database.write(
                lambda c: people.set_up_owner(c, house.stamps, "Ada", "a@b.example", "long enough!")
            )

    asyncio.run(body())
    back_up(home, tmp_path / "a.zip")
    bring_back(tmp_path / "a.zip", tmp_path / "new")
    with sqlite3.connect(tmp_path / "new" / "attenda.db") as connection:
        (hashed,) = connection.execute("SELECT password_hash FROM users").fetchone()
    assert hashed.startswith("$argon2id$")


def attenda(*words: object, home: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "attenda", "--home", str(home), *map(str, words)]
    return subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, "LANG": "C.UTF-8"}, timeout=120
    )


def test_the_commands_work_beside_an_owner_and_refuse_to_restore_there(
    tmp_path: Path, home: Path, owner: Principal
) -> None:
    target = tmp_path / "a.zip"

    async def body() -> None:
        with FileLock(home / "attenda.lock"):  # as `attenda up` holds it
            async with scripted_house(home, lambda _: "Fine.") as (house, _):
                await add_text(house, owner, "savings.md", SAVINGS)
                done = await asyncio.to_thread(attenda, "backup", target, "--json", home=home)
                assert done.returncode == 0, done.stderr
                said = json.loads(done.stdout)
                assert (said["copies"], said["wanting"], said["revision"]) == (1, 0, HEAD)
                refused = await asyncio.to_thread(
                    attenda, "restore", target, "--replace", home=home
                )
                assert refused.returncode == 1
                assert "is in use" in refused.stderr
                assert "Traceback" not in refused.stderr

    home.mkdir()
    asyncio.run(body())
    done = attenda("restore", target, home=tmp_path / "new")
    assert done.returncode == 0, done.stderr
    assert f"into {tmp_path / 'new'}" in done.stdout.replace("\n", "")
    again = attenda("restore", target, home=tmp_path / "new")
    assert again.returncode == 1
    assert "--replace" in again.stderr
    replaced = attenda("restore", target, "--replace", "--json", home=tmp_path / "new")
    assert Path(json.loads(replaced.stdout)["set_aside"], "attenda.db").is_file()
    missing = attenda("restore", tmp_path / "none.zip", home=tmp_path / "newer")
    assert missing.returncode == 2
    assert "no readable file" in missing.stderr
    for one in (again, missing):
        assert "Traceback" not in one.stderr
