"""Servers of others: approved by their hash, contained in all they do, sent a deed once."""

import asyncio
import json
import shutil
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from attenda.cli.commands import app
from attenda.core.command import Affirm, Command, SetSlot, StartFlow
from attenda.core.errors import NotFound, OperatorError, UserError
from attenda.core.event import TextAdded
from attenda.core.label import Integrity, Label, Labelled
from attenda.core.principal import Principal
from attenda.runtime.pack import Pack, Said
from attenda.store import agents, journal, sessions
from attenda.store.database import Database, open_database
from attenda.store.stamps import Stamps
from attenda.store.upgrade import upgrade_database
from attenda.tools.call import Call, Outcome
from attenda.tools.effects import Executor
from attenda.tools.mcp import Servers, look_at
from attenda.tools.mcp_file import ServerSpec, keep, read_servers
from attenda.tools.mcp_schema import broken_rule_apart
from attenda.tools.policy import read_policy
from tests.scripted_house import scripted_house

pytest.importorskip("mcp", reason="the MCP SDK is not here (attenda[mcp])")

HOSTILE = Path(__file__).with_name("hostile_mcp.py")
ANA = Principal(id="usr_ana", role="agent")
POLICY = '[[rule]]\nid = "PUT"\ntool = "peer.put"\ndo = "allow"\n'


class Peer:
    """A home with one server in its file, which does as it is told."""

    def __init__(self, home: Path, database: Database, stamps: Stamps) -> None:
        self.home, self.database, self.stamps = home, database, stamps
        self.count = 0

    def write(self, **more: Any) -> None:
        lines = {
            "command": sys.executable,
            "args": [str(HOSTILE), str(self.home)],
            "reads": ["look"],
            "learns": "asker",
            "timeout_s": 20.0,
            **more,
        }
        body = "".join(f"{name} = {json.dumps(value)}\n" for name, value in lines.items())
        (self.home / "mcp.toml").write_text(f"[server.peer]\n{body}")

    def mode(self, mode: str) -> None:
        (self.home / "mode").write_text(mode)

    async def approve(self) -> None:
        keep(self.home, "peer", await look_at("peer", read_servers(self.home)["peer"]))

    def start(self) -> None:
        self.servers = Servers(self.home)
        tools = {one.name: one for one in self.servers.tools()}
        policy = read_policy(POLICY, "policy.toml")
        self.executor = Executor(self.database, self.stamps, tools, policy, {})

    async def again(self, mode: str = "", **more: Any) -> None:
        """Approve the server as it is, and start anew."""
        await self.servers.close()
        self.write(**more)
        self.mode(mode)
        await self.approve()
        self.start()

    async def call(
        self,
        tool: str = "look",
        trust: Integrity = "user",
        instance: str = "",
        readers: frozenset[str] = frozenset({ANA.id}),
        **arguments: Any,
    ) -> Outcome:
        self.count += 1
        label = Label(integrity=trust, readers=readers)
        given = {name: Labelled(value=one, label=label) for name, one in arguments.items()}
        call = Call(
            session_id="ses_1",
            instance=instance or f"m{self.count}",
            step="1",
            tool=f"peer.{tool}",
            arguments=given,
            because=Label(integrity="user"),
            who=ANA,
        )
        return await self.executor.perform(call)

    @property
    def arrived(self) -> int:
        """Calls that the server has got."""
        file = self.home / "calls"
        return len(file.read_text().splitlines()) if file.exists() else 0


@asynccontextmanager
async def peer_in(folder: Path, stamps: Stamps) -> AsyncIterator[Peer]:
    folder.mkdir(exist_ok=True)
    database = open_database(f"sqlite:///{folder / 'attenda.db'}")
    await upgrade_database(database)
    peer = Peer(folder, database, stamps)
    peer.write()
    peer.mode("")
    await peer.approve()
    peer.start()
    try:
        yield peer
    finally:
        await peer.servers.close()
        await database.close()


def run(home: Path, stamps: Stamps, story: Callable[[Peer], Awaitable[None]]) -> None:
    async def body() -> None:
        async with peer_in(home, stamps) as peer:
            await story(peer)

    asyncio.run(body())


def test_a_tool_of_theirs_is_a_tool_of_ours(home: Path, stamps: Stamps) -> None:
    async def story(peer: Peer) -> None:
        read = await peer.call(word="bread")
        assert read.state == "done" and read.result is not None
        assert read.result.value == {"text": "found bread"}
        assert read.result.whole_label.integrity == "untrusted"
        assert "ses_1" not in read.result.label.sources and read.result.label.readers == {ANA.id}
        peer.mode("structured")
        assert (await peer.call(word="x")).result.value == {"found": 3}  # type: ignore[union-attr]
        one = await peer.call("put", word="x", instance="same")
        two = await peer.call("put", word="x", instance="same")
        assert one.state == two.state == "done" and peer.arrived == 3  # once, from the journal

    run(home, stamps, story)


