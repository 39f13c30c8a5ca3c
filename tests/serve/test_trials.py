"""Trials of a draft: the flow goes to its end, and nothing is done, asked, told or remembered."""

import asyncio
from pathlib import Path
from typing import Any

from sqlalchemy import inspect

from attenda.runtime.house import House
from attenda.store.database import Connection
from attenda.store.inspection import raw_rows
from attenda.store.trials import STATE
from tests.serve.desk_people import Shop, shop

OWN = ("sessions", "messages", "runs", "events")
"""Tables whose rows are of conversations."""


async def outside_of_talks(house: House) -> dict[str, list[dict[str, Any]]]:
    """Every row of the database but those of conversations and of what was only worked out."""

    def read(connection: Connection) -> dict[str, list[dict[str, Any]]]:
        names = [one for one in inspect(connection).get_table_names() if one not in OWN]
        found = {one: raw_rows(connection, one) for one in names}
        found["effects"] = [row for row in found["effects"] if row["state"] != STATE]
        return found

    return await house.database.read(read)


async def begin(s: Shop) -> str:
    body = {"agent_id": s.agent_id, "draft": True}
    return str((await s.who["sue"]("POST", "/api/sessions", body))["id"])


async def say(s: Shop, session_id: str, text: str) -> str:
    """What is answered in a trial of Sue's."""
    sue = s.who["sue"]
    await sue("POST", f"/api/sessions/{session_id}/messages", {"text": text})
    await s.rest(session_id)
    return (await sue.texts(session_id))[-1][1]


def test_a_trial_goes_to_the_end_of_a_refund_and_nothing_is_done(
    home: Path, database_url: str
) -> None:
    async def story() -> None:
        async with shop(home, database_url) as s:
            before = await outside_of_talks(s.house)
            small, sue = await begin(s), s.who["sue"]
            asked = await say(s, small, "refund order=O-1001 email=ana@example.test")
            assert "Shall I?" in asked
            shown = await sue.session(small)
            assert shown["choices"] == ["Yes", "No"] and "tries a draft" in shown["notice"]
            (first,) = shown["trial"]
            assert first["asks"] == "a yes"
            assert [(one["name"], one["value"]) for one in first["slots"]] == [("order", "O-1001")]
            done = await say(s, small, "yes")
            assert "nothing was done" in done and "`issue_refund`" in done
            assert "- order: O-1001" in done and "Done: 60.40 EUR" in done
            again = await say(s, small, "refund order=O-1001 email=ana@example.test")
            assert "has not been delivered yet" in again  # in its world the first one was made

            large = await begin(s)
            await say(s, large, "refund order=O-1005 email=ana@example.test")
            asks = await say(s, large, "yes")
            assert "(supervisor)" in asks and "nobody was asked" in asks and "Done" in asks
            assert await sue("GET", "/api/approvals") == []
            await say(s, large, "person")
            assert "nobody was called" in (await sue.texts(large))[-1][1]
            await sue("POST", f"/api/sessions/{large}/person")
            assert (await sue.session(large))["owner"] == "bot"
            assert (await s.who["max"]("GET", "/api/desk"))["sessions"] == []
            assert await outside_of_talks(s.house) == before

    asyncio.run(story())
