"""Who decides in an agent, by HTTP: only a model that can choose tools may."""

import asyncio
from pathlib import Path

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