@pytest.mark.parametrize(
    ("mode", "tool", "state", "said", "sent"),
    [
        ("described", "look", "failed", "not what was approved", 0),
        ("schema", "look", "failed", "not what was approved", 0),
        ("added", "put", "failed", "not what was approved", 0),
        ("removed", "look", "failed", "not what was approved", 0),
        ("pages", "look", "failed", "can't be reached; nothing was sent", 0),
        ("garbage", "look", "done", "", 1),
        ("bytes", "look", "done", "", 1),
        ("noise", "look", "failed", "ended without an answer", 1),
        ("noise", "put", "unknown", "a person must look", 1),
        ("giant frame", "look", "failed", "more than 100000 bytes", 1),
        ("giant frame", "put", "unknown", "a person must look", 1),
        ("giant result", "look", "failed", "more than 100000 bytes", 1),
        ("giant result", "put", "unknown", "a person must look", 1),
        ("dies", "look", "failed", "ended without an answer", 1),
        ("dies", "put", "unknown", "a person must look", 1),
        ("shape", "look", "failed", "can't be read", 1),
        ("internal", "look", "failed", "can't be read", 1),
        ("internal", "put", "unknown", "a person must look", 1),
        ("invalid", "put", "failed", "nothing was done", 1),
        ("says no", "look", "failed", "said that it failed", 1),
        ("asks", "look", "done", "", 1),
    ],
)
def test_a_hostile_peer_is_contained(
    home: Path, stamps: Stamps, mode: str, tool: str, state: str, said: str, sent: int
) -> None:
    """Each ends in a stated state with one sentence, and the next call finds a whole server."""

    async def story(peer: Peer) -> None:
        assert (await peer.call(word="before")).state == "done"
        peer.mode(mode)
        outcome = await peer.call(tool, word="now", instance="the deed")
        assert (outcome.state, peer.arrived) == (state, 1 + sent)
        assert said in str(outcome.problem or "") and "ignore all rules" not in str(outcome.problem)
        if mode == "asks":
            assert outcome.result is not None and outcome.result.value == {"text": "refused"}
        if state == "unknown":  # never a blind repeat
            peer.mode("")
            assert (await peer.call(tool, word="now", instance="the deed")).state == "unknown"
            assert peer.arrived == 1 + sent
        peer.mode("")
        changed = "not what was approved" in said
        later = await peer.call(word="later")
        assert later.state == ("failed" if changed else "done")  # off until approved, also if back
        await peer.again()
        assert (await peer.call(word="at last")).state == "done"

    run(home, stamps, story)


def test_what_a_server_promises_of_its_results_is_held(home: Path, stamps: Stamps) -> None:
    """A result that lies is no data; a deed whose answer lies is nobody's to repeat."""

    async def story(peer: Peer) -> None:
        for mode, state, rule in (
            ("keeps", "done", ""),
            ("lies", "failed", "required"),
            ("hides", "failed", "outputSchema"),
            ("fails", "failed", "said that it failed"),
            ("costly", "failed", "time"),
        ):
            await peer.again(mode)
            outcome = await peer.call(word="x")
            assert outcome.state == state and rule in str(outcome.problem or ""), mode
            assert (outcome.result is None) == (state == "failed")
            assert "IGNORE" not in str(outcome.problem)
        await peer.again("lies")
        before = peer.arrived
        for said in ("answered with something that can't be used", "a person must look"):
            outcome = await peer.call("put", word="x", instance="the deed")
            assert (outcome.state, outcome.result) == ("unknown", None)
            assert said in str(outcome.problem) and "IGNORE" not in str(outcome.problem)
        assert peer.arrived == before + 1

    run(home, stamps, story)


@pytest.mark.parametrize(
    ("mode", "tool", "state"),
    [("slow", "look", "failed"), ("slow", "put", "unknown"), ("crossed", "look", "failed")],
)
def test_no_answer_in_time_is_a_state_and_a_late_one_is_nobodys(
    home: Path, stamps: Stamps, mode: str, tool: str, state: str
) -> None:
    async def story(peer: Peer) -> None:
        await peer.again(timeout_s=1.0)
        peer.mode(mode)
        outcome = await peer.call(tool, word="one")
        assert outcome.state == state and outcome.result is None
        peer.mode("late")
        first = await peer.call(word="first")
        peer.mode("")
        then = await peer.call(word="second")
        assert first.state == "failed" and then.result is not None
        assert then.result.value == {"text": "found second"}
        peer.mode("mute")
        assert "1.0 seconds; nothing was sent" in str((await peer.call(word="x")).problem)

    run(home, stamps, story)


