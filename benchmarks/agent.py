"""What a turn with flows costs: deciding, understanding, an effect, 50 people, and one who floods.

    python benchmarks/agent.py [--home HOME] [--people 50]

Medians, beside what SQLite itself takes for a commit of one row in the same run,
since that is most of an effect. HOME holds the weights that sentences are embedded with; without it
a scripted embedder stands in, and understanding is not measured.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime
import itertools
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from attenda.api import Conflict, Label, Labelled, Principal
from attenda.cli.packs import load_pack
from attenda.core.command import SetSlot, StartFlow
from attenda.dialogue.book import FlowBook
from attenda.dialogue.machine import Given, advance, reduce
from attenda.dialogue.state import DialogueState, replay
from attenda.runtime.house import House
from attenda.runtime.pack import read_pack
from attenda.store import agents, inspection, sessions
from attenda.store.database import Connection
from attenda.store.pack_tables import Rows
from attenda.tools.call import Call

__all__ = ["main"]

SHOP = load_pack(Path(__file__).resolve().parents[1] / "tests" / "packs" / "shop")
WHO = Principal(id="usr_owner", role="owner")
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
            show("a turn, 10 people", await people(house, 10))
            show("a turn, nine people and one who floods", await beside_flood(house))
    if options.home:
        show("understand, sentence vectors included", await perceive(options.home))


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


async def people(house: House, count: int) -> list[float]:
    """Everybody asks for a refund at their own pace, a second or so between messages."""
    lines = ["refund order=O-1001", "email=ana@example.test", "wait", "no"]
    spent: list[float] = []

    async def one(number: int) -> None:
        who = Principal(id=f"usr_{count}_{number}", role="agent")
        [session_id] = await house.database.write(lambda c: enter(c, house, who, 1))
        await asyncio.sleep(number / count)
        for line in lines:
            began = time.perf_counter()
            started = await house.runs.start(who, session_id, line)
            async for _ in house.runs.follow(session_id, started.after):
                pass
            spent.append(time.perf_counter() - began)
            await asyncio.sleep(1.0)

    await asyncio.gather(*map(one, range(count)))
    return spent


def enter(connection: Connection, house: House, who: Principal, chats: int) -> list[str]:
    """Somebody new, with so many chats."""
    inspection.add_person(connection, house.stamps, who)
    agent = next(one for one in agents.list_agents(connection, who) if one["pack"] == "shop")
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


async def perceive(home: Path) -> list[float]:
    """Sentences to commands with the real embedder."""
    from attenda.llm.loaded import LoadedModels
    from attenda.runtime.flow_turn import given_for
    from attenda.runtime.pack import Said
    from attenda.runtime.understanding import learn_examples

    models = LoadedModels(home, "")
    try:
        known = await learn_examples(models.embedder(), FlowBook(read_pack(SHOP)[0]))
        now = int(datetime.datetime.now(datetime.UTC).timestamp() * 1_000_000)
        asked = ["could I get my money back for O-1001", "我要退款", "what time is it there"]
        spent: list[float] = []
        for number, text in zip(range(120), itertools.cycle(asked), strict=False):
            given = given_for(WHO, f"msg_{number}", [text], now)
            began = time.perf_counter()
            await known(Said(text, given.message_id, LABEL, given, DialogueState()))
            spent.append(time.perf_counter() - began)
        return spent[10:]
    finally:
        await models.close()


if __name__ == "__main__":
    main()
