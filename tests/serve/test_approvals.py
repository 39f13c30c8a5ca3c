"""Approvals by HTTP: what is shown is done, one decision counts, and switches stop writes."""

import asyncio
import json
from pathlib import Path
from typing import Any

from attenda.api import Deed, Pack, tool
from attenda.runtime.house import House
from attenda.store import keys, people
from attenda.store.database import Connection
from tests.runtime.test_flows import rows
from tests.serve.desk_people import DESK, Person, shop


async def _pending(s: Any, who: str = "sue") -> Any:
    found = await s.who[who]("GET", "/api/approvals")
    return found[0]


def test_of_two_who_click_often_one_decides_and_the_other_learns_who(
    home: Path, database_url: str
) -> None:
    async def story() -> None:
        async with shop(home, database_url) as s:
            id_ = await s.begin()
            await s.say(id_, "refund order=O-1005 email=ana@example.test")
            await s.say(id_, "yes")
            assert len((await s.who["ana"].session(id_))["approvals"]) == 1
            waits = await _pending(s)
            assert {"name": "amount", "value": "899.00"} in waits["arguments"]
            path, yes = f"/api/approvals/{waits['id']}", {"yes": True, "shown": waits["shown"]}
            await s.who["sam"]("POST", path, yes, expect=403)
            await s.who["sue"]("POST", path, {**yes, "shown": "0" * 64}, expect=409)
            assert await rows(s.house, "shop_refunds") == []
            sue, max_ = s.who["sue"], s.who["max"]
            clicks = await asyncio.gather(
                *(one.raw("POST", path, {**yes, "reason": "known"}) for one in (sue, max_) * 10)
            )
            codes = [one.status_code for one in clicks]
            assert sorted(codes) == [200] + [409] * 19
            quicker = ("Sue", "Max")[codes.index(200) % 2]
            said = {one.json()["error"]["message"] for one in clicks if one.status_code != 200}
            assert said == {f"{quicker} has said yes to it already."}
            await s.rest(id_)
            (row,) = await rows(s.house, "shop_refunds")
            assert row["amount"] == "899.00"
            assert "Done: 899.00" in (await s.who["ana"].texts(id_))[-1][1]
            assert (await _pending(s))["state"] == "used"

    asyncio.run(story())


def test_a_yes_while_a_person_has_it_is_carried_out_when_it_is_given_back(home: Path) -> None:
    async def story() -> None:
        async with shop(home) as s:
            id_ = await s.begin()
            await s.say(id_, "refund order=O-1005 email=ana@example.test")
            await s.say(id_, "yes")
            await s.person(id_)
            await s.who["sam"]("POST", f"{DESK}/{id_}/claim")
            waits = await _pending(s)
            yes = {"yes": True, "shown": waits["shown"]}
            await s.who["sue"]("POST", f"/api/approvals/{waits['id']}", yes)
            await s.rest(id_)
            assert await rows(s.house, "shop_refunds") == []  # the bot keeps silent
            await s.who["sam"]("POST", f"{DESK}/{id_}/return")
            await s.rest(id_)
            assert len(await rows(s.house, "shop_refunds")) == 1
            assert await s.owner(id_) == "bot"

    asyncio.run(story())


def test_what_expired_cannot_be_decided_and_is_asked_anew(home: Path) -> None:
    async def story() -> None:
        async with shop(home) as s:
            id_ = await s.begin()
            await s.say(id_, "refund order=O-1005 email=ana@example.test")
            await s.say(id_, "yes")
            waits = await _pending(s)
            await s.house.database.write(
                lambda c: c.exec_driver_sql("UPDATE approvals SET expires_at = 1")
            )
            assert (await _pending(s))["state"] == "expired"
            path, yes = f"/api/approvals/{waits['id']}", {"yes": True, "shown": waits["shown"]}
            late = await s.who["sue"]("POST", path, yes, expect=409)
            assert "expired" in late["error"]["message"]
            await s.say(id_, "wait")
            assert (await _pending(s))["id"] != waits["id"]
            assert await rows(s.house, "shop_refunds") == []

    asyncio.run(story())


def test_the_switch_stops_writes_and_only_who_operates_moves_it(home: Path) -> None:
    async def story() -> None:
        async with shop(home) as s:
            await s.who["sue"]("PUT", "/api/switches/tools", {"off": True}, expect=403)
            admin = await s.house.database.write(lambda c: _admin(c, s.house))
            boss = Person(s.who["ana"]._client, admin)
            await boss("PUT", "/api/switches/nonsense", {"off": True}, expect=404)
            await boss("PUT", "/api/switches/tool:issue_refund", {"off": True})
            found = await s.who["sue"]("GET", "/api/switches")
            assert found == {"tools": False, "tool:issue_refund": True, "tool:note_order": False}
            id_ = await s.begin()
            await s.say(id_, "refund order=O-1001 email=ana@example.test")
            await s.say(id_, "yes")
            assert await rows(s.house, "shop_refunds") == []

    asyncio.run(story())


def _admin(c: Connection, house: House) -> str:
    who = people.principal_of(c, people.OWNER_ID)
    return keys.create_key(c, house.stamps, who, "boss")[1]


def test_a_deed_whose_answer_was_lost_is_settled_by_who_looked(home: Path, tmp_path: Path) -> None:
    """Found undone it may be asked for anew, under the same key; found done it is over."""
    sent: list[str] = []

    @tool(writes=True)
    async def send_letter(deed: Deed, at: str) -> dict[str, str]:
        """Send a letter."""
        sent.append(deed.key)
        if len(sent) == 1:
            raise TimeoutError
        return {"at": at}

    folder = tmp_path / "letters"
    flow = {
        "title": {"en": "Letter"},
        "examples": {"en": ["refund"]},
        "steps": [{"call": "send_letter", "with": {"at": "'home'"}, "unless_confirmed": "a trial"}],
    }
    (folder / "flows").mkdir(parents=True)
    (folder / "flows" / "all.yaml").write_text(json.dumps({"refund": flow}), "utf-8")
    rule = '[[rule]]\nid = "R"\ntool = "send_letter"\ndo = "allow"\n'
    (folder / "policy.toml").write_text(rule, "utf-8")
    pack = Pack("shop", {"en": "Letters"}, folder, tools=(send_letter,))

    async def story() -> None:
        async with shop(home, pack=pack) as s:
            id_ = await s.begin()
            await s.say(id_, "refund")
            assert len(sent) == 1 and await s.owner(id_) == "queued"
            sue, ana = s.who["sue"], s.who["ana"]
            (lost,) = (await sue("GET", f"{DESK}/{id_}"))["lost"]
            assert lost["tool"] == "send_letter" and lost["may_settle"]
            path = f"{DESK}/{id_}/effects/{lost['key']}"
            await ana("POST", path, {"done": True}, expect=403)
            await sue("POST", f"{DESK}/{id_}/effects/x", {"done": True}, expect=404)
            await sue("POST", path, {"done": True})
            late = await sue("POST", path, {"done": False}, expect=409)
            assert "already" in late["error"]["message"]
            assert (await sue("GET", f"{DESK}/{id_}"))["lost"] == []
            (effect,) = await rows(s.house, "effects")
            assert effect["state"] == "done"

    asyncio.run(story())
