"""Rows of packs: sorted, some of many, and found by an index also in an older table."""

import asyncio
from typing import Any

from sqlalchemy import inspect, text

from attenda.api import PackTable, UserError
from attenda.store.database import Connection, Database
from attenda.store.pack_tables import Rows, create_tables

COLUMNS: Any = {"id": "text", "who": "text", "at": "time", "note_of_what_was_said_to_whom": "text"}
BEFORE = PackTable("visits", COLUMNS)
AFTER = PackTable(
    "visits", COLUMNS, person="who",
    indexes=(("who", "at"), ("at", "who", "note_of_what_was_said_to_whom")),
)  # fmt: skip


def test_the_newest_of_many_and_ties_by_key(database: Database) -> None:
    async def story() -> None:
        tables = await create_tables(database, "pack", [BEFORE])

        def fill(c: Connection) -> None:
            for number in range(40):
                who = "ann" if number % 2 else "bob"
                Rows(c, tables["visits"]).add(id=f"v{number:02}", who=who, at=number // 10)

        await database.write(fill)

        def ids(c: Connection, by: str, **given: Any) -> list[str]:
            return [row["id"] for row in Rows(c, tables["visits"]).find_sorted(by, **given)]

        read = database.read
        every = [f"v{number:02}" for number in range(40)]
        assert await read(lambda c: ids(c, "at")) == every
        assert await read(lambda c: ids(c, "-at")) == every[::-1]
        newest = await read(lambda c: ids(c, "-at", limit=3, who="ann"))
        assert newest == ["v39", "v37", "v35"]
        assert await read(lambda c: ids(c, "who", limit=2)) == ["v01", "v03"]

    asyncio.run(story())


def test_an_index_comes_to_a_table_that_was_there_and_is_used(database: Database) -> None:
    async def story() -> None:
        await create_tables(database, "pack", [BEFORE])
        for _ in range(2):
            await create_tables(database, "pack", [AFTER])
        found = await database.read(lambda c: inspect(c).get_indexes("pack_visits"))
        names = {str(one["name"]): one["column_names"] for one in found}
        assert names["ix_pack_visits_who_at"] == ["who", "at"]
        assert len(names) == 2 and all(len(name) < 64 for name in names)
        if database.dialect == "sqlite":
            query = "EXPLAIN QUERY PLAN SELECT * FROM pack_visits WHERE who = 'a' ORDER BY at DESC"
            plan = await database.read(lambda c: str(c.execute(text(query)).all()))
            assert "USING INDEX ix_pack_visits_who_at" in plan and "TEMP B-TREE" not in plan

    asyncio.run(story())


def test_a_value_that_a_database_cannot_hold_is_one_sentence(database: Database) -> None:
    """PostgreSQL measures keys, SQLite does not; neither breaks what comes after."""

    async def story() -> None:
        tables = await create_tables(database, "pack", [BEFORE])

        def add(c: Connection) -> str:
            rows, told = Rows(c, tables["visits"]), ""
            try:
                rows.add(id="v" * 200, who="ann", at=1)
            except UserError as problem:
                told = problem.key
            rows.add(id="v1", who="bob", at=2)
            return told

        told = await database.write(add)
        assert told == ("pack.bad_value" if database.dialect == "postgresql" else "")
        found = await database.read(lambda c: Rows(c, tables["visits"]).find(who="bob"))
        assert [row["id"] for row in found] == ["v1"]

    asyncio.run(story())
