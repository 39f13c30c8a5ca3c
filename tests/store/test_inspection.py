"""Queries of checks read and change nothing, on both databases."""

import asyncio

import pytest

from attenda.api import Principal, UserError
from attenda.store import inspection
from attenda.store.database import Database
from attenda.store.stamps import Stamps


def test_a_query_reads_and_changes_nothing(database: Database, stamps: Stamps) -> None:
    who = Principal(id="ana", role="agent", name="Ana")

    async def story() -> None:
        await database.write(lambda c: inspection.add_person(c, stamps, who))
        count = "SELECT count(*) FROM users WHERE id = 'ana'"
        assert await database.read(lambda c: inspection.ask(c, count)) == [(1,)]
        for query in (
            "DELETE FROM users",
            "UPDATE users SET role = 'owner'",
            "SELECT nothing",
            ";",
        ):
            with pytest.raises(UserError, match="can't be carried out"):
                await database.read(lambda c, query=query: inspection.ask(c, query))
            with pytest.raises(UserError):
                await database.write(lambda c, query=query: inspection.ask(c, query))
        (row,) = await database.read(lambda c: inspection.raw_rows(c, "users"))
        assert (row["id"], row["role"], row["created_at"]) == ("ana", "agent", stamps.now())
        other = Principal(id="li", role="agent")
        await database.write(lambda c: inspection.add_person(c, stamps, other))  # it writes again
        assert len(await database.read(lambda c: inspection.raw_rows(c, "users"))) == 2

    asyncio.run(story())
