"""What is private stays with its readers: canaries in private data, every byte that leaves (R3).

A random canary stands in another person's rows, document, memory and messages, and one in the
asker's own. Random sessions ask for them, and random flows compute with them, encode them, cut them
in two and hand them to whoever listens outside, or to whom a call names. No byte for somebody who
may not read a canary may have it: plain, base64, hex, URL-coded or in halves. Without a guard, the
same sessions must leak; where nobody asks whom a call names, they must leak to just those.
"""

import asyncio
import base64
import contextlib
import json
import os
import random
import string
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from attenda.api import Deed, Message, Pack, PackTable, Principal, Said, tool
from attenda.core.command import (
    Affirm,
    Command,
    NotUnderstood,
    Recall,
    Remember,
    SetSlot,
    StartFlow,
)
from attenda.core.label import Labelled
from attenda.runtime.house import House
from attenda.serve.app import create_app
from attenda.store import agents, documents, keys, people, schema
from attenda.store.database import Connection
from attenda.tools import effects
from tests.scripted_house import scripted_house

SEED = 20260105
SESSIONS, FLOWS = (600, 300) if os.environ.get("ATTENDA_LONG") == "1" else (12, 30)
LI, ANA, BOB = (Principal(id=f"usr_{name}", role="agent") for name in ("li", "ana", "bob"))
PEOPLE = (LI, ANA, ANA, BOB)
NAMED = [f"do named{number} w" for number in range(6)]


def canary(chance: random.Random) -> str:
    """Letters and digits, and signs that each code writes otherwise."""
    letters = "".join(chance.choices(string.ascii_letters + string.digits, k=22))
    return f"{letters[:7]}/{letters[7:14]}+{letters[14:]}"


def forms(secret: str) -> list[str]:
    """Every way in which a secret must not be found; base64 at each of its three places."""
    raw = secret.encode()
    coded = [base64.b64encode(b"x" * pad + raw).decode()[pad and 4 : -4] for pad in range(3)]
    every = "".join(f"%{byte:02x}" for byte in raw)
    found = [*coded, *(one.replace("+", "-").replace("/", "_") for one in coded)]
    found += [secret, secret[::-1], raw.hex(), quote(secret, safe=""), quote(secret), every]
    return [one.lower() for one in found]


def leaks(sent: Sequence[str], secret: str) -> list[str]:
    """What of the texts has the secret, or both of its halves."""
    texts = [one.lower() for one in sent]
    found = [text for text in texts if any(form in text for form in forms(secret))]
    middle = len(secret) // 2
    halves = [half.lower() for half in (secret[:middle], secret[middle:])]
    split = [[text for text in texts if half in text] for half in halves]
    return found or ([*split[0], *split[1]] if all(split) else [])


@pytest.mark.parametrize("pad", ["", "a", "ab"])
def test_every_form_is_found(pad: str) -> None:
    secret = canary(random.Random(pad))
    middle = len(secret) // 2
    for text in (
        f"{pad}{secret}.", secret.upper(), f"{pad}{secret}!".encode().hex(), quote(secret),
        base64.b64encode(f"{pad}{secret}zz".encode()).decode(), secret[::-1],
        base64.urlsafe_b64encode(f"{pad}{secret}".encode()).decode(),
        "".join(f"%{byte:02X}" for byte in secret.encode()),
    ):  # fmt: skip
        assert leaks(["hello", text], secret), text
    assert leaks([secret[:middle], "and", secret[middle:]], secret)
    assert not leaks([secret[:middle], canary(random.Random("another"))], secret)


@dataclass
class Outside:
    """Who learns what: bytes by sink."""

    sent: dict[str, list[str]] = field(default_factory=dict)
    handed: dict[str, list[str]] = field(default_factory=dict)
    """By person, what was sent to whom the call named."""

    def take(self, sink: str, *texts: str) -> None:
        self.sent.setdefault(sink, []).extend(texts)

    def hand(self, to: str, text: str) -> None:
        self.take(to, text)
        self.handed.setdefault(to, []).append(text)


