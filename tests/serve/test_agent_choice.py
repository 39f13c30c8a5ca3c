"""What of its pack an agent has: flows and tools chosen singly, kept over versions and upgrades."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx

from attenda.api import Command, Deed, Pack, Said, ScriptedAnswer, StartFlow, tool
from attenda.api import scripted_call as call
from attenda.serve.app import create_app
from attenda.tools.mcp_file import Approved, keep, read_servers
from tests.runtime.test_flows import rows
from tests.scripted_house import scripted_house
from tests.serve.desk_people import Person, Shop, _people

FLOWS = """
lend:
  title: {en: borrow a book, zh-CN: 借书}
  examples: {en: [I want to borrow a book, lend me a novel], zh-CN: [我想借一本书]}
  slots: {book: {type: id, pattern: 'B-\\d', ask: {en: 'Which book?', zh-CN: 哪一本？}}}
  steps:
    - collect: book
    - confirm: {en: "I would lend {book}. Shall I?", zh-CN: "将借出 {book}，是否继续？"}
    - call: lend
      with: {book: book}
    - say: {en: "{book} is yours.", zh-CN: "{book} 已借给您。"}
opening:
  title: {en: opening hours, zh-CN: 开放时间}
  examples: {en: [when are you open, what are your opening hours], zh-CN: [你们几点开门]}
  steps:
    - call_flow: greet
    - call: hours
      into: open
    - say: {en: "Open {open.since}.", zh-CN: "{open.since} 开门。"}
visit:
  title: {en: plan a visit, zh-CN: 安排来访}
  examples: {en: [I would like to come by and see the library, plan a visit for me]}
  steps:
    - call_flow: opening
    - say: {en: Come then., zh-CN: 欢迎来访。}
danger:
  title: {en: danger, zh-CN: 危险}
  examples: {en: [there is smoke in the reading room]}
  steps:
    - hand_off: {en: Somebody comes at once., zh-CN: 马上有人过来。}
greet:
  title: {en: greet, zh-CN: 问候}
  hidden: true
  steps:
    - call: smile
    - say: {en: Hello., zh-CN: 您好。}
