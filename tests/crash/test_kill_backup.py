"""Killed in mid-backup, mid-restore or mid-migration, a home is what it was or what it becomes."""

import asyncio
import json
import multiprocessing
import random
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import attenda.store.migrations as migrations
from attenda.api import OperatorError
from attenda.store import upgrade
from attenda.store.backup import verify_backup, write_backup
from attenda.store.database import open_database
from attenda.store.restore import restore_backup
from attenda.store.revision import revision_of
from attenda.store.stamps import Stamps
from attenda.store.upgrade import upgrade_database
from tests.crash.made import NEXT, NOW, know_next_revision, made_home, migrations_with

SEED, TRIALS = 20260105, 8


def url_of(home: Path) -> str:
    return f"sqlite:///{home / 'attenda.db'}"


def back_up(home: Path, target: Path) -> None:
    write_backup(url_of(home), home, target, Stamps())


def bring_back(home: Path, source: Path) -> None:
    restore_backup(source, home, url_of(home), Stamps(), replace=True)


def migrate(home: Path, folder: Path) -> None:
    know_next_revision(folder)

    async def body() -> None:
        database = open_database(url_of(home))
        await upgrade_database(database)
        await database.close()

    asyncio.run(body())


class Killer:
    """Runs a deed in a process of its own and kills it at random points of its time."""

    def __init__(self, results: Path) -> None:
        self._chance = random.Random(SEED)
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["tests.crash.server", __name__])
        self._results = results
        self._whole_s = 0.0

    def time(self, deed: Callable[..., None], *arguments: Any) -> None:
        """Let it be done once, to know how long it takes."""
        warm = self._context.Process(target=int, daemon=True)
        warm.start()
        warm.join(60)
        began = time.monotonic()
        process = self._context.Process(target=deed, args=arguments, daemon=True)
        process.start()
        process.join(60)
        assert process.exitcode == 0
        self._whole_s = time.monotonic() - began

    def kill(self, deed: Callable[..., None], *arguments: Any) -> None:
        process = self._context.Process(target=deed, args=arguments, daemon=True)
        point_s = self._chance.uniform(0.0, self._whole_s)
        began = time.monotonic()
        process.start()
        process.join(point_s)
        if process.is_alive():
            process.kill()
        process.join(60)
        row = {
            "seed": SEED,
            "fault": "SIGKILL" if process.exitcode == -signal.SIGKILL else "none",
            "point": f"{deed.__name__} +{point_s * 1e6:.0f} µs",
            "seconds": round(time.monotonic() - began, 3),
        }
        with self._results.open("a") as file:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


@pytest.fixture
def killer(tmp_path: Path) -> Killer:
    return Killer(tmp_path / "trials.jsonl")