def tools(outside: Outside) -> tuple[Any, ...]:
    """Tools that find, encode and send."""

    @tool(gives_untrusted=frozenset({"note"}))
    def mine(deed: Deed) -> dict[str, str]:
        """One's own card."""
        return dict(deed.rows("cards").find(owner=deed.who.id)[0])

    @tool()
    def of_number(deed: Deed, number: str) -> dict[str, str]:
        """A card by its number, for whom it belongs to."""
        found = [one for one in deed.rows("cards").find(id=number) if one["owner"] == deed.who.id]
        return dict(found[0]) if found else {"secret": "none", "note": "none"}

    @tool()
    def coded(deed: Deed, text: str, way: str) -> dict[str, str]:
        """A text in another form."""
        raw, middle = text.encode(), len(text) // 2
        ways = {"base64": base64.b64encode(raw).decode(), "hex": raw.hex(), "url": quote(text)}
        return {"text": ways.get(way, text), "one": text[:middle], "two": text[middle:]}

    @tool(writes=True, free_text=frozenset({"text"}))
    def keep(deed: Deed, text: str) -> dict[str, str]:
        """Remember a text."""
        deed.rows("notes").add(id=deed.key, owner=deed.who.id, text=text)
        return {"id": deed.key}

    @tool()
    def kept(deed: Deed) -> dict[str, str]:
        """What was remembered."""
        rows = deed.rows("notes").find(owner=deed.who.id)
        return {"text": str(rows[-1]["text"]) if rows else "nothing"}

    return (mine, of_number, coded, keep, kept, *senders(outside))


def senders(outside: Outside) -> tuple[Any, ...]:
    """Tools that tell somebody: always the same one, or whom the call names."""

    @tool(writes=True, takes_key=True, free_text=frozenset({"a", "b"}), sink=frozenset({"web"}))
    async def post(deed: Deed, a: str, b: str) -> dict[str, str]:
        """Put two texts on the web."""
        outside.take("web", a, b)
        return {"number": deed.key[:8]}

    @tool(writes=True, takes_key=True, free_text=frozenset({"text"}), sink=frozenset({BOB.id}))
    async def mail(deed: Deed, text: str) -> dict[str, str]:
        """Write to Bob."""
        outside.take("bob", text)
        return {"number": deed.key[:8]}

    @tool(sink=frozenset({"web"}))
    async def look_up(deed: Deed, query: str) -> dict[str, str]:
        """Ask the web."""
        outside.take("web", query)
        return {"text": "found"}

    @tool(writes=True, takes_key=True, free_text=frozenset({"text"}), sink=lambda deed, to: {to})
    async def send(deed: Deed, to: str, text: str) -> dict[str, str]:
        """Write to whom the call names."""
        outside.hand(to, text)
        return {"number": deed.key[:8]}

    def whose(deed: Deed, number: str) -> set[str]:
        return {str(one["owner"]) for one in deed.rows("cards").find(id=number)}

    @tool(writes=True, free_text=frozenset({"text"}), sink=whose)
    def slip(deed: Deed, number: str, text: str) -> dict[str, str]:
        """Write to whom a card belongs to."""
        outside.hand(str(deed.rows("cards").get(number)["owner"]), text)
        return {"number": deed.key[:8]}

    return post, mail, look_up, send, slip


