"""Ours as theirs: the SDK's own client against the app and against `attenda mcp serve`."""

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from attenda.api import Principal
from attenda.cli.owner import listen_tcp, serve_house
from attenda.cli.packs import load_pack
from attenda.core.command import Affirm, Command, SetSlot, StartFlow
from attenda.core.label import Labelled
from attenda.runtime.house import House
from attenda.runtime.pack import Pack, Said, check_pack
from attenda.store import journal, keys, people, schema
from tests.scripted_house import SAVINGS, add_text, scripted_house

mcp = pytest.importorskip("mcp", reason="the MCP SDK is not here (attenda[mcp])")
import httpx2  # noqa: E402 - it comes with the SDK
from mcp.client.streamable_http import streamable_http_client  # noqa: E402

SHOP = load_pack(Path(__file__).parent.parent / "packs" / "shop")
OWNER = Principal(id=people.OWNER_ID, role="owner")
ANSWER = "A savings account costs no monthly fee."


def offering(folder: Path, offer: str) -> Pack:
    """The shop, with one more line in its rules."""
    for one in SHOP.folder.rglob("*"):
        if one.suffix in (".yaml", ".toml"):
            (folder / one.relative_to(SHOP.folder)).parent.mkdir(parents=True, exist_ok=True)
            (folder / one.relative_to(SHOP.folder)).write_bytes(one.read_bytes())
    rules = (folder / "policy.toml").read_text()
    (folder / "policy.toml").write_text(f"offer = {json.dumps(offer.split())}\n{rules}")
    return replace(SHOP, folder=folder)


async def understand(said: Said) -> list[Command]:
    found: list[Command] = []
    for word in said.text.split():
        name, given, value = word.partition("=")
        if given:
            labelled = Labelled(value=value, label=said.label)
            found.append(SetSlot(slot=name, value=labelled, words=value))
        elif word == "refund":
            found.append(StartFlow(flow="refund"))
        elif word == "yes":
            found.append(Affirm())
    return found


@contextlib.asynccontextmanager
async def served(folder: Path, offer: str = "find_customer") -> AsyncIterator[tuple[House, str]]:
    """A house on a port of this machine."""
    pack = offering(folder / "shop", offer)
    opening = scripted_house(folder / "home", lambda _: ANSWER, packs=[pack], understand=understand)
    async with opening as (house, _):
        listener = listen_tcp("127.0.0.1", 0)
        with contextlib.closing(listener):
            async with serve_house(house, [listener]):
                yield house, f"http://127.0.0.1:{listener.getsockname()[1]}"


@contextlib.asynccontextmanager
async def client(address: str, key: str, mode: str = "auto") -> AsyncIterator[Any]:
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx2.AsyncClient(headers=headers, timeout=30) as http:
        way = streamable_http_client(f"{address}/mcp", http_client=http)
        async with mcp.Client(way, mode=mode) as opened:
            yield opened


async def key_of(house: House, email: str, role: str, scopes: list[str] | None = None) -> str:
    """A key of a new person."""

    def make(connection: Any) -> str:
        user_id = f"usr_{email.split('@')[0]}"
        row = {"id": user_id, "email": email, "role": role, "created_at": 0}
        connection.execute(insert(schema.users).values(**row))
        who = people.principal_of(connection, user_id)
        return keys.create_key(connection, house.stamps, who, "program", scopes=scopes)[1]

    return await house.database.write(make)


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_the_sdks_client_searches_asks_and_reads(tmp_path: Path, mode: str) -> None:
    async def story() -> None:
        async with served(tmp_path) as (house, address):
            await add_text(house, OWNER, "savings.md", SAVINGS)
            async with client(address, house.owner_key, mode) as one:
                tools = {tool.name: tool for tool in (await one.list_tools()).tools}
                assert set(tools) == {"search", "ask", "shop-find_customer"}
                assert "issue_refund" not in str(tools)
                found = await one.call_tool("search", {"query": "monthly fee", "k": 3})
                first = found.structured_content["passages"][0]
                assert first["document"] == "Savings accounts" and "monthly fee" in first["text"]
                answer = await one.call_tool("ask", {"question": "Is there a monthly fee?"})
                assert ANSWER in answer.structured_content["answer"]
                cited = answer.structured_content["citations"]
                assert cited and cited[0]["document"] == "Savings accounts"
                row = await one.call_tool("shop-find_customer", {"email": "ana@example.test"})
                assert not row.is_error, row
                for name, arguments in (
                    ("search", {}),
                    ("search", {"query": "x", "k": 1000}),
                    ("ask", {"question": "x", "agent": "nobody"}),
                    ("ask", {"question": "x", "conversation": "ses_other"}),
                    ("shop-get_order", {"order": "O-1001", "customer": "C-1"}),
                    ("shop-issue_refund", {"order": "O-1001", "amount": "1"}),
                    ("shop-find_customer", {"email": 3}),
                ):
                    bad = await one.call_tool(name, arguments)
                    assert bad.is_error and bad.content[0].text, (name, arguments)

    asyncio.run(story())


