"""Agents: a draft that only trials answer by, published versions, one click back."""

import asyncio
from pathlib import Path
from typing import Any

from attenda.store import people
from tests.runtime.test_flows import rows
from tests.serve.desk_people import Shop, shop


async def brief(s: Shop, session_id: str) -> str:
    """The system prompt of an answer in a session."""
    await s.who["sue"]("POST", f"/api/sessions/{session_id}/messages", {"text": "hello there"})
    await s.rest(session_id)
    first = s.model.asked[-1][0]
    return first.text if first.role == "system" else ""


async def chat(s: Shop, agent_id: str, *, draft: bool = False) -> str:
    body = {"agent_id": agent_id, "draft": draft}
    return str((await s.who["sue"]("POST", "/api/sessions", body))["id"])


async def listed(s: Shop, name: str, agent_id: str) -> Any:
    found = await s.who[name]("GET", "/api/agents")
    return next((one for one in found if one["id"] == agent_id), None)


def test_people_talk_to_what_is_published_and_trials_to_the_draft(
    home: Path, database_url: str
) -> None:
    async def story() -> None:
        async with shop(home, database_url) as s:
            sue, sam = s.who["sue"], s.who["sam"]
            made = await sue("POST", "/api/agents", {"name": "Front", "instructions": "One."})
            path = f"/api/agents/{made['id']}"
            living = await chat(s, made["id"])
            assert await brief(s, living) == "One."
            await sue("PUT", f"{path}/draft", {"instructions": "Two."})
            await sue("PUT", f"{path}/draft", {"tone": "calm"})
            assert await brief(s, living) == "One."
            trial = await chat(s, made["id"], draft=True)
            assert await brief(s, trial) == "Two.\ncalm"
            await sam("POST", "/api/sessions", {"agent_id": made["id"], "draft": True}, expect=404)
            assert (await listed(s, "sam", made["id"]))["draft"] == ""
            assert (await listed(s, "sue", made["id"]))["draft"] == "changed"
            state = await sue("GET", f"{path}/draft")
            assert (state["version"], state["unpublished"]) == (1, ["instructions", "tone"])

            assert await sue("POST", f"{path}/publish") == {"version": 2}
            assert await sue("POST", f"{path}/publish") == {"version": 2}  # nothing new
            assert await brief(s, living) == "Two.\ncalm"
            await s.who["max"]("PATCH", path, {"name": "Front desk"})
            versions = await sue("GET", f"{path}/versions")
            told = [(one["number"], one["by"], one["changed"]) for one in versions]
            assert told == [
                (3, "Max", ["name"]),
                (2, "Sue", ["instructions", "tone"]),
                (1, "Sue", []),
            ]

            assert await sue("POST", f"{path}/versions/1/restore") == {"version": 4}
            assert await brief(s, living) == "One."
            newest = (await sue("GET", f"{path}/versions"))[0]
            assert (newest["restores"], newest["number"]) == (1, 4)
            await sue("POST", f"{path}/versions/9/restore", expect=404)
            await sue("PUT", f"{path}/draft", {"name": " "}, expect=400)
            await sue("PUT", f"{path}/draft", {"instructions": "Never."})
            await sue("DELETE", f"{path}/draft")
            assert (await sue("GET", f"{path}/draft"))["unpublished"] == []
            done = [
                one for one in await rows(s.house, "audit") if one["action"] == "agent.published"
            ]
            assert len(done) == 3

    asyncio.run(story())


def test_a_new_agent_is_nobodys_before_it_is_published(home: Path) -> None:
    async def story() -> None:
        async with shop(home) as s:
            sue = s.who["sue"]
            made = await sue("POST", "/api/agents", {"name": "New", "draft": True})
            path = f"/api/agents/{made['id']}"
            assert await listed(s, "sam", made["id"]) is None
            assert await listed(s, "max", made["id"]) is None
            assert (await listed(s, "sue", made["id"]))["draft"] == "new"
            assert await sue("GET", f"{path}/versions") == []
            await sue("DELETE", f"{path}/draft", expect=400)
            await sue("PUT", f"{path}/draft", {"instructions": "Hello."})
            assert await sue("POST", f"{path}/publish") == {"version": 1}
            assert (await listed(s, "sam", made["id"]))["instructions"] == "Hello."
            mine = await sue(
                "POST", "/api/agents", {"name": "Mine", "draft": True, "shared": False}
            )
            await sue("POST", f"/api/agents/{mine['id']}/publish")
            assert await listed(s, "sam", mine["id"]) is None

    asyncio.run(story())


def test_who_waits_for_a_yes_goes_on_over_a_new_version(home: Path) -> None:
    """The flow under way finishes on the text that it began, whatever is published meanwhile."""

    async def story() -> None:
        async with shop(home) as s:
            id_ = await s.begin()
            await s.say(id_, "refund order=O-1001 email=ana@example.test")
            path = f"/api/agents/{s.agent_id}"
            await s.who["sue"]("PUT", f"{path}/draft", {"name": "Shop 2", "tone": "calm"})
            assert await s.who["sue"]("POST", f"{path}/publish") == {"version": 2}
            await s.say(id_, "yes")
            assert "Done" in (await s.who["ana"].texts(id_))[-1][1]
            assert len(await rows(s.house, "shop_refunds")) == 1
            first = (await s.who["sue"]("GET", f"{path}/versions"))[-1]
            assert first["number"] == 1 and first["body"]["name"] == "Shop"
            assert people.OWNER_ID == first["published_by"]

    asyncio.run(story())
