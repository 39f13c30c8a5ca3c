"""An automation whose approval nobody gives in time."""

import asyncio
import os
from pathlib import Path

import pytest

from attenda.core.errors import Conflict
from attenda.core.principal import Principal
from attenda.runtime.automation_deeds import Doing, End
from attenda.store import journal
from tests.conftest import FROZEN_AT
from tests.runtime.depot import ANA, Clock, Depot, depot

LONG = os.environ.get("ATTENDA_LONG") == "1"
BOSS = Principal(id="usr_boss", role="supervisor")


async def _asked(d: Depot, run_id: str) -> list[journal.Approval]:
    """What was ever asked for a run, the oldest first."""
    found = await d.house.database.read(lambda c: journal.list_approvals(c, BOSS))
    return sorted((one for one in found if one.session_id == run_id), key=lambda one: one.asked_at)


async def _say_yes(d: Depot, asked: journal.Approval) -> None:
    def decide(connection: object) -> None:
        journal.decide(connection, d.house.stamps, BOSS, asked.id, asked.hash, yes=True)  # type: ignore[arg-type]

    await d.house.database.write(decide)
    d.house.automations.ring()


async def _end_while_it_waits(d: Depot) -> None:
    """What a run asked that is ended, before or in the moment of asking, is asked no more."""
    made, deeds = d.house.automations, d.house.automations.runner._deeds
    do = deeds.do

    async def do_and_end(doing: Doing) -> End:
        end = await do(doing)
        if end.approval_id:
            await made.cancel(ANA, doing.run_id)
        return end

    for at_once in (False, True) if LONG else (True,):
        deeds.do = do_and_end if at_once else do  # type: ignore[method-assign]
        run_id = await made.start(ANA, "large", {"count": 800})
        if not at_once:
            await d.until(run_id, "waiting")
            await made.cancel(ANA, run_id)
        async with asyncio.timeout(60):
            while [one.state for one in await _asked(d, run_id)] != ["expired"]:
                await asyncio.sleep(0.01)
        assert (await d.run(run_id)).state == "cancelled"


def test_a_run_fails_once_its_time_for_a_yes_is_over_and_a_restart_asks_anew_once(
    home: Path, database_url: str
) -> None:
    clock = Clock(FROZEN_AT)

    async def run_late(d: Depot, count: int, *, yes_unused: bool) -> None:
        made = d.house.automations
        run_id = await made.start(ANA, "large", {"count": count})
        await d.until(run_id, "waiting")
        (first,) = await _asked(d, run_id)
        if yes_unused:
            await made.pause(ANA, run_id)
            await _say_yes(d, first)
        clock.move(hours=25)
        if yes_unused:
            await made.resume(ANA, run_id)
        made.ring()
        row = await d.until(run_id, "failed")
        assert row.problem == {"key": "approval.too_late", "values": {"tool": "order"}}
        assert (await d.steps(run_id))["rest"].state == "failed"
        (over,) = await _asked(d, run_id)
        assert (over.id, over.state) == (first.id, "expired")
        clock.move(hours=-24)  # what is over stays over, also under a clock that is set back
        with pytest.raises(Conflict):
            await _say_yes(d, first)
        await made.restart(ANA, run_id)
        assert (await d.until(run_id, "waiting")).waits_for == "approval"
        (_, second) = await _asked(d, run_id)
        assert second.state == "pending"
        await _say_yes(d, second)
        async with asyncio.timeout(60):
            while (await d.run(run_id)).waits_for != "timer":
                await asyncio.sleep(0.01)
        assert [one.state for one in await _asked(d, run_id)] == ["expired", "used"]

    async def body() -> None:
        async with depot(home, stamps=clock.stamps(), database=database_url) as d:
            await run_late(d, 600, yes_unused=False)
            if LONG:
                await run_late(d, 700, yes_unused=True)
            ordered = sorted(one["count"] for one in await d.rows("orders"))
            assert ordered == ([1, 1, 600, 700] if LONG else [1, 600])
            await _end_while_it_waits(d)

    asyncio.run(body())