def test_a_flow_over_mcp_confirms_and_writes_once(tmp_path: Path) -> None:
    async def story() -> None:
        async with served(tmp_path) as (house, address), client(address, house.owner_key) as one:
            first = await one.call_tool(
                "ask", {"question": "refund order=O-1001 email=ana@example.test", "agent": "Shop"}
            )
            assert "Shall I?" in first.structured_content["answer"], first
            conversation = first.structured_content["conversation"]
            effects = await house.database.read(lambda c: journal.list_effects(c, conversation))
            assert effects == []
            then = {"question": "yes", "conversation": conversation}
            done = await one.call_tool("ask", then)
            assert "60.40" in done.structured_content["answer"]
            await one.call_tool("ask", then)
            effects = await house.database.read(lambda c: journal.list_effects(c, conversation))
            assert [(one.tool, one.state) for one in effects] == [("issue_refund", "done")]

    asyncio.run(story())


def test_each_program_has_its_persons_rights(tmp_path: Path) -> None:
    async def story() -> None:
        async with served(tmp_path) as (house, address):
            await add_text(house, OWNER, "savings.md", SAVINGS)
            ana = await key_of(house, "ana@example.test", "agent")
            bob = await key_of(house, "bob@example.test", "agent")
            seen = await key_of(house, "eve@example.test", "viewer")
            async with client(address, ana) as one, client(address, bob) as other:
                mine = await one.call_tool("ask", {"question": "hello"})
                conversation = mine.structured_content["conversation"]
                theirs = {"question": "hello", "conversation": conversation}
                assert (await other.call_tool("ask", theirs)).is_error
                # the same ids on the wire at the same time: each gets the answer to its question
                whose = {"ana@example.test": "C-100", "li@example.test": "C-101"}
                asked = list(zip(whose, (one, other), strict=True)) * 60
                found = await asyncio.gather(
                    *(way.call_tool("shop-find_customer", {"email": mail}) for mail, way in asked)
                )
                got = [each.structured_content["id"] for each in found]
                assert got == [whose[mail] for mail, _ in asked]
            async with httpx2.AsyncClient(base_url=address) as http:
                listing = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
                for headers, status in (
                    ({}, 401),
                    ({"Authorization": "Bearer wrong"}, 401),
                    ({"Authorization": f"Bearer {seen}"}, 403),
                    ({"Authorization": f"Bearer {ana}", "Host": "evil.example"}, 403),
                    ({"Cookie": "attenda=x", "Origin": "http://evil.example"}, 403),
                    ({"Authorization": f"Bearer {ana}"}, 200),
                ):
                    answer = await http.post("/mcp", json=listing, headers=headers)
                    assert answer.status_code == status, headers
                bearer = {"Authorization": f"Bearer {ana}"}
                for bad in (b"", b"{", b"\xff\xfe", b"[]", b"null", b'{"id": 1}', b"[" * 9000):
                    kind = {**bearer, "Content-Type": "application/json"}
                    answer = await http.post("/mcp", content=bad, headers=kind)
                    assert 400 <= answer.status_code < 500, bad[:20]
                assert (await http.post("/mcp", content=b"x" * (2 << 20), headers=bearer)).is_error
                assert (await http.get("/mcp", headers=bearer)).status_code == 405
                assert (await http.post("/mcp", json=listing, headers=bearer)).status_code == 200

    asyncio.run(story())


def test_a_pack_offers_what_reads_and_nothing_else(tmp_path: Path) -> None:
    assert check_pack(offering(tmp_path / "a", "get_order")) == []
    for wrong in ("issue_refund", "nothing"):
        assert any("offer" in one for one in check_pack(offering(tmp_path / wrong, wrong)))


def test_the_command_serves_on_standard_input(home: Path, weights_home: Path) -> None:
    """A client of another program, over pipes; what is no frame does not end it."""
    home.mkdir()
    (home / "models").symlink_to(weights_home / "models")
    program = mcp.StdioServerParameters(
        command=sys.executable,
        args=["-m", "attenda", "--home", str(home), "mcp", "serve"],
        env={"PYTHONPATH": ":".join(sys.path)},
    )

    async def story() -> None:
        async with mcp.Client(program) as one:
            tools = {tool.name for tool in (await one.list_tools()).tools}
            assert tools == {"search", "ask"}
            bad = await one.call_tool("search", {"query": ""})
            assert bad.is_error
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            *program.args,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        listing = b'{"jsonrpc": "2.0", "id": 7, "method": "tools/list"}\n'
        hello = {"protocolVersion": "2025-06-18", "capabilities": {}}
        hello["clientInfo"] = {"name": "t", "version": "1"}
        opening = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello})
        started = b'{"jsonrpc": "2.0", "method": "notifications/initialized"}\n'
        noise = b"\xff\xfe\n{not json\n[]\n"
        assert child.stdin is not None and child.stdout is not None
        child.stdin.write(noise + opening.encode() + b"\n" + started + noise + listing)
        await child.stdin.drain()
        while True:  # ends with the test's own limit
            found = json.loads(await child.stdout.readline())
            if found.get("id") == 7:
                break
        assert {tool["name"] for tool in found["result"]["tools"]} == {"search", "ask"}
        child.stdin.close()
        assert await child.wait() == 0

    asyncio.run(story())
