"""Stories whose deeds must happen once, told in a process that may be killed at any named point.

    python -m tests.crash.deeds HOME WORLD [URL]

Reads a trial a line: its story, its number, and which point passed ends it. Each is told in a fork
of its own, over the same home; what it came to is answered as a line. A trial that is told again
goes on where its session stands, as a person would: what was not answered is asked again.
"""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import text

from attenda.api import (
    Deed,
    Message,
    Pack,
    PackTable,
    Principal,
    ScriptedAnswer,
    ScriptedEmbedder,
    ScriptedModel,
    scripted_call,
    tool,
)
from attenda.cli.wiring import open_house
from attenda.core.config import Settings
from attenda.llm.loaded import LoadedModels
from attenda.runtime.house import House
from attenda.store import agents, journal, sessions
from attenda.store.pack_tables import Rows
from tests.runtime.test_flows import understand

__all__ = [
    "ANA",
    "FOLDER",
    "STORIES",
    "WANTED",
    "Dying",
    "World",
    "approve_in",
    "chosen",
    "main",
    "pack",
]

ANA = Principal(id="usr_owner", role="owner")
SUPERVISOR = Principal(id="usr_boss", role="owner")
FOLDER = Path(__file__).parent / "deeds_pack"

STORIES: dict[str, list[str]] = {
    "inside": ["inside order=O-{n}", "yes"],
    "approved": ["large order=O-{n}", "yes", "!approve", "!go on"],
    "keyed": ["keyed order=O-{n}", "yes"],
    "asked_after": ["queried order=O-{n}", "yes"],
    "blind": ["blind order=O-{n}", "yes"],
    "several": ["several order=O-{n}", "yes"],
    "loop": ["do inside keyed queried inside order=O-{n}"],
    "loop_approved": ["do large keyed order=O-{n}", "!approve", "!go on"],
}
"""What the person says, or a member of staff does."""
WANTED: dict[str, dict[str, int]] = {
    "inside": {"inside": 1},
    "approved": {"inside": 1},
    "keyed": {"keyed": 1},
    "asked_after": {"queried": 1},
    "blind": {"blind": 1},
    "several": {"inside": 1, "keyed": 1, "queried": 1},
    "loop": {"inside": 1, "keyed": 1, "queried": 1},
    "loop_approved": {"inside": 1, "keyed": 1},
}
"""How often each deed must have happened in the end."""


class World:
    """Another firm's books: a line for each deed, beyond our database."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def lines(self) -> list[list[str]]:
        found = self._path.read_text().splitlines() if self._path.exists() else []
        return [line.split("\t") for line in found]

    def write(self, kind: str, key: str, order: str) -> None:
        with self._path.open("a") as file:
            file.write(f"{kind}\t{key}\t{order}\n")

    def count(self, order: str) -> dict[str, int]:
        """Deeds about an order; where keys are counted, the same key is the same deed."""
        deeds = [line for line in self.lines() if line[2] == order]
        counted = {(kind, key) for kind, key, _ in deeds if kind in ("keyed", "hook")}
        others = [kind for kind, _, _ in deeds if kind not in ("keyed", "hook")]
        return dict(Counter([*others, *(kind for kind, _ in counted)]))


def pack(world: World, passing: Callable[[str], None], name: str, folder: Path = FOLDER) -> Pack:
    """Tools of each kind; for flows, or for a model that chooses among them."""

    @tool(writes=True)
    def inside(deed: Deed, order: str) -> dict[str, str]:
        """Change our own books."""
        deed.rows("refunds").add(id=deed.key, order_id=order)
        return {"id": deed.key}

    @tool(writes=True)
    def large(deed: Deed, order: str) -> dict[str, str]:
        """Change our own books, once somebody has approved."""
        deed.rows("refunds").add(id=deed.key, order_id=order)
        return {"id": deed.key}

    async def send(kind: str, deed: Deed, order: str) -> dict[str, str]:
        passing("world.before")
        world.write(kind, deed.key, order)
        passing("world.after")
        return {"id": deed.key}

    @tool(writes=True, takes_key=True)
    async def keyed(deed: Deed, order: str) -> dict[str, str]:
        """Tell those who count keys."""
        return await send("keyed", deed, order)

    async def find(deed: Deed) -> dict[str, str] | None:
        return next(({"id": key} for _, key, _ in world.lines() if key == deed.key), None)

    @tool(writes=True, query=find)
    async def queried(deed: Deed, order: str) -> dict[str, str]:
        """Tell those who can be asked."""
        return await send("queried", deed, order)

    @tool(writes=True)
    async def blind(deed: Deed, order: str) -> dict[str, str]:
        """Tell those who neither count keys nor can be asked."""
        return await send("blind", deed, order)

    return Pack(
        name=name,
        mode="loop" if name == "loopdeeds" else "flows",
        title={"en": "Deeds"},
        folder=folder,
        tools=(inside, large, keyed, queried, blind),
        tables=(PackTable("refunds", {"id": "text", "order_id": "text"}),),
    )


def chosen(messages: Sequence[Message]) -> ScriptedAnswer:
    """What a model does that chooses tools: each that the person names, all at once."""
    asked = messages[-1].text.split()
    if asked[:1] != ["do"]:
        return "words"
    order = asked[-1].partition("=")[2]
    return ["Now. ", *(scripted_call(name, order=order) for name in asked[1:-1])]


Telling = Callable[[Path, str, World, dict[str, Any]], Coroutine[Any, Any, dict[str, Any]]]


class Dying:
    """Ends the process when a point is passed for the n-th time in all."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.passed: list[str] = []

    def __call__(self, point: str) -> None:
        self.passed.append(point)
        if len(self.passed) == self.at:
            os.kill(os.getpid(), signal.SIGKILL)


