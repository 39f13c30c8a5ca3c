"""Units of work commit as a whole or leave nothing, also those that share a commit (R6)."""

import asyncio
import threading
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, text

from attenda.store.database import Connection, Database, open_database

FATES = st.lists(st.sampled_from(["keep", "raise", "break", "nest", "cancel"]), max_size=60)


class Refused(Exception):
    """What a unit raises."""


def unit(number: int, fate: str) -> Any:
    """Adds two rows; then goes as its fate says."""

    def work(c: Connection) -> int:
        add = text("INSERT INTO units VALUES (:n, :part)")
        c.execute(add, {"n": number, "part": 1})
        if fate == "raise":
            raise Refused
        if fate == "break":
            c.execute(add, {"n": number, "part": 1})  # the key is there already
        if fate == "nest":
            try:
                with c.begin_nested():
                    c.execute(add, {"n": number, "part": 3})
                    raise Refused
            except Refused:
                pass
        c.execute(add, {"n": number, "part": 2})
        return number

    return work


def test_each_unit_is_kept_or_not_by_its_own_fate(database: Database) -> None:
    rounds = iter(range(1_000_000))

    @settings(
        max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(FATES)
    def holds(fates: list[str]) -> None:
        first = next(rounds) * 1000

        async def body() -> None:
            tasks = [
                asyncio.create_task(database.write(unit(first + n, fate)))
                for n, fate in enumerate(fates)
            ]
            await asyncio.sleep(0)
            for task, fate in zip(tasks, fates, strict=True):
                if fate == "cancel":
                    task.cancel()
            told = await asyncio.gather(*tasks, return_exceptions=True)
            rows = await database.read(
                lambda c: c.execute(text(f"SELECT n, part FROM units WHERE n >= {first}")).all()
            )
            kept = {n: {part for m, part in rows if m == n} for n, _ in rows}
            for n, (fate, result) in enumerate(zip(fates, told, strict=True), start=first):
                whole = kept.get(n, set())
                assert whole in (set(), {1, 2})
                if fate in ("keep", "nest"):
                    assert (result, whole) == (n, {1, 2})
                elif fate == "cancel":
                    assert isinstance(result, asyncio.CancelledError)
                else:
                    assert isinstance(result, Exception)
                    assert whole == set()

        asyncio.run(body())

    make = text("CREATE TABLE units (n INTEGER, part INTEGER, PRIMARY KEY (n, part))")
    asyncio.run(database.write(lambda c: c.execute(make)))
    holds()


def test_units_that_wait_share_a_commit(database: Database) -> None:
    commits: list[object] = []
    event.listen(database.engine, "commit", commits.append)

    async def body() -> None:
        await asyncio.gather(*(database.write(lambda _: None) for _ in range(200)))

    asyncio.run(body())
    if database.dialect == "sqlite":
        assert len(commits) < 100
    else:
        assert len(commits) == 200


def test_what_is_read_together_is_of_one_moment(database: Database) -> None:
    """Somebody writes between two statements of a unit that reads: it sees both without it."""
    count = text("SELECT count(*) FROM settled")

    async def body() -> tuple[int, int]:
        await database.write(lambda c: c.execute(text("CREATE TABLE settled (n INTEGER)")))
        between, written = threading.Event(), threading.Event()

        def read(c: Connection) -> tuple[int, int]:
            before = c.execute(count).scalar_one()
            between.set()
            assert written.wait(10)
            return before, c.execute(count).scalar_one()

        reading = asyncio.create_task(database.read(read))
        assert await asyncio.to_thread(between.wait, 10)
        await database.write(lambda c: c.execute(text("INSERT INTO settled VALUES (1)")))
        written.set()
        return await reading

    assert asyncio.run(body()) == (0, 0)


def test_a_unit_taken_back_for_another_is_run_again(postgres_url: str) -> None:
    """An operator's own transaction takes its locks in the other order; the database ends ours."""
    database = open_database(postgres_url)
    tries: list[str] = []
    ours, theirs = threading.Event(), threading.Event()

    def work(c: Connection) -> None:
        tries.append("")
        c.execute(text("INSERT INTO first VALUES (1)"))
        ours.set()
        assert theirs.wait(10)
        c.execute(text("INSERT INTO second VALUES (1)"))

    def operator() -> None:
        with database.engine.begin() as c:
            c.execute(text("SET LOCAL deadlock_timeout = '60s'"))  # it is not they who give way
            c.execute(text("LOCK TABLE second"))
            assert ours.wait(10)
            theirs.set()
            c.execute(text("LOCK TABLE first"))

    async def body() -> list[int]:
        for name in ("first", "second"):
            make = text(f"CREATE TABLE {name} (n INTEGER)")
            await database.write(lambda c, make=make: c.execute(make))  # type: ignore[misc]
        await asyncio.gather(asyncio.to_thread(operator), database.write(work))
        both = text("SELECT (SELECT count(*) FROM first), (SELECT count(*) FROM second)")
        rows = await database.read(lambda c: [*c.execute(both).one()])
        await database.close()
        return rows

    assert asyncio.run(body()) == [1, 1]
    assert len(tries) == 2