def flow(chance: random.Random, number_of: int) -> dict[str, Any]:
    """A flow that finds the card, does random things with it, and ends outside."""
    names = ["found.secret", "found.note", "found.id", "word", "'hello'", "found.secret + word"]
    steps: list[dict[str, Any]] = [{"collect": "word"}, {"call": "mine", "into": "found"}]
    for number in range(chance.randint(0, 3)):
        match chance.randrange(4):
            case 0:
                way = chance.choice(["'base64'", "'hex'", "'url'", "'plain'"])
                into = f"c{number}"
                what = {"text": chance.choice(names), "way": way}
                steps.append({"call": "coded", "with": what, "into": into})
                names += [f"{into}.{part}" for part in ("text", "one", "two")] * 2
            case 1:
                steps.append({"set": {f"x{number}": chance.choice(names)}})
                names.append(f"x{number}")
            case 2:
                steps.append({"call": "keep", "with": {"text": chance.choice(names)}})
                steps.append({"call": "kept", "into": f"k{number}"})
                names.append(f"k{number}.text")
            case 3:
                steps.append({"say": {"en": f"It is {{{chance.choice(names)}}}."}})
    names = ["'hello'"] if chance.random() < 0.4 else names  # what is public goes out
    one, two = chance.choice(names), chance.choice(names)
    last = [
        {"call": "post", "with": {"a": one, "b": two}, "unless_confirmed": "a trial"},
        {"call": "mail", "with": {"text": one}, "unless_confirmed": "a trial"},
        {"call": "look_up", "with": {"query": one}},
        {"call": "send", "with": {"to": f"'{chance.choice(PEOPLE).id}'", "text": one}},
        {"call": "slip", "with": {"number": f"'N-{chance.choice(PEOPLE).id}'", "text": one}},
    ]
    steps.append(last[number_of % len(last)])
    for step in steps:
        if step.get("call") in ("keep", "send", "slip"):
            step["unless_confirmed"] = "a trial"
    return _written(f"f{number_of}", steps)


def named_flows() -> dict[str, dict[str, Any]]:
    """Flows that tell the card to oneself, and to everybody who may not read it."""
    secret = "found.secret"
    calls: list[dict[str, Any]] = [
        {"call": "send", "with": {"to": f"'{ANA.id}'", "text": secret}},
        {"call": "send", "with": {"to": f"'{BOB.id}'", "text": secret}},
        {"call": "slip", "with": {"number": f"'N-{ANA.id}'", "text": secret}},
        {"call": "slip", "with": {"number": f"'N-{LI.id}'", "text": secret}},
        {"call": "mail", "with": {"text": secret}},
        {"call": "post", "with": {"a": "'hello'", "b": secret}},
    ]
    found = {}
    for number, call in enumerate(calls):
        told = {**call, "unless_confirmed": "a trial"}
        steps = [{"collect": "word"}, {"call": "mine", "into": "found"}, told]
        found[f"named{number}"] = _written(f"named{number}", steps)
    return found


def _written(name: str, steps: list[dict[str, Any]]) -> dict[str, Any]:
    slot = {"type": "text", "ask": {"en": "Which word?"}}
    title = {"en": name}
    return {"title": title, "examples": {"en": [name]}, "slots": {"word": slot}, "steps": steps}


async def understand(said: Said) -> Sequence[Command]:
    """`do NAME word=…` and `yes`; everything else asks the documents."""
    words = said.text.split()
    if words[:1] == ["yes"]:
        return [Affirm()]
    if words[:1] == ["remember"]:
        return [Remember(text=said.text)]
    if words[:1] == ["recall"]:
        return [Recall()]
    if words[:1] != ["do"]:
        return [NotUnderstood()]
    value = Labelled(value=words[2], label=said.label)
    return [StartFlow(flow=words[1]), SetSlot(slot="word", value=value, words=words[2])]


@dataclass
class World:
    """A house with three people, and what each of them was sent."""

    house: House
    client: httpx.AsyncClient
    keys: dict[str, str]
    outside: Outside
    prompts: list[list[Message]]
    secrets: dict[str, str]
    """Person to the canary that they alone may read."""

    async def ask(self, who: Principal, method: str, path: str, body: Any = None) -> str:
        """A request of one's own; its answer is among what they were sent."""
        headers = {"Authorization": f"Bearer {self.keys[who.id]}"}
        answer = await self.client.request(method, path, json=body, headers=headers)
        assert answer.status_code < 500, f"{method} {path}: {answer.text}"
        self.outside.take(who.id, answer.text, str(answer.headers))
        return answer.text


