"""Tasks of a shop in a process that may be killed at any named point, as `deeds` tells stories.

A story is `FOLDER|TASK`; each number has a home of its own. A task that is told again goes on where
its session stands, as a person would: what was not answered is asked again, and where a yes is
waited for it is said.
"""

import asyncio
import sys
from pathlib import Path
from typing import Any

from attenda.api import Conflict, ScriptedEmbedder, ScriptedModel
from attenda.cli.wiring import open_house
from attenda.core.config import Settings
from attenda.evals.exams.retail.pack import retail_pack
from attenda.evals.exams.tau2 import CUSTOMER, Planner, journal_faults, plan_of, read_shop
from attenda.evals.exams.tau2_expected import differences, expected
from attenda.evals.exams.tau2_tasks import load_shop
from attenda.llm.loaded import LoadedModels
from attenda.runtime.house import House
from attenda.runtime.loop_state import read_state
from attenda.store import agents, inspection, journal, sessions
from tests.crash.deeds import Dying, World, main

__all__ = ["tell"]


async def tell(home: Path, url: str, world: World, trial: dict[str, Any]) -> dict[str, Any]:
    """One task, from where its session stands; what it came to."""
    del url, world
    folder, _, wanted = trial["story"].partition("|")
    shop = load_shop(Path(folder))
    (task,) = (one for one in shop.tasks if one.id == wanted)
    plan = plan_of(task, shop)[0]
    own, dying = home.parent / f"shop-{trial['number']}", Dying(trial["at"])
    models = LoadedModels(own, "scripted")
    models.register(ScriptedModel(Planner(plan)))
    models.register_embedder(ScriptedEmbedder())

    async def understanding(_book: object) -> Any:
        return None

    pack = retail_pack(shop.rows)
    settings = Settings(home=own, model="scripted")
    async with open_house(settings, models, None, [pack], understanding, dying) as house:
        session_id = await house.database.write(lambda c: _session(c, house))
        while await _step(house, session_id):
            pass
        found = await house.database.read(lambda c: read_shop(c, house))
        done = await house.database.read(lambda c: journal.list_effects(c, session_id))
        return {
            "differs": differences(expected(shop.database, plan)[0], found),
            "faults": await house.database.read(journal_faults),
            "done": sorted(one.tool for one in done if one.state == "done"),
            "passed": dying.passed,
        }


def _session(connection: Any, house: House) -> str:
    found = sessions.list_sessions(connection, CUSTOMER)
    if found:
        return found[0].id
    inspection.add_person(connection, house.stamps, CUSTOMER)
    agent = next(a for a in agents.list_agents(connection, CUSTOMER) if a["pack"] == "retail")
    return sessions.create_session(connection, house.stamps, CUSTOMER, agent["id"]).id


async def _step(house: House, session_id: str) -> bool:
    """Say what is to be said next; whether there was anything."""
    while house.runs.running(session_id):  # it may have gone on by itself
        await asyncio.sleep(0.005)

    def stands(connection: Any) -> list[sessions.StoredMessage]:
        head = sessions.get_session(connection, CUSTOMER, session_id).head_id
        return sessions.message_path(sessions.message_tree(connection, session_id), head)

    path = await house.database.read(stands)
    asked = [one for one in path if one.message.role == "user"]
    answered = bool(path) and path[-1].message.role == "assistant" and path[-1].status == "done"
    waits = answered and read_state(path[-1].state).confirms
    if answered and not waits:
        return False
    try:
        if asked and not answered:
            started = await house.runs.regenerate(CUSTOMER, session_id, asked[-1].id)
        else:
            words = "yes" if waits else "Hello, please help me."
            started = await house.runs.start(CUSTOMER, session_id, words)  # type: ignore[assignment]
    except Conflict:
        return True
    async for _ in house.runs.follow(session_id, started.after):
        pass
    return True


if __name__ == "__main__":
    main(sys.argv[1:], tell)
