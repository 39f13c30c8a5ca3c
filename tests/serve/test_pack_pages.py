"""What a pack shows and takes in beside the talk, by role and in the journal."""

import asyncio
import contextlib
import html
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx

from attenda.serve.app import create_app
from attenda.store import audit, journal
from tests.runtime.test_flows import rows, understand
from tests.scripted_house import scripted_house
from tests.serve.desk_people import SHOP, Shop, shop

TOOLS = "/api/packs/shop/tools"


def note(once: str, text: str = "rings twice") -> dict[str, Any]:
    return {"arguments": {"order": "O-1001", "note": text}, "once": once}


async def notes(s: Shop) -> str:
    (found,) = [row for row in await rows(s.house, "shop_orders") if row["id"] == "O-1001"]
    return str(found["note"])


async def effects(s: Shop) -> int:
    return len(await s.house.database.read(lambda c: journal.list_effects(c, "page")))


def test_a_form_calls_a_tool_once_under_its_policy(home: Path, database_url: str) -> None:
    async def story() -> None:
        async with shop(home, database_url) as s:
            done = await s.who["sam"]("POST", f"{TOOLS}/note_order", note("form1"))
            assert done["state"] == "done" and await notes(s) == "rings twice"
            await s.who["sam"]("POST", f"{TOOLS}/note_order", note("form1"))
            assert await effects(s) == 1, "what is sent twice from one form is done once"
            await s.who["kim"]("POST", f"{TOOLS}/note_order", note("form1", "kim's"))
            assert await effects(s) == 2, "another person's form is another deed"
            await s.who["li"]("POST", f"{TOOLS}/note_order", note("x"), expect=403)
            for wrong in ({"order": "O-1001"}, {"order": "O-9", "note": "x"}):
                body = {"arguments": wrong, "once": "y"}
                answer = await s.who["sam"].raw("POST", f"{TOOLS}/note_order", body)
                assert 400 <= answer.status_code < 500, answer.text
            assert await notes(s) == "kim's"

    asyncio.run(story())


def test_a_large_refund_from_a_screen_waits_for_a_yes(home: Path) -> None:
    async def story() -> None:
        async with shop(home) as s:
            body = {"arguments": {"order": "O-1005", "amount": "899.00"}, "once": "f"}
            path = f"{TOOLS}/issue_refund"
            assert (await s.who["sam"]("POST", path, body))["state"] == "waiting"
            assert await rows(s.house, "shop_refunds") == []
            (waits,) = await s.who["sue"]("GET", "/api/approvals")
            yes = {"yes": True, "shown": waits["shown"]}
            await s.who["sue"]("POST", f"/api/approvals/{waits['id']}", yes)
            for _ in range(2):
                assert (await s.who["sam"]("POST", path, body))["state"] == "done"
            (row,) = await rows(s.house, "shop_refunds")
            assert row["amount"] == "899.00"

    asyncio.run(story())


def test_screens_are_for_those_who_may_and_escape_what_they_show(home: Path) -> None:
    async def story() -> None:
        async with shop(home) as s:
            bad = "<script>alert(1)</script>"
            await s.who["sam"]("POST", f"{TOOLS}/note_order", note("f", bad))
            page = (await s.who["sam"].raw("GET", "/packs/shop")).text
            assert bad not in page and html.escape(bad) in page
            assert 'href="/packs/shop/orders/O-1001"' in page
            one = (await s.who["sam"].raw("GET", "/packs/shop/orders/O-1001")).text
            assert re.search(r'data-tool="note_order" data-once="frm_\w+"', one)
            assert (await s.who["li"].raw("GET", "/packs/shop")).status_code == 403
            for path in ("/packs/shop/nothing", "/packs/none", "/packs/shop/orders/O-9"):
                assert (await s.who["sam"].raw("GET", path)).status_code == 404
            assert (await s.who["sam"].raw("GET", "/packs/shop/import")).status_code == 403
            assert (await s.who["sam"].raw("GET", "/packs/shop?status=gone")).status_code == 200

    asyncio.run(story())