async def tell(home: Path, url: str, world: World, trial: dict[str, Any]) -> dict[str, Any]:
    """One story, from where its session stands; what it came to."""
    dying = Dying(trial["at"])

    def passing(point: str) -> None:
        if not point.startswith("automation."):  # these are passed now and then, of their own
            dying(point)

    models = LoadedModels(home, "scripted")
    models.register(ScriptedModel(chosen))
    models.register_embedder(ScriptedEmbedder())
    settings = Settings(home=home, model="scripted", database=url)

    async def understanding(_book: object) -> Any:
        return understand

    name = "loopdeeds" if trial["story"].startswith("loop") else "deeds"
    packs = [pack(world, passing, one) for one in ("deeds", "loopdeeds")]
    async with open_house(settings, models, None, packs, understanding, passing) as house:
        session_id = await _session(house, trial, name)
        for words in STORIES[trial["story"]]:
            await _step(house, session_id, words.format(n=trial["number"]))
        order = f"O-{trial['number']}"
        found = world.count(order)
        table = house.packs[name].executor._tables["refunds"]
        inside = await house.database.read(lambda c: Rows(c, table).find(order_id=order))
        if inside:
            found["inside"] = len(inside)
        states = await house.database.read(lambda c: journal.list_effects(c, session_id))
        return {
            "found": found,
            "states": sorted(one.state for one in states),
            "passed": dying.passed,
            "owner": await _owner(house, session_id),
        }


async def _owner(house: House, session_id: str) -> str:
    found = await house.database.read(lambda c: sessions.get_session(c, ANA, session_id))
    return found.owner


async def _session(house: House, trial: dict[str, Any], pack_name: str) -> str:
    title = f"{trial['story']} {trial['number']}"

    def find(connection: Any) -> str:
        values = {"title": title}
        row = connection.execute(
            text("SELECT id FROM sessions WHERE title = :title"), values
        ).first()
        if row is not None:
            return str(row[0])
        agent = next(a for a in agents.list_agents(connection, ANA) if a["pack"] == pack_name)
        made = sessions.create_session(connection, house.stamps, ANA, agent["id"])
        sessions.update_session(connection, ANA, made.id, title=title)
        return made.id

    return await house.database.write(find)


async def _step(house: House, session_id: str, words: str) -> None:
    if words == "!approve":
        await approve_in(house, session_id)
        return
    tree = await house.database.read(lambda c: sessions.message_tree(c, session_id))
    if words == "!go on":
        started = await house.runs.go_on(session_id)
        if started is None:  # the house has gone on by itself
            while house.runs.running(session_id):
                await asyncio.sleep(0.005)
            return
    else:
        asked = [one for one in tree if one.message.text == words]
        answers = [one for one in tree if asked and one.parent_id == asked[-1].id]
        if any(one.status == "done" for one in answers):
            return
        if asked:
            started = await house.runs.regenerate(ANA, session_id, asked[-1].id)
        else:
            started = await house.runs.start(ANA, session_id, words)
    async for _ in house.runs.follow(session_id, started.after):
        pass


async def approve_in(house: House, session_id: str) -> None:
    def decide(connection: Any) -> None:
        for one in journal.list_approvals(connection, SUPERVISOR):
            if one.session_id == session_id and one.state == "pending":
                journal.decide(connection, house.stamps, SUPERVISOR, one.id, one.hash, yes=True)

    await house.database.write(decide)


def main(arguments: Sequence[str], tell: Telling = tell) -> None:
    """Tell trials in forks until there are no more."""
    home, world, url = Path(arguments[0]), World(Path(arguments[1])), "".join(arguments[2:])
    for line in sys.stdin:
        trial = json.loads(line)
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            answer = asyncio.run(tell(home, url, world, trial))
            os.write(writing, json.dumps(answer).encode())
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading) as file, contextlib.suppress(ChildProcessError):
            said = file.read()
            os.waitpid(child, 0)
        print(said or "null", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