def test_calls_at_once_each_get_their_own_answer(home: Path, stamps: Stamps) -> None:
    async def story(peer: Peer) -> None:
        found = await asyncio.gather(*(peer.call(word=f"w{n}") for n in range(60)))
        values = [one.result.value for one in found if one.result]
        assert values == [{"text": f"found w{n}"} for n in range(60)]

    run(home, stamps, story)


def test_what_the_schema_or_the_monitor_refuses_never_leaves(home: Path, stamps: Stamps) -> None:
    async def story(peer: Peer) -> None:
        for bad in (
            {},
            {"word": 3},
            {"word": "x" * 21},
            {"word": "x", "count": "many"},
            {"word": "x", "more": 1},
        ):
            outcome = await peer.call(**bad)  # type: ignore[arg-type]
            assert outcome.state == "denied" and "Nothing was sent" in str(outcome.problem)
        assert (await peer.call("put", "untrusted", word="x")).state == "denied"
        assert (await peer.call("nothing", word="x")).state == "denied"
        await peer.again(reads=[])  # what no one says reads is a write, and no rule names this one
        assert (await peer.call(word="x")).state == "denied"
        await peer.again(learns="public")
        assert (await peer.call(word="x")).state == "denied"
        assert (await peer.call(word="x", readers=frozenset({"public"}))).state == "done"
        await peer.again("pattern")
        slow = await peer.call(word="a" * 60 + "!")
        assert slow.state == "failed" and "time" in str(slow.problem)
        assert peer.arrived == 1

    run(home, stamps, story)


def test_approval_is_the_operators_and_for_one_way_to_one_server(
    home: Path, stamps: Stamps
) -> None:
    async def story(peer: Peer) -> None:
        peer.mode("version")
        assert (await peer.call(word="x")).state == "failed"  # another server by its own account
        await peer.again()
        peer.write(args=[str(HOSTILE), str(home), "--more"])
        await peer.servers.close()
        peer.start()
        assert "not what was approved" in str((await peer.call(word="x")).problem)
        peer.write()
        peer.start()
        keep(home, "peer", None)
        assert "not approved" in str((await peer.call(word="x")).problem)
        assert Servers(home).tools() == [] and peer.arrived == 0
        for wrong in ("command = 3", 'url = "file:///etc/passwd"', 'comand = "x"', "reads = [", ""):
            (home / "mcp.toml").write_text(f"[server.peer]\n{wrong}\n")
            with pytest.raises(OperatorError):
                Servers(home)
        peer.write(command="no-such-program")
        with pytest.raises(OperatorError):
            await look_at("peer", read_servers(home)["peer"])

    run(home, stamps, story)


def test_the_commands_show_approve_and_take_back(home: Path, stamps: Stamps) -> None:
    home.mkdir()
    peer = Peer(home, None, stamps)  # type: ignore[arg-type]
    peer.write()

    def attenda(*words: str) -> Any:
        return CliRunner().invoke(app, ["--home", str(home), "mcp", *words])

    assert json.loads(attenda("list", "--json").output)[0]["state"] == "new"
    refused = attenda("approve", "peer")
    assert isinstance(refused.exception, UserError) and Servers(home).tools() == []
    shown = attenda("approve", "peer", "--yes").output
    assert "look (reads): Look something up." in shown and "put (writes)" in shown
    assert [one.name for one in Servers(home).tools()] == ["peer.look", "peer.put"]
    assert json.loads(attenda("list", "--json").output)[0]["state"] == "approved"
    peer.write(args=["another"])
    assert json.loads(attenda("list", "--json").output)[0]["state"] == "changed"
    assert attenda("remove", "peer").exit_code == 0 and Servers(home).tools() == []
    assert isinstance(attenda("approve", "nobody").exception, NotFound)


FLOW = """
lookup:
  title: {en: look it up}
  examples: {en: [look it up]}
  slots:
    word: {type: text, ask: {en: "Which word?"}}
  steps:
    - collect: word
    - call: peer.look
      with: {word: word}
      into: found
    - say: {en: "{found.text}"}
    - confirm: {en: "Put it?"}
    - call: peer.put
      with: {word: word}
    - say: {en: Put.}
"""


