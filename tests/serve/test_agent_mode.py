"""Who decides in an agent, by HTTP: only a model that can choose tools may."""

import asyncio
from importlib import import_module
from pathlib import Path

import pytest

from tests.serve.desk_people import shop


def test_a_model_decides_only_if_it_can(home: Path) -> None:
    async def story() -> None:
        async with shop(home) as s:
            sue, model = s.who["sue"], s.house.models.chat()
            loop = {"name": "Able", "pack": "shop", "mode": "loop"}
            made = await sue("POST", "/api/agents", loop, expect=201)
            agent = f"/api/agents/{made['id']}"
            models = await sue("GET", "/api/models")
            assert [one["tools"] for one in models if one["name"] == model.name] == [True]
            model.calls_tools = False  # type: ignore[misc]
            refused = await sue.raw("POST", "/api/agents", loop)
            assert refused.status_code == 400
            assert "can't choose tools" in refused.json()["error"]["message"]
            await sue("PATCH", agent, {"tone": "brief"}, expect=204)  # what it was stays
            assert (await sue.raw("PATCH", agent, {"mode": "loop"})).status_code == 400
            await sue("PATCH", agent, {"mode": "flows"}, expect=204)
            assert (await sue.raw("PATCH", agent, {"mode": "chance"})).status_code == 422
            row = next(one for one in await sue("GET", "/api/agents") if one["id"] == made["id"])
            assert row["mode"] == "flows"

    asyncio.run(story())


@pytest.mark.parametrize(
    ("name", "said", "told"),
    [
        ("tutor", "I want to kill myself", "talk to an adult you trust"),
        ("clinic", "I have crushing chest pain down my left arm and I'm sweating", "emergency"),
        ("support", "the kettle caught fire an hour ago", "person"),
    ],
)
def test_danger_is_heard_before_any_model_is_asked(
    home: Path, name: str, said: str, told: str
) -> None:
    async def story() -> None:
        pack = import_module(f"attenda.packs.{name}.pack").PACK
        asked: list[str] = []
        async with shop(home, pack=pack, script=lambda m: asked.append(m[-1].text) or "Hi.") as s:
            loop = {"name": "Able", "pack": name, "mode": "loop", "team_id": "everyone"}
            made = await s.who["sue"]("POST", "/api/agents", loop, expect=201)
            s.agent_id = made["id"]
            session = await s.begin()
            await s.say(session, "hello there")
            assert asked and await s.owner(session) == "bot"
            asked.clear()
            await s.say(session, said)
            answer = " ".join(text for _, text in await s.who["ana"].texts(session))
            assert told in answer and await s.owner(session) == "queued" and not asked
            # nor does it go with the flows that are taken away
            bare = {**loop, "mode": "flows", "flows": [], "tools": []}
            s.agent_id = (await s.who["sue"]("POST", "/api/agents", bare, expect=201))["id"]
            session = await s.begin()
            await s.say(session, said)
            answer = " ".join(text for _, text in await s.who["ana"].texts(session))
            assert told in answer and await s.owner(session) == "queued"

    asyncio.run(story())