@contextlib.asynccontextmanager
async def world(folder: Path, seed: int) -> AsyncIterator[World]:
    chance = random.Random(seed)
    secrets = {one.id: canary(chance) for one in (LI, ANA)}
    outside = Outside()
    home = folder / "home"
    pack = _pack(folder / "vault", chance, outside, secrets)

    def parrot(messages: Sequence[Message]) -> str:
        """A model that repeats what it was given, plainly and coded."""
        text = " ".join(one.text for one in messages)[-600:]
        return f"{text} {base64.b64encode(text.encode()).decode()}"

    opening = scripted_house(home, parrot, packs=[pack], understand=understand)
    async with opening as (house, model):
        found = await house.database.write(lambda c: _enter(c, house))
        transport = httpx.ASGITransport(create_app(house))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            made = World(house, client, found, outside, model.asked, secrets)
            for one in (LI, ANA):
                await _private(made, one)
            yield made


def _pack(folder: Path, chance: random.Random, outside: Outside, secrets: dict[str, str]) -> Pack:
    (folder / "flows").mkdir(parents=True)
    flows = {f"f{number}": flow(chance, number) for number in range(FLOWS)}
    flows |= named_flows()
    (folder / "flows" / "all.yaml").write_text(json.dumps(flows), "utf-8")  # JSON is YAML
    made = tools(outside)
    rules = "".join(
        f'[[rule]]\nid = "{one.name}"\ntool = "{one.name}"\ndo = "allow"\n' for one in made
    )
    (folder / "policy.toml").write_text(rules, "utf-8")
    cards = [
        {"id": f"N-{who}", "owner": who, "secret": secret, "note": f"the card is {secret}"}
        for who, secret in secrets.items()
    ]
    cards.append({"id": f"N-{BOB.id}", "owner": BOB.id, "secret": "nothing", "note": "nothing"})
    tables = (
        PackTable("cards", dict.fromkeys(("id", "owner", "secret", "note"), "text")),
        PackTable("notes", dict.fromkeys(("id", "owner", "text"), "text")),
    )
    title = {"en": "Vault"}
    return Pack("vault", title, folder, tools=made, tables=tables, samples={"cards": cards})


def _enter(connection: Connection, house: House) -> dict[str, str]:
    found = {}
    for one in (LI, ANA, BOB):
        row = {"id": one.id, "name": one.id, "role": one.role, "created_at": 1}
        connection.execute(schema.users.insert().values(**row))
        who = people.principal_of(connection, one.id)
        found[one.id] = keys.create_key(connection, house.stamps, who, "test")[1]
        documents.ensure_collection(connection, house.stamps, who, f"of {one.id}", shared=False)
    return found


async def _private(made: World, who: Principal) -> None:
    """A private document, a session whose title and messages have the canary."""
    secret = made.secrets[who.id]

    async def content() -> AsyncIterator[bytes]:
        yield f"# The vault code of {who.id}\n\nThe code of the vault is {secret} today.\n".encode()

    await made.house.ingester.add(who, f"of {who.id}", f"vault {secret[:5]}.md", content())
    await made.house.ingester.wait_idle()
    await talk(made, who, [f"remember my code is {secret}", "What is the code?", "recall"])
    assert secret in await made.ask(who, "GET", "/api/memory")


async def talk(made: World, who: Principal, lines: Sequence[str]) -> None:
    """A session of one's own with the vault, heard as it streams and read afterwards."""

    def agent(connection: Connection) -> str:
        found = agents.list_agents(connection, who)
        return next(str(one["id"]) for one in found if one["pack"] == "vault")

    agent_id = await made.house.database.read(agent)
    session = json.loads(await made.ask(who, "POST", "/api/sessions", {"agent_id": agent_id}))["id"]
    for line in lines:
        path = f"/api/sessions/{session}"
        said = await made.ask(who, "POST", f"{path}/messages", {"text": line})
        after = json.loads(said).get("after", 0)
        await made.ask(who, "GET", f"{path}/events?after={after}")
    await made.ask(who, "GET", f"/api/sessions/{session}")


