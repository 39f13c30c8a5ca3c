"""What a turn with flows costs: deciding, understanding, an effect, 50 people, and one who floods.

    python benchmarks/agent.py [--home HOME] [--people 50]

Medians, beside what SQLite itself takes for a commit of one row in the same run,
since that is most of an effect. HOME holds the weights of sentence vectors: with it the
same number of people also speak in their own words, to customer service and to the clinic, whose
examples are learned first; without it a scripted embedder stands in, and understanding is not
measured.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import yaml

from attenda.api import Conflict, Label, Labelled, Principal, ScriptedModel
from attenda.cli.packs import load_pack
from attenda.cli.wiring import open_house
from attenda.core.command import SetSlot, StartFlow
from attenda.core.config import Settings
from attenda.dialogue.book import FlowBook
from attenda.dialogue.machine import Given, advance, reduce
from attenda.dialogue.state import DialogueState, replay
from attenda.llm.loaded import LoadedModels
from attenda.runtime.flow_turn import given_for
from attenda.runtime.house import House
from attenda.runtime.pack import Said, read_pack
from attenda.runtime.started import Noted
from attenda.runtime.understanding import learn_examples
from attenda.store import agents, inspection, sessions
from attenda.store.database import Connection
from attenda.store.pack_tables import Rows
from attenda.tools.call import Call

__all__ = ["main"]

SHOP = load_pack(Path(__file__).resolve().parents[1] / "tests" / "packs" / "shop")
WHO = Principal(id="usr_owner", role="owner")
REFUND = ("refund order=O-1001", "email=ana@example.test", "wait", "no")
PACKS = Path(__file__).resolve().parents[1] / "src" / "attenda" / "packs"
LABEL = Label(integrity="user", readers=frozenset({WHO.id}))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, help="a home with weights")
    parser.add_argument("--people", type=int, default=50)
    options = parser.parse_args()
    show("decide: three commands, then on to the next question", decide())
    show("SQLite alone: one row, one commit", commit())
    asyncio.run(with_house(options))


def show(what: str, spent_s: list[float], aim: str = "") -> None:
    """A line with median and 95th percentile in milliseconds."""
    ordered = sorted(one * 1000 for one in spent_s)
    late = ordered[int(len(ordered) * 0.95) - 1]
    print(f"{what:55} p50 {statistics.median(ordered):8.2f} ms   p95 {late:8.2f} ms {aim}")


def timed(work: Callable[[], object], times: int) -> list[float]:
    """Seconds of each of so many calls."""
    spent: list[float] = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        spent.append(time.perf_counter() - began)
    return spent


def decide() -> list[float]:
    """The machine alone."""
    book = FlowBook(read_pack(SHOP)[0])
    given = Given(message_id="msg_1")
    commands = [StartFlow(flow="refund"), slot("order", "O-1001"), slot("email", "a@b.test")]

    def turn() -> None:
        state = replay(DialogueState(), reduce(DialogueState(), commands, book, given))
        advance(state, book, given)

    return timed(turn, 300)


def slot(name: str, value: str) -> SetSlot:
    """A value that the person named."""
    return SetSlot(slot=name, value=Labelled(value=value, label=LABEL))


def commit() -> list[float]:
    """What the disk costs."""
    with tempfile.TemporaryDirectory() as folder:
        bare = sqlite3.connect(Path(folder) / "bare.db", isolation_level=None)
        bare.execute("PRAGMA journal_mode=WAL")
        bare.execute("PRAGMA synchronous=FULL")
        bare.execute("CREATE TABLE t (a TEXT)")
        return timed(lambda: bare.execute("INSERT INTO t VALUES ('x')"), 300)


async def with_house(options: argparse.Namespace) -> None:
    """What needs an installation."""
    from tests.runtime.test_flows import understand
    from tests.scripted_house import scripted_house

    with tempfile.TemporaryDirectory() as folder:
        words = lambda _: "words"  # noqa: E731
        async with scripted_house(
            Path(folder) / "home", words, packs=[SHOP], understand=understand
        ) as (house, _):
            show("a journalled effect in our database", await effects(house))
            show(f"a turn, {options.people} people at once", await people(house, options.people))
            show("a turn, nine people", await people(house, 9))
            show("a turn, nine people and one who floods", await beside_flood(house))
    if options.home:
        for name in ("support", "clinic"):
            await in_own_words(name, options)


async def effects(house: House) -> list[float]:
    """A tool that changes a row, 200 times, each another deed."""
    spent: list[float] = []
    executor = house.packs["shop"].executor
    table = executor._tables["orders"]
    rows = [{"id": f"O-{n}", "customer_id": "C-1", "status": "new", "total": "1", "note": ""}
            for n in range(200)]  # fmt: skip
    await house.database.write(lambda c: [Rows(c, table).add(**row) for row in rows])
    own = LABEL.model_copy(update={"integrity": "system"})
    for number in range(200):
        values = {"order": f"O-{number}", "amount": "1"}
        refund = Call(
            session_id="ses_1",
            instance=f"m{number}",
            step="2",
            tool="issue_refund",
            arguments={name: Labelled(value=one, label=own) for name, one in values.items()},
            because=LABEL,
            who=WHO,
        )
        began = time.perf_counter()
        outcome = await executor.perform(refund)
        assert outcome.state == "done"
        spent.append(time.perf_counter() - began)
    return spent


async def people(
    house: House, count: int, pack: str = "shop", talks: Sequence[Sequence[str]] = (REFUND,)
) -> list[float]:
    """Everybody has their talk at their own pace, a second or so between messages."""
    spent: list[float] = []

    async def one(number: int) -> None:
        who = Principal(id=house.stamps.new_id("usr"), role="agent")
        [session_id] = await house.database.write(lambda c: enter(c, house, who, 1, pack))
        await asyncio.sleep(number / count)
        for line in talks[number % len(talks)]:
            began = time.perf_counter()
            started = await house.runs.start(who, session_id, line)
            if isinstance(started, Noted):  # a person has it now
                return
            async for _ in house.runs.follow(session_id, started.after):
                pass
            spent.append(time.perf_counter() - began)
            await asyncio.sleep(1.0)

    await asyncio.gather(*map(one, range(count)))
    return spent


def enter(
    connection: Connection, house: House, who: Principal, chats: int, pack: str = "shop"
) -> list[str]:
    """Somebody new, with so many chats."""
    inspection.add_person(connection, house.stamps, who)
    agent = next(one for one in agents.list_agents(connection, who) if one["pack"] == pack)
    made = (sessions.create_session(connection, house.stamps, who, agent["id"])
            for _ in range(chats))  # fmt: skip
    return [one.id for one in made]


async def beside_flood(house: House) -> list[float]:
    """Nine people, while a tenth asks in sixteen chats as fast as answers come."""
    flooder = Principal(id="usr_flood", role="agent")
    over = asyncio.Event()

    async def flood(session_id: str) -> None:
        while not over.is_set():
            try:
                started = await house.runs.start(flooder, session_id, "refund order=O-1001")
            except Conflict:  # so many at once and no more
                await asyncio.sleep(0.05)
                continue
            async for _ in house.runs.follow(session_id, started.after):
                pass

    chats = await house.database.write(lambda c: enter(c, house, flooder, 16))
    floods = [asyncio.create_task(flood(one)) for one in chats]
    spent = await people(house, 9)
    over.set()
    await asyncio.gather(*floods)
    return spent


async def in_own_words(name: str, options: argparse.Namespace) -> None:
    """People who say what the pack's scenarios say, understood by its examples."""
    talks = scenario_talks(name)
    told = [line for talk in talks for line in talk]
    models = LoadedModels(options.home, "scripted")
    models.register(ScriptedModel(lambda _: "words"))
    pack = load_pack(PACKS / name)
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder) / "home", model="scripted")
        async with open_house(settings, models, None, [pack], automatic=False) as house:
            embedder = models.embedder()
            await embedder.embed(told[:1])
            show(f"{name}: a sentence's vector alone", await each(told, lambda _: embedder.embed))
            known = await learn_examples(embedder, FlowBook(read_pack(pack)[0]))

            def heard(number: int) -> Callable[[list[str]], Awaitable[object]]:
                return lambda texts: known(said(texts[0], number))

            show(f"{name}: understanding a sentence", await each(told, heard), "(aimed at 15)")
            spent = await people(house, options.people, name, talks)
            show(f"{name}: a turn, {options.people} people at once", spent, "(aimed at 150)")
            show(f"{name}: a turn, one person", await people(house, 1, name, talks))


def scenario_talks(name: str) -> list[list[str]]:
    """What people say in a pack's scenarios: the turns of each, in order."""
    talks: list[list[str]] = []
    for path in sorted((PACKS / name / "scenarios").glob("*.yaml")):
        for scenario in yaml.safe_load(path.read_text()).values():
            lines = [turn["say"] for turn in scenario["turns"] if "say" in turn]
            firsts = [one if isinstance(one, str) else one[0] for one in lines]
            talks += [firsts[:4]] if firsts else []
    return talks


def said(text: str, number: int) -> Said:
    """A sentence at the beginning of a talk."""
    now = int(datetime.datetime.now(datetime.UTC).timestamp() * 1_000_000)
    given = given_for(WHO, f"msg_{number}", [text], now)
    return Said(text, given.message_id, LABEL, given, DialogueState())


async def each(
    texts: list[str], work: Callable[[int], Callable[[list[str]], Awaitable[object]]]
) -> list[float]:
    """Seconds that work on each of at most 200 sentences takes."""
    spent: list[float] = []
    for number, text in enumerate(texts[:200]):
        begun = work(number)
        began = time.perf_counter()
        await begun([text])
        spent.append(time.perf_counter() - began)
    return spent


if __name__ == "__main__":
    main()