"""
POLICY = '[[rule]]\nid = "LEND"\ntool = "lend"\ndo = "{do}"\n'


@tool(writes=True)
def lend(deed: Deed, book: str) -> dict[str, str]:
    """Lend a book."""
    return {"book": book}


@tool()
def hours(deed: Deed) -> dict[str, str]:
    """When the library is open."""
    return {"since": "09:00"}


@tool()
def smile(deed: Deed) -> None:
    """Be friendly."""


def look(said: Said) -> Sequence[Command]:
    """Smoke is an alarm; “visit!” begins an ordinary flow."""
    named = {"smoke!": "danger", "visit!": "visit"}
    return [StartFlow(flow=named[said.text])] if said.text in named else []


def library(folder: Path, flows: str = FLOWS, do: str = "allow") -> Pack:
    """The pack, its files in a folder of its own."""
    (folder / "flows").mkdir(parents=True, exist_ok=True)
    (folder / "flows" / "all.yaml").write_text(flows, "utf-8")
    (folder / "policy.toml").write_text(POLICY.replace("{do}", do))
    title, tools = {"en": "Library", "zh-CN": "图书馆"}, (lend, hours, smile)
    return Pack("library", title, folder, tools, first=look, alarms=("danger",))


@contextlib.asynccontextmanager
async def at_work(home: Path, pack: Pack, script: Any = "Fine.") -> AsyncIterator[Shop]:
    """The pack in a house that learns its examples, and an agent that has it; people as ever."""
    answers = script if isinstance(script, list) else lambda _: script
    bare = Pack("bare", {"en": "Bare"}, pack.folder / "bare")
    async with scripted_house(home, answers, packs=[pack, bare]) as (house, model):
        known = await rows(house, "users")
        if len(known) > 1:
            secrets = {"owner": house.owner_key}
        else:
            secrets, _ = await house.database.write(lambda c: _people(c, house))
        transport = httpx.ASGITransport(create_app(house))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            who = {name: Person(client, secret) for name, secret in secrets.items()}
            s = Shop(house, who, "")
            boss = who.get("sue") or who["owner"]
            (found,) = [one for one in await boss("GET", "/api/agents") if one["pack"] == "library"]
            s.agent_id, s.model = found["id"], model  # type: ignore[attr-defined]
            yield s


async def told(s: Shop, session_id: str, text: str, who: str = "ana") -> str:
    """What somebody says, and the answer."""
    await s.who[who]("POST", f"/api/sessions/{session_id}/messages", {"text": text})
    await s.rest(session_id)
    return (await s.who[who].texts(session_id))[-1][1]


async def refused(s: Shop, body: dict[str, Any], language: str = "en") -> str:
    """Why the agent's draft can't be so."""
    sue, path = s.who["sue"], f"/api/agents/{s.agent_id}/draft"
    headers = {"Authorization": f"Bearer {sue._key}", "Accept-Language": language}
    answer = await sue._client.put(path, json=body, headers=headers)
    assert answer.status_code == 400, answer.text
    return str(answer.json()["error"]["message"])


def test_what_is_chosen_must_fit_and_stands_in_each_version(home: Path, tmp_path: Path) -> None:
    async def story() -> None:
        async with at_work(home, library(tmp_path / "pack")) as s:
            sue, path = s.who["sue"], f"/api/agents/{s.agent_id}"
            there = await sue("GET", "/api/packs/library/abilities")
            flows = {one["name"]: one for one in there["flows"]}
            assert list(flows) == ["lend", "opening", "visit", "danger"]
            assert flows["visit"]["needs"] == {"flows": ["opening"], "tools": ["hours", "smile"]}
            assert [one["name"] for one in flows.values() if one["always"]] == ["danger"]
            assert [one["writes"] for one in there["tools"]] == [True, False, False]
            assert there["looks_first"] is True
            await s.who["ana"]("GET", "/api/packs/library/abilities", expect=403)
            await sue("GET", "/api/packs/nobodys/abilities", expect=404)

            page = (await sue.raw("GET", "/flows/library/lend")).text
            assert "<svg role=" in page and "Lend a book." in page and "LEND" in page
            assert "I would lend {book}. Shall I?" in page  # the steps as text
            assert (await sue.raw("GET", "/flows/library/none")).status_code == 404
            assert (await s.who["ana"].raw("GET", "/flows/library/lend")).status_code == 403

            said = await refused(s, {"flows": ["visit"], "tools": ["hours", "smile"]})
            assert said.startswith(
                "“plan a visit” needs what isn't chosen: the flow “opening hours”"
            )
            said = await refused(s, {"tools": ["lend", "hours"]}, "zh-CN")
            assert "“开放时间”需要未选中的内容：工具“smile”" in said
            assert "no flow “greet”" in await refused(s, {"flows": ["greet"]})
            assert "no tool “fly”" in await refused(s, {"tools": ["fly"]})
            assert "choose a pack first" in await refused(s, {"pack": "", "flows": []})
            assert (await sue("GET", f"{path}/draft"))["unpublished"] == []

            await sue("PUT", f"{path}/draft", {"flows": ["opening", "lend", "opening"]})
            state = await sue("GET", f"{path}/draft")
            assert state["fields"]["flows"] == ["lend", "opening"]
            lost = {"flows": {"added": [], "removed": ["plan a visit"]}}
            assert (state["changes"], state["faults"]) == (lost, [])
            assert await sue("POST", f"{path}/publish") == {"version": 2}
            await sue("PATCH", path, {"flows": ["opening", "visit"], "tools": ["hours", "smile"]})
            newest, second, first = await sue("GET", f"{path}/versions")
            assert newest["changes"] == {
                "flows": {"added": ["plan a visit"], "removed": ["borrow a book"]},
                "tools": {"added": [], "removed": ["lend"]},
            }
            assert (second["changes"], first["changes"]) == (lost, {})
            assert await sue("POST", f"{path}/versions/1/restore") == {"version": 4}
            fields = (await sue("GET", f"{path}/draft"))["fields"]
            assert (fields["flows"], fields["tools"]) == (None, None)

            await sue("PATCH", path, {"flows": ["lend"]})
            await sue("PATCH", path, {"pack": "bare"})  # of another pack it has all
            assert (await sue("GET", f"{path}/draft"))["fields"]["flows"] is None

    asyncio.run(story())


def test_people_begin_what_is_chosen_and_finish_what_they_began(home: Path, tmp_path: Path) -> None:
    async def story() -> None:
        async with at_work(home, library(tmp_path / "pack")) as s:
            sue, path = s.who["sue"], f"/api/agents/{s.agent_id}"
            under_way = await s.begin()
            assert await told(s, under_way, "I want to borrow a book") == "Which book?"
            await sue("PUT", f"{path}/draft", {"flows": ["opening"], "tools": ["hours", "smile"]})
            trial = (await sue("POST", "/api/sessions", {"agent_id": s.agent_id, "draft": True}))[
                "id"
            ]
            answer = await told(s, trial, "I want to borrow a book", "sue")
            assert "Which book" not in answer and "Open" not in answer  # nor anything like it
            assert "Open 09:00" in await told(s, trial, "when are you open", "sue")
            other = await s.begin()
            assert await told(s, other, "I want to borrow a book") == "Which book?"

            await sue("POST", f"{path}/publish")
            assert "Shall I?" in await told(s, under_way, "B-7")
            assert "B-7 is yours" in await told(s, under_way, "yes")
            (deed,) = [one for one in await rows(s.house, "effects") if one["state"] == "done"]
            assert deed["tool"] == "lend"
            assert "Which book" not in await told(s, under_way, "lend me a novel")

            fresh = await s.begin()
            assert "Come then" not in await told(s, fresh, "visit!")  # begun by the first look
            await sue("PATCH", path, {"flows": []})
            assert "Open" not in await told(s, await s.begin(), "when are you open")
            alarmed = await s.begin()
            assert "Somebody comes" in await told(s, alarmed, "smoke!")
            assert await s.owner(alarmed) == "queued"
            await sue("PATCH", path, {"flows": None, "tools": None})
            assert "Come then" in await told(s, await s.begin(), "visit!")

    asyncio.run(story())


def test_over_an_upgrade_what_is_gone_says_so_and_the_rest_works(
    home: Path, tmp_path: Path
) -> None:
    gift = "\n    - call: lend\n      with: {book: '\"B-1\"'}\n      unless_confirmed: a gift"
    newer = FLOWS.replace("\nvisit:", "\ntour:").replace("into: open", f"into: open{gift}")

    async def story() -> None:
        async with at_work(home, library(tmp_path / "pack")) as s:
            chosen = {"flows": ["opening", "visit"], "tools": ["hours", "smile"]}
            await s.who["sue"]("PATCH", f"/api/agents/{s.agent_id}", chosen)
        gone = replace(library(tmp_path / "newer", newer), tools=(lend, hours, smile))
        async with at_work(home, gone) as s:
            owner, path = s.who["owner"], f"/api/agents/{s.agent_id}"
            state = await owner("GET", f"{path}/draft")
            vanished, held = state["faults"]
            assert "flow “visit” is no longer in the pack" in vanished
            assert "“opening hours” needs what isn't chosen: the tool “lend”" in held
            (listed,) = [
                one for one in await owner("GET", "/api/agents") if one["pack"] == "library"
            ]
            assert listed["faults"] == state["faults"]

            async def answer(text: str) -> str:
                made = await owner("POST", "/api/sessions", {"agent_id": s.agent_id})
                return await told(s, made["id"], text, "owner")

            for text in ("when are you open", "plan a visit for me"):
                assert "Open" not in await answer(text)
            assert await rows(s.house, "effects") == []  # no upgrade gave it the tool
            await owner("PATCH", path, {"tone": "calm"})
            await owner("PATCH", path, {"tools": ["hours", "lend", "smile"]})
            assert "Open" in await answer("when are you open")
            await owner("PATCH", path, {"flows": ["opening", "tour"]})
            assert (await owner("GET", f"{path}/draft"))["faults"] == []

    asyncio.run(story())


def test_a_model_is_offered_the_chosen_tools_alone(home: Path, tmp_path: Path) -> None:
    script: list[ScriptedAnswer] = [
        [call("lend", book="B-7")],
        "It was not done.",
        [call("hours")],
        "We open at nine.",
    ]

    home.mkdir()
    (home / "mcp.toml").write_text('[server.peer]\nurl = "http://127.0.0.1:9/"\n')
    listed = ({"name": "fly", "inputSchema": {"type": "object", "properties": {}}},)
    spec = read_servers(home)["peer"]
    keep(home, "peer", Approved(identity=spec.identity, server="p", fingerprint="-", tools=listed))

    async def story() -> None:
        pack = library(tmp_path / "pack", do="confirm")
        async with at_work(home, pack, script) as s:
            sue, path = s.who["sue"], f"/api/agents/{s.agent_id}"
            await sue("PATCH", path, {"mode": "loop", "flows": ["visit"], "tools": ["lend"]})
            session = await s.begin()
            assert "B-7" in await told(s, session, "Lend me B-7")  # shall I?
            there = (await sue("GET", "/api/packs/library/abilities"))["tools"]
            assert [one["name"] for one in there if one["server"] == "peer"] == ["peer.fly"]
            await sue("PATCH", path, {"tools": ["hours", "peer.fly"]})
            answer = await told(s, session, "yes")
            assert "“lend” was not done: this assistant doesn't have it any more." in answer
            assert await rows(s.house, "effects") == []
            assert "nine" in await told(s, session, "When are you open?")
            offers = [set(one) for one in s.model.offered]
            assert "lend" in offers[0] and not {"hours", "peer_fly"} & offers[0]
            assert {"hours", "peer_fly"} <= offers[-1] and not {"lend", "smile"} & offers[-1]
            said = await refused(s, {"mode": "flows"})
            assert "“plan a visit” needs what isn't chosen" in said

    asyncio.run(story())