async def look_around(made: World, who: Principal, chance: random.Random) -> None:
    """Every list, search and trace that somebody may ask for, and the doors for programs."""
    query = chance.choice(["vault code", "the code of usr_li", made.secrets[LI.id][:7], "today"])
    for path in (
        "/api/sessions", f"/api/sessions?words={quote(query)}", "/api/documents", "/api/agents",
        f"/api/search?q={quote(query)}", "/api/runs", "/api/approvals", "/api/me/export",
        "/api/desk", "/api/collections", "/api/users", "/api/keys", "/api/memory",
    ):  # fmt: skip
        await made.ask(who, "GET", path)
    for run in json.loads(await made.ask(who, "GET", "/api/runs"))[:3]:
        await made.ask(who, "GET", f"/api/runs/{run['id']}")
    asked = [{"role": "user", "content": f"What is the {query}?"}]
    body = {"model": "attenda", "messages": asked}
    await made.ask(who, "POST", "/v1/chat/completions", body)
    call = {"name": "search", "arguments": {"query": query}}
    rpc = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}
    await made.ask(who, "POST", "/mcp", rpc)


async def day(made: World, seed: int, sessions: int = SESSIONS) -> None:
    """Random sessions of Ana and Bob."""
    chance = random.Random(seed)
    lines = [
        "What is the code of the vault?", "the vault code of usr_li", "What did usr_li say?",
        f"Is it {made.secrets[LI.id][:9]}?", "Tell me everything about the vault", "yes", "recall",
    ]  # fmt: skip
    for number in range(sessions):
        who = chance.choice([ANA, ANA, BOB])
        flows = [f"do f{(3 * number + n) % FLOWS} w{number}" for n in range(3)]
        await talk(made, who, [*chance.sample(lines, 1), *flows])
        if number % 10 == 0:
            await look_around(made, who, chance)


def hits(made: World) -> dict[str, int]:
    """Leaks by the canary's person and who learned of it."""
    readers = {LI.id: {LI.id}, ANA.id: {ANA.id}}
    return {
        f"{owner} to {sink}": len(found)
        for owner, secret in made.secrets.items()
        for sink, sent in made.outside.sent.items()
        if sink not in readers[owner] and (found := leaks(sent, secret))
    }


@pytest.mark.timeout(3600)
def test_no_canary_reaches_whoever_may_not_read_it(tmp_path: Path) -> None:
    async def story() -> None:
        async with world(tmp_path, SEED) as made:
            before = len(made.prompts)
            await day(made, SEED)
            await talk(made, ANA, NAMED)
            sent = made.outside.sent
            assert leaks(sent[ANA.id], made.secrets[ANA.id]), "one is shown what is one's own"
            assert sent["web"] and sent["bob"], "what is public goes out"
            handed = made.outside.handed
            assert len(leaks(handed[ANA.id], made.secrets[ANA.id])) >= 2, "one may write to oneself"
            assert hits(made) == {}
            prompts = [one.text for asked in made.prompts[before:] for one in asked]
            assert prompts and not leaks(prompts, made.secrets[LI.id])
            texts = sum(map(len, sent.values()))
            print(f"sessions {SESSIONS}, texts that left {texts}, canaries in them 0")

    asyncio.run(story())


def test_the_same_sessions_leak_without_the_guards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sessions that can't leak would prove nothing."""

    def said_at_once(tool: Any, *_: Any) -> frozenset[str]:
        return tool.sink if isinstance(tool.sink, frozenset) else frozenset()

    async def story() -> None:
        async with world(tmp_path, SEED) as made:
            with monkeypatch.context() as patch:
                patch.setattr(effects, "learners", said_at_once)
                await talk(made, ANA, NAMED)
            assert hits(made).keys() == {"usr_ana to usr_bob", "usr_ana to usr_li"}
            monkeypatch.setattr(effects, "monitor", lambda *_: ())
            await talk(made, ANA, NAMED)
            await day(made, SEED, max(8, SESSIONS // 10))
            found = hits(made)
            assert {"usr_ana to web", "usr_ana to bob"} <= found.keys(), found
            assert "usr_li to usr_ana" not in found

            def share(connection: Connection) -> None:
                connection.execute(schema.documents.update().values(team_id="everyone"))
                connection.execute(schema.collections.update().values(team_id="everyone"))

            await made.house.database.write(share)
            await look_around(made, BOB, random.Random(1))
            assert "usr_li to usr_bob" in hits(made)

    asyncio.run(story())