def test_programs_come_in_by_endpoints(home: Path) -> None:
    async def story() -> None:
        async with shop(home) as s:
            found = await s.who["sam"]("GET", "/packs/shop/api/orders/O-1002")
            assert found["total"] == "25.00"
            file = await s.who["sam"].raw("GET", "/packs/shop/api/orders.csv")
            assert file.headers["content-disposition"].startswith("attachment;")
            assert "O-1002,25.00" in file.text
            await s.who["li"]("GET", "/packs/shop/api/orders/O-1002", expect=403)
            await s.who["sam"]("GET", "/packs/shop/api/orders/O-9", expect=404)
            await s.who["sam"]("DELETE", "/packs/shop/api/orders/O-1002", expect=405)
            await s.who["sam"]("POST", "/packs/shop/api/notes", {"order": "O-1001"}, expect=403)
            async with owner(s) as send:
                answer = await send("POST", "/packs/shop/api/notes", json={"order": "O-1001"})
                assert answer.json() == {"state": "done"} and await notes(s) == "by program"
                assert (await send("POST", "/packs/shop/api/notes", json={})).status_code == 400
                assert (await send("POST", "/packs/shop/api/notes", content="{")).status_code == 400
                deep = "[" * 100_000
                assert (
                    await send("POST", "/packs/shop/api/notes", content=deep)
                ).status_code == 400

    asyncio.run(story())


def test_files_are_read_in_whole_and_samples_go_once(home: Path, database_url: str) -> None:
    table = (
        b"id,customer_id,status,total,note\n"
        b"O-1,C-100,new,5.00,\n,C-100,new,1.00,\nO-1001,C-100,x,1.00,\n"
    )

    async def story() -> None:
        async with shop(home, database_url) as s, owner(s) as send:
            path = "/api/packs/shop/imports/orders"

            async def read(**data: str) -> Any:
                return await send("POST", path, files={"file": ("o.csv", table)}, data=data)

            tried = (await read(dry_run="true")).json()
            assert (tried["added"], tried["changed"], tried["rejected"]) == (1, 1, 1)
            assert len(await rows(s.house, "shop_orders")) == 3, "a trial changes nothing"
            done = (await read()).json()
            assert done["rejects"] == [{"place": "o.csv:3", "reason": "it has no id"}]
            assert (await read()).json()["same"] == 2
            assert len(await rows(s.house, "shop_orders")) == 4
            other = await send("POST", "/api/packs/shop/imports/x", files={"file": ("o", b"")})
            assert other.status_code == 404
            gone = (await send("DELETE", "/api/packs/shop/samples")).json()
            assert gone == {"removed": 5}
            assert [row["id"] for row in await rows(s.house, "shop_orders")] == ["O-1"]
            noted = await s.house.database.read(audit.audit_rows)
            assert {"pack.import", "pack.samples_removed"} <= {row.action for row in noted}
        again = scripted_house(home, database=database_url, packs=[SHOP], understand=understand)
        async with again as (house, _):
            assert len(await rows(house, "shop_orders")) == 1, "samples don't come back"

    asyncio.run(story())


def test_a_packs_first_look_goes_before_understanding(home: Path) -> None:
    async def story() -> None:
        async with shop(home) as s:
            id_ = await s.begin()
            await s.say(id_, "refund order=O-1001 email=ana@example.test")
            await s.say(id_, "yes, and there is a fire")
            assert await s.owner(id_) == "queued"
            assert await rows(s.house, "shop_refunds") == []

    asyncio.run(story())


@contextlib.asynccontextmanager
async def owner(s: Shop) -> AsyncIterator[Any]:
    """Requests by the local owner."""
    transport = httpx.ASGITransport(create_app(s.house))
    headers = {"Authorization": f"Bearer {s.house.owner_key}"}
    async with httpx.AsyncClient(
        transport=transport, base_url="http://localhost", headers=headers
    ) as client:
        yield client.request
