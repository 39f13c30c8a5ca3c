"""What was decided is carried out though the process died before it went on, and only once."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from attenda.runtime.house import House
from attenda.store import journal, schema
from tests.runtime.test_flows import SUPERVISOR, Talk, rows, scripted


async def decide(house: House, *, yes: bool) -> None:
    """In the database alone, as if the process had died right after."""

    def work(connection: Any) -> None:
        (one,) = journal.list_approvals(connection, SUPERVISOR)
        journal.decide(connection, house.stamps, SUPERVISOR, one.id, one.hash, yes=yes)

    await house.database.write(work)


async def rest(house: House, session_id: str) -> None:
    """Let what a start does by itself come to its end."""
    now = house.stamps.now()
    while await house.database.read(lambda c: journal.left_decided(c, now)):
        await asyncio.sleep(0.01)
    while house.runs.running(session_id):
        await asyncio.sleep(0.01)


async def answers(talk: Talk) -> int:
    found = await rows(talk.house, "messages")
    return sum(one["role"] == "assistant" for one in found)


@pytest.mark.parametrize(("yes", "said"), [(True, "Done: 899.00"), (False, "decided against it")])
def test_it_goes_on_at_the_next_start(tmp_path: Path, yes: bool, said: str) -> None:
    async def story() -> None:
        async with scripted(tmp_path) as (house, _):
            talk = await Talk.begin(house)
            await talk.say("refund order=O-1005 email=ana@example.test")
            await talk.say("yes")
            await decide(house, yes=yes)
        for start in range(3):
            async with scripted(tmp_path) as (house, _):
                again = Talk(house, talk.session_id)
                await rest(house, talk.session_id)
                assert said in await again.last()
                assert await answers(again) == 3, f"start {start} says nothing twice"
                assert len(await rows(house, "shop_refunds")) == int(yes)

    asyncio.run(story())


def test_not_while_a_person_has_it(tmp_path: Path) -> None:
    async def story() -> None:
        async with scripted(tmp_path) as (house, _):
            talk = await Talk.begin(house)
            await talk.say("refund order=O-1005 email=ana@example.test")
            await talk.say("yes")
            await decide(house, yes=True)
            held = schema.sessions.update().values(owner="human", claimed_by=SUPERVISOR.id)
            await house.database.write(lambda c: c.execute(held))
        async with scripted(tmp_path) as (house, _):
            await rest(house, talk.session_id)
            await house.runs.go_on_decided()
            assert await rows(house, "shop_refunds") == []
            assert await answers(Talk(house, talk.session_id)) == 2

    asyncio.run(story())