def rows(database: Path) -> dict[str, int]:
    """The sound database's revision and how many rows its tables have."""
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        (revision,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        tables = ("sessions", "messages", "documents", "users")
        counts = {
            name: connection.execute(f"SELECT COUNT(*) FROM {name}").fetchone()[0]
            for name in tables
        }
        return {"revision": int(revision), **counts}


def test_killed_in_mid_backup(tmp_path: Path, home: Path, killer: Killer) -> None:
    made_home(home, megabytes=4)
    whole = rows(home / "attenda.db")
    killer.time(back_up, home, tmp_path / "first.zip")
    target = tmp_path / "backup.zip"
    for _ in range(TRIALS):
        killer.kill(back_up, home, target)
        if target.exists():  # it was quicker than the kill
            verify_backup(target)
            target.unlink()
        assert rows(home / "attenda.db") == whole
    back_up(home, target)
    verify_backup(target)
    assert not list(tmp_path.glob(".backup.zip.*")), "what the dead left is swept"


def test_killed_in_mid_restore(tmp_path: Path, home: Path, killer: Killer) -> None:
    made_home(home, megabytes=2)
    old = rows(home / "attenda.db")
    other = tmp_path / "other"
    made_home(other, megabytes=4)
    new = rows(other / "attenda.db")
    back_up(other, tmp_path / "new.zip")
    again = tmp_path / "again"
    made_home(again, megabytes=1)
    killer.time(bring_back, again, tmp_path / "new.zip")
    for _ in range(TRIALS):
        killer.kill(bring_back, home, tmp_path / "new.zip")
        now = rows(home / "attenda.db")
        assert now in (old, new)
        aside = [rows(path) for path in home.glob("replaced-*/attenda.db")]
        assert now == old or old in aside, "the old database is somewhere, whole"
    bring_back(home, tmp_path / "new.zip")
    assert rows(home / "attenda.db") == new
    assert not list(home.glob(".restore.*"))


@pytest.fixture
def forget_next_revision() -> Iterator[None]:
    before = migrations.__file__, upgrade.HEAD
    yield
    migrations.__file__, upgrade.HEAD = before


def test_killed_in_mid_migration(
    tmp_path: Path, home: Path, killer: Killer, forget_next_revision: None
) -> None:
    folder = migrations_with(tmp_path / "migrations", rows=2000)
    made_home(home, megabytes=1)
    old = rows(home / "attenda.db")
    again = tmp_path / "again"
    made_home(again, megabytes=1)
    killer.time(migrate, again, folder)
    # A try that died over its copy, which the kills below seldom do.
    (home / "backups" / f".before-{NEXT}-20260101T000000000000Z.zip.dead.partial").mkdir(
        parents=True
    )
    for _ in range(TRIALS):
        killer.kill(migrate, home, folder)
        now = rows(home / "attenda.db")
        assert {**now, "revision": int(NOW)} == old, "no row goes, whichever revision it has"
        for copy in (home / "backups").glob("before-*.zip"):
            verify_backup(copy)
    migrate(home, folder)
    assert rows(home / "attenda.db") == {**old, "revision": int(NEXT)}
    assert len(list((home / "backups").glob(f"before-{NEXT}-*.zip"))) in (1, 2, 3)
    assert not list((home / "backups").glob(".*"))


def test_killed_while_the_first_tables_are_made(tmp_path: Path, killer: Killer) -> None:
    killer.time(first_tables, tmp_path / "first")
    for trial in range(TRIALS):
        home = tmp_path / str(trial)
        killer.kill(first_tables, home)
        first_tables(home)
        assert rows(home / "attenda.db")["revision"] == int(NOW)


def first_tables(home: Path) -> None:
    async def body() -> None:
        database = open_database(url_of(home))
        await upgrade_database(database)
        await database.close()

    asyncio.run(body())


def test_a_copy_is_made_before_a_migration_and_three_are_kept(
    tmp_path: Path, home: Path, forget_next_revision: None
) -> None:
    made_home(home, megabytes=1)
    old = rows(home / "attenda.db")
    folder = migrations_with(tmp_path / "migrations")
    (home / "backups").mkdir()
    for day in range(1, 6):
        (home / "backups" / f"before-{NOW}-2020010{day}T000000000000Z.zip").touch()
    migrate(home, folder)
    assert rows(home / "attenda.db") == {**old, "revision": int(NEXT)}
    copies = sorted(path.name for path in (home / "backups").iterdir())
    assert len(copies) == 3
    assert [name for name in copies if name.startswith(f"before-{NEXT}-")] == copies[-1:]
    assert not verify_backup(home / "backups" / copies[-1]).whole
    # The copy comes back through the same door, and is migrated on its way.
    restore_backup(home / "backups" / copies[-1], home, url_of(home), Stamps(), replace=True)
    assert rows(home / "attenda.db") == {**old, "revision": int(NEXT)}


@pytest.mark.parametrize(
    "last",
    [
        'op.execute("SELECT no_such_column FROM sessions")',
        'op.execute("DELETE FROM users"); op.execute("DELETE FROM collections")',
    ],
    ids=["an error", "rows that point to nothing"],
)
def test_a_migration_that_fails_leaves_the_database_as_it_was(
    tmp_path: Path, home: Path, forget_next_revision: None, last: str
) -> None:
    made_home(home, megabytes=1)
    before = (home / "attenda.db").read_bytes()
    folder = migrations_with(tmp_path / "migrations", rows=10, last=last)
    with pytest.raises(OperatorError) as caught:
        migrate(home, folder)
    assert caught.value.key == "backup.migration_failed"
    assert "as it was" in str(caught.value)
    assert (home / "attenda.db").read_bytes() == before
    assert len(list((home / "backups").glob(f"before-{NEXT}-*.zip"))) == 1


def test_postgres_too_is_left_as_it_was(
    tmp_path: Path, postgres_url: str, forget_next_revision: None
) -> None:
    folder = migrations_with(
        tmp_path / "migrations", rows=10, last='op.execute("SELECT no_such_column FROM sessions")'
    )

    async def body() -> list[str]:
        database = open_database(postgres_url)
        await upgrade_database(database)
        know_next_revision(folder)
        with pytest.raises(OperatorError):
            await upgrade_database(database)
        revision = await database.read(revision_of)
        await database.close()
        return [str(revision)]

    assert asyncio.run(body()) == [NOW]


def test_an_older_backup_of_postgres_is_migrated_on_its_way(
    tmp_path: Path, home: Path, postgres_url: str, forget_next_revision: None
) -> None:
    home.mkdir()

    async def first() -> None:
        database = open_database(postgres_url)
        await upgrade_database(database)
        await database.close()

    asyncio.run(first())
    write_backup(postgres_url, home, tmp_path / "old.zip", Stamps())
    know_next_revision(migrations_with(tmp_path / "migrations", rows=3))
    restore_backup(tmp_path / "old.zip", home, postgres_url, Stamps(), replace=True)
    database = open_database(postgres_url)
    assert asyncio.run(database.read(revision_of)) == NEXT
    asyncio.run(database.close())


def test_a_newer_database_is_refused_untouched(home: Path) -> None:
    made_home(home, megabytes=1)
    with closing(sqlite3.connect(home / "attenda.db")) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0099'")
        connection.commit()
    with pytest.raises(OperatorError) as caught:
        first_tables(home)
    assert caught.value.key == "store.newer"
    assert not (home / "backups").exists()
