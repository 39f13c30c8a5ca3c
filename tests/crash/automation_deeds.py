"""Automations whose deeds must happen once, carried out in a process that may be killed.

    python -m tests.crash.automation_deeds HOME WORLD [URL]

A trial that is told again finds its run where it stands; a person fills forms in and approves.
"""

import asyncio
import sys
from pathlib import Path
from typing import Any

import dbos  # noqa: F401 - loaded once, before the forks

from attenda.api import Label, Labelled, ScriptedEmbedder, ScriptedModel
from attenda.cli.wiring import open_house
from attenda.core.config import Settings
from attenda.llm.loaded import LoadedModels
from attenda.runtime.house import House
from attenda.store import automation_forms as forms
from attenda.store import automation_runs as runs
from attenda.store import automations, sessions
from attenda.store.database import Connection
from attenda.store.pack_tables import Rows
from tests.crash.deeds import ANA, Dying, World, approve_in, main, pack

__all__ = ["WANTED"]

WANTED: dict[str, dict[str, int]] = {
    "mixed": {"inside": 1, "keyed": 1, "queried": 1, "message": 1},
    "asked": {"inside": 1},
    "blind": {"blind": 1},
}
"""How often each deed must have happened in the end."""
_OVER = ("done", "failed", "cancelled")


async def tell(home: Path, url: str, world: World, trial: dict[str, Any]) -> dict[str, Any]:
    """One run, from where it stands; what it came to."""
    dying = Dying(trial["at"])
    models = LoadedModels(home, "scripted")
    models.register(ScriptedModel(lambda _: "words"))
    models.register_embedder(ScriptedEmbedder())
    settings = Settings(home=home, model="scripted", database=url)

    async def understanding(_book: object) -> Any:
        return None

    packs = [pack(world, dying, "deeds")]
    async with open_house(settings, models, None, packs, understanding, dying) as house:
        run_id, session_id = await house.database.write(lambda c: _begin(c, house, trial))
        house.automations.ring()
        async with asyncio.timeout(60):
            while (row := await _run(house, run_id)).state not in _OVER:
                await _decide(house, row)
                await asyncio.sleep(0.02)
        return await _found(house, world, trial, row, session_id) | {"passed": dying.passed}


def _begin(connection: Connection, house: House, trial: dict[str, Any]) -> tuple[str, str]:
    """The trial's run and its session: those that are there, or new ones."""
    row = automations.get_automation(connection, trial["story"])
    origin = f"trial:{trial['number']}"
    for known in runs.list_runs(connection, ANA, row.name, 1000):
        if known.origin == origin:
            return known.id, Labelled.model_validate_json(known.input).value["session"]  # type: ignore[index, call-overload, return-value]
    session = sessions.create_session(connection, house.stamps, ANA)
    values: dict[str, Any] = {"order": f"O-{trial['number']}", "session": session.id}
    given = Labelled(value=values, label=Label(integrity="user", readers=frozenset({ANA.id})))
    return automations.begin_run(connection, house.stamps, row, origin, given)[0], session.id


async def _run(house: House, run_id: str) -> runs.RunRow:
    return await house.database.read(lambda c: runs.read_run(c, run_id))


async def _decide(house: House, row: runs.RunRow) -> None:
    """What people do about a run that waits for them."""
    if row.waits_for == "approval":
        await approve_in(house, row.id)
        house.automations.ring()
    for form in await house.database.read(lambda c: forms.forms_of(c, row.id)):
        if row.waits_for == "form" and form.state == "pending":
            await house.automations.answer(ANA, form.id, {"sure": True})


async def _found(
    house: House, world: World, trial: dict[str, Any], row: runs.RunRow, session_id: str
) -> dict[str, Any]:
    order = f"O-{trial['number']}"
    found = world.count(order)
    table = house.packs["deeds"].executor._tables["refunds"]
    inside = await house.database.read(lambda c: Rows(c, table).find(order_id=order))
    told = await house.database.read(lambda c: sessions.message_tree(c, session_id))
    found |= {"inside": len(inside)} if inside else {}
    found |= {"message": len(told)} if told else {}
    problem = (row.problem or {}).get("key", "")
    return {"found": found, "state": row.state, "problem": problem}


if __name__ == "__main__":
    main(sys.argv[1:], tell)
