"""One of several processes at one database: `python -m tests.crash.automation_process …`.

Its arguments are a home, the file of the world outside, and the URL of a PostgreSQL database.

Carries automations out until it is killed; HOME/begun has a letter for each step that it began.
"""

import asyncio
import sys
from pathlib import Path
from typing import Any

from attenda.api import ScriptedEmbedder, ScriptedModel
from attenda.cli.wiring import open_house
from attenda.core.config import Settings
from attenda.llm.loaded import LoadedModels
from tests.crash.deeds import World, pack

__all__: list[str] = []


async def work(home: Path, world: World, url: str) -> None:
    models = LoadedModels(home, "scripted")
    models.register(ScriptedModel(lambda _: "words"))
    models.register_embedder(ScriptedEmbedder())
    settings = Settings(home=home, model="scripted", database=url)

    async def understanding(_book: object) -> Any:
        return None

    def note(point: str) -> None:
        if point == "automation.begun":
            with (home / "begun").open("a") as file:
                file.write("x")

    packs = [pack(world, lambda point: None, "deeds")]
    async with open_house(settings, models, None, packs, understanding, note):
        print("ready", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(work(Path(sys.argv[1]), World(Path(sys.argv[2])), sys.argv[3]))