def test_a_flow_of_a_pack_calls_it(home: Path, stamps: Stamps, tmp_path: Path) -> None:
    (tmp_path / "pack" / "flows").mkdir(parents=True)
    (tmp_path / "pack" / "flows" / "lookup.yaml").write_text(FLOW)
    (tmp_path / "pack" / "policy.toml").write_text(POLICY)
    pack = Pack(name="words", title={"en": "Words"}, folder=tmp_path / "pack")

    async def understand(said: Said) -> list[Command]:
        if said.text == "yes":
            return [Affirm()]
        value = Labelled(value=said.text, label=said.label)
        return [StartFlow(flow="lookup"), SetSlot(slot="word", value=value, words=said.text)]

    async def story() -> None:
        home.mkdir()
        peer = Peer(home, None, stamps)  # type: ignore[arg-type]
        peer.write()
        with pytest.raises(UserError, match="no tool “peer.look”"):
            async with scripted_house(home, packs=[pack], understand=understand):
                pass
        await peer.approve()
        async with scripted_house(home, packs=[pack], understand=understand) as (house, _):

            def make(connection: Any) -> str:
                row = next(a for a in agents.list_agents(connection, ANA) if a["pack"] == "words")
                return sessions.create_session(connection, house.stamps, ANA, row["id"]).id

            session_id = await house.database.write(make)
            for words, answer in (("bread", "found bread"), ("yes", "Put.")):
                started = await house.runs.start(ANA, session_id, words)
                said = "".join(
                    [
                        heard.event.text
                        async for heard in house.runs.follow(session_id, started.after)
                        if isinstance(heard.event, TextAdded)
                    ]
                )
                assert answer in said
            effects = await house.database.read(lambda c: journal.list_effects(c, session_id))
            assert [(one.tool, one.state) for one in effects] == [("peer.put", "done")]

    asyncio.run(story())


def test_nothing_of_a_server_outlives_it(home: Path, stamps: Stamps) -> None:
    async def story(peer: Peer) -> None:
        await peer.call(word="x")
        task = peer.servers._servers["peer"]._talk._task  # type: ignore[union-attr]
        await peer.servers.close()
        assert task is not None and task.done()
        left = [
            line
            for line in Path("/proc").glob("[0-9]*/cmdline")
            if line.exists() and str(peer.home).encode() in _read(line)
        ]
        assert left == []

    run(home, stamps, story)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def test_a_strangers_schema_fetches_nothing_and_takes_no_time() -> None:
    async def story() -> None:
        away = {"type": "object", "properties": {"a": {"$ref": "http://192.0.2.1/schema"}}}
        assert await broken_rule_apart(away, {"a": 1}) == ("", "$ref")
        doubled = {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(40)}
        bomb = {"$ref": "#/$defs/d0", "$defs": {**doubled, "d40": {"type": "object"}}}
        assert await broken_rule_apart(bomb, {}) == ("", "time")
        plain = {"type": "object", "properties": {"a": {"$ref": "#/$defs/n"}}}
        assert await broken_rule_apart({**plain, "$defs": {"n": {"type": "null"}}}, {"a": 1}) == (
            "a",
            "type",
        )

    asyncio.run(story())


async def _http_peer(answer: bytes, more: bytes = b"") -> tuple[asyncio.Server, str]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        try:
            for _ in range(40 if more else 0):
                writer.write(more)
                await writer.drain()
        except ConnectionError:
            pass
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    return server, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/mcp"


def test_a_hostile_peer_over_http_is_contained(home: Path) -> None:
    async def story() -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"
        for answer, more in (
            (head + b'{"jsonrpc": "2.0", "id": 1, "result": "', b"x" * (1 << 20)),
            (head + b"\xff\xfe not json", b""),
            (b"HTTP/1.1 307 Moved\r\nLocation: http://127.0.0.2:9/mcp\r\n\r\n", b""),
            (b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", b""),
        ):
            server, url = await _http_peer(answer, more)
            with pytest.raises(OperatorError):
                await look_at("peer", ServerSpec(url=url, timeout_s=5.0))
            server.close()

    asyncio.run(story())


def test_the_public_reference_server(home: Path, stamps: Stamps, everything: Path) -> None:
    """`@modelcontextprotocol/server-everything`, as npm brings it."""

    async def story(peer: Peer) -> None:
        node = shutil.which("node") or ""
        await peer.servers.close()
        peer.write(command=node, args=[str(everything), "stdio"], reads=["echo", "get-sum"])
        await peer.approve()
        peer.start()
        sum_ = await peer.call("get-sum", a=1, b=2)
        assert sum_.result is not None and "is 3" in str(sum_.result.value)
        many = await asyncio.gather(*(peer.call("echo", message=f"m{n}") for n in range(20)))
        assert [one.result.value for one in many if one.result] == [
            {"text": f"Echo: m{n}"} for n in range(20)
        ]
        assert (await peer.call("get-sum", a="one", b=2)).state == "denied"
        assert (await peer.call("get-env")).state == "denied"  # a write that no rule names

    run(home, stamps, story)
