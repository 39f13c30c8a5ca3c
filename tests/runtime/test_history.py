"""Eight people at once, random deeds, both databases: what may never be is not (R21).

Places are booked and given back, a stock is taken from, limits by person are met, large deeds wait
for a yes that several give, conversations are claimed in a race. In the end tables, journal and
audit log must agree with one another and with what everybody was told. Locks that others hold make
it slower, never wrong, and fail nobody.
"""

import asyncio
import json
import os
import random
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from attenda.api import (
    Conflict,
    Deed,
    Denied,
    NotFound,
    Pack,
    PackTable,
    Principal,
    Said,
    ToolRefused,
    tool,
)
from attenda.core.command import Command, SetSlot, StartFlow
from attenda.core.label import Labelled
from attenda.runtime.desk import Desk
from attenda.runtime.house import House
from attenda.runtime.started import Started
from attenda.store import agents, audit, desk, journal, schema, sessions
from attenda.store.database import Connection
from tests.crash.flow_check import one_holder
from tests.scripted_house import scripted_house

LONG = os.environ.get("ATTENDA_LONG") == "1"
OPERATIONS = 2000 if LONG else 40
PLACES, STOCK, MOST = 5, 60, 3
CUSTOMERS = [Principal(id=f"usr_c{n}", role="agent") for n in range(4)]
STAFF = [Principal(id=f"usr_s{n}", role="agent") for n in range(2)]
BOSSES = [Principal(id=f"usr_b{n}", role="supervisor") for n in range(2)]


@tool(writes=True)
def book(deed: Deed, place: str) -> dict[str, str]:
    """Take a place that is free."""
    rows = deed.rows("places")
    if rows.get(place)["holder"]:
        raise ToolRefused("taken")
    time.sleep(0.004)  # in which another could come between
    rows.change(place, holder=deed.who.id)
    return {"place": place}


@tool(writes=True)
def give_back(deed: Deed, place: str) -> dict[str, str]:
    """Give one's own place back."""
    rows = deed.rows("places")
    if rows.get(place)["holder"] != deed.who.id:
        raise ToolRefused("not yours")
    rows.change(place, holder="")
    return {"place": place}


def _take(deed: Deed) -> dict[str, str]:
    left = int(deed.rows("stock").get("mug")["left"])
    if not left:
        raise ToolRefused("none left")
    time.sleep(0.004)
    deed.rows("stock").change("mug", left=str(left - 1))
    return {"left": str(left - 1)}


@tool(writes=True)
def take(deed: Deed, place: str) -> dict[str, str]:
    """Take one of the stock."""
    return _take(deed)


@tool(writes=True)
def take_large(deed: Deed, place: str) -> dict[str, str]:
    """Take one of the stock, with a yes."""
    return _take(deed)


@tool(writes=True)
def gift(deed: Deed, place: str) -> dict[str, str]:
    """One of a few that everybody may have."""
    time.sleep(0.004)
    return {"place": place}


TOOLS = (book, give_back, take, take_large, gift)
RULES = "".join(
    f'[[rule]]\nid = "{name}"\ntool = "{name}"\n{rule}\n'
    for name, rule in {
        "book": 'do = "allow"',
        "give_back": 'do = "allow"',
        "take": 'do = "allow"',
        "take_large": 'do = "ask"\napprover = "supervisor"',
        "gift": f'do = "allow"\nat_most = {MOST}\nwithin_s = 86400',
    }.items()
)


def pack(folder: Path) -> Pack:
    (folder / "flows").mkdir(parents=True)
    flows = {
        one.name: {
            "title": {"en": one.name},
            "examples": {"en": [one.name]},
            "slots": {"place": {"type": "text", "ask": {"en": "Which?"}}},
            "steps": [
                {"collect": "place"},
                {"call": one.name, "with": {"place": "place"}, "unless_confirmed": "a trial"},
                {"say": {"en": f"Done: {one.name}."}},
            ],
        }
        for one in TOOLS
    }
    (folder / "flows" / "all.yaml").write_text(json.dumps(flows), "utf-8")  # JSON is YAML
    (folder / "policy.toml").write_text(RULES, "utf-8")
    places = [{"id": f"P{n}", "holder": ""} for n in range(PLACES)]
    return Pack(
        "hall",
        {"en": "Hall"},
        folder,
        tools=TOOLS,
        tables=(
            PackTable("places", {"id": "text", "holder": "text"}),
            PackTable("stock", {"id": "text", "left": "text"}),
        ),
        samples={"places": places, "stock": [{"id": "mug", "left": str(STOCK)}]},
    )


async def understand(said: Said) -> Sequence[Command]:
    name, _, place = said.text.partition(" ")
    value = Labelled(value=place, label=said.label)
    return [StartFlow(flow=name), SetSlot(slot="place", value=value, words=place)]


class Hall:
    """The house, and the history of what was tried in it."""

    def __init__(self, house: House, seed: int) -> None:
        self.house, self.desk = house, Desk(house)
        self.chance = random.Random(seed)
        self.history: list[dict[str, Any]] = []
        self.sessions: list[str] = []
        self._agent = ""

    async def enter(self) -> None:
        def make(connection: Connection) -> str:
            for who in (*CUSTOMERS, *STAFF, *BOSSES):
                row = {"id": who.id, "role": who.role, "name": who.id, "created_at": 1}
                connection.execute(schema.users.insert().values(**row))
            found = agents.list_agents(connection, CUSTOMERS[0])
            return next(str(one["id"]) for one in found if one["pack"] == "hall")

        self._agent = await self.house.database.write(make)

    async def work(self, operations: int) -> None:
        """Customers do so much; the others go on until that is done."""
        over = asyncio.Event()
        others = [self._go_on(who, over) for who in (*STAFF, *BOSSES)]
        going = asyncio.gather(*others)
        await asyncio.gather(*(self._talks(who, operations // len(CUSTOMERS)) for who in CUSTOMERS))
        over.set()
        await going

    async def _talks(self, who: Principal, times: int) -> None:
        for _ in range(times):
            await self._talk(who)

    async def _go_on(self, who: Principal, over: asyncio.Event) -> None:
        while not over.is_set():
            await (self._serve(who) if who in STAFF else self._decide(who))
            await asyncio.sleep(self.chance.uniform(0.0, 0.02))

    async def _talk(self, who: Principal) -> None:
        name = self.chance.choices([one.name for one in TOOLS], [4, 3, 4, 3, 2])[0]
        place = f"P{self.chance.randrange(PLACES)}"
        made = await self.house.database.write(
            lambda c: sessions.create_session(c, self.house.stamps, who, self._agent).id
        )
        self.sessions.append(made)
        asks = self.chance.random() < 0.3  # for a person, while the deed is under way
        asking = [self.desk.ask_person(who, made)] if asks else []
        await asyncio.gather(self._say(who, made, f"{name} {place}"), *asking)
        self._note(who, name, place=place, session=made)

    async def _say(self, who: Principal, session: str, words: str) -> None:
        started = await self.house.runs.start(who, session, words)
        if isinstance(started, Started):
            async for _ in self.house.runs.follow(session, started.after):
                pass

    async def _serve(self, who: Principal) -> None:
        """Take a conversation, answer in it, and give it back or close it; or lose the race."""
        waiting = await self.house.database.read(lambda c: desk.list_desk(c, who))
        queued = [one.session.id for one in waiting if one.session.owner == "queued"]
        if not queued:
            return
        session = self.chance.choice(queued)
        end = self.desk.hand_back if self.chance.random() < 0.7 else self.desk.resolve
        try:
            await self.desk.claim(who, session)
            self._note(who, "claimed", session=session)
            await self.desk.reply(who, session, "A person here.")
            await asyncio.sleep(self.chance.uniform(0.0, 0.02))
            await end(who, session)
        except (NotFound, Conflict, Denied):
            self._note(who, "refused", session=session)

    async def _decide(self, who: Principal) -> None:
        pending = [one for one in await self._asked(who) if one.state == "pending"]
        if not pending:
            return
        one, yes = self.chance.choice(pending), self.chance.random() < 0.8
        stamps = self.house.stamps
        try:
            await self.house.database.write(
                lambda c: journal.decide(c, stamps, who, one.id, one.hash, yes=yes)
            )
        except Conflict:
            self._note(who, "late", approval=one.id)
            return
        self._note(who, "decided", approval=one.id, yes=yes)
        await self.house.runs.go_on(one.session_id)

    def _note(self, who: Principal, what: str, **values: Any) -> None:
        self.history.append({"by": who.id, "kind": what, **values})

    async def rest(self) -> None:
        """Let everything come to its end: nobody has a conversation, and nothing waits."""
        boss = BOSSES[0]
        for row in await self.house.database.read(lambda c: desk.list_desk(c, boss, 10**6)):
            if row.session.owner != "resolved":
                await self.desk.claim(boss, row.session.id, take_over=True)
                await self.desk.hand_back(boss, row.session.id)
        while any(one.state == "pending" for one in await self._asked(boss)):
            await self._decide(boss)
        while any(self.house.runs.running(session) for session in self.sessions):
            await asyncio.sleep(0.01)

    async def _asked(self, who: Principal) -> list[journal.Approval]:
        return await self.house.database.read(lambda c: journal.list_approvals(c, who, 10**6))


def lock_for(house: House, seconds: float) -> None:
    """Hold what every deed needs, as a backup or an operator's own query may."""
    if house.database.dialect == "sqlite":
        path = house.settings.home / "attenda.db"
        with closing(sqlite3.connect(path, isolation_level=None, timeout=60)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            time.sleep(seconds)
            connection.execute("ROLLBACK")
        return
    with suppress(OperationalError), house.database.engine.begin() as connection:  # a deadlock
        connection.execute(text("LOCK TABLE effects, approvals, audit IN ACCESS EXCLUSIVE MODE"))
        time.sleep(seconds)


async def contend(house: House, stopped: asyncio.Event) -> int:
    """Lock the database again and again; how often."""
    times = 0
    while not stopped.is_set():
        await asyncio.to_thread(lock_for, house, 0.25)
        times += 1
        await asyncio.sleep(0.25)
    return times


def wrong(connection: Connection, hall: Hall) -> Iterator[str]:
    """What may never be."""

    def rows(table: str) -> list[dict[str, Any]]:
        return [dict(row) for row in connection.execute(text(f"SELECT * FROM {table}")).mappings()]

    effects = {one["key"]: one for one in rows("effects")}
    done = [one for one in effects.values() if one["state"] == "done"]
    history = sorted(audit.audit_rows(connection, limit=10**9), key=lambda one: one.number)
    yield from _places(effects, history, {one["id"]: one["holder"] for one in rows("hall_places")})
    left = int(rows("hall_stock")[0]["left"])
    taken = sum(one["tool"] in ("take", "take_large") for one in done)
    if left != STOCK - taken or left < 0:
        yield f"{taken} were taken of {STOCK}, and {left} are left"
    gifts = Counter(one["owner_id"] for one in done if one["tool"] == "gift")
    yield from (f"{who} had {times} gifts" for who, times in gifts.items() if times > MOST)
    used = [one for one in rows("approvals") if one["state"] == "used"]
    large = Counter(one["session_id"] for one in effects.values() if one["tool"] == "take_large")
    if large != Counter(one["session_id"] for one in used):
        yield f"{sum(large.values())} large deeds, {len(used)} approvals used"
    decided = Counter(one["approval"] for one in hall.history if one["kind"] == "decided")
    yield from (f"{one} was decided {times} times" for one, times in decided.items() if times > 1)
    runs = rows("runs")
    yield from (f"a run failed: {one['error']}" for one in runs if one["state"] == "failed")
    yield from one_holder({"runs": runs}, history, hall.history)


def _places(
    effects: dict[str, dict[str, Any]], history: Sequence[audit.AuditRow], now: dict[str, str]
) -> Iterator[str]:
    """Each place has one holder at a time, in the order in which deeds were kept."""
    keys = {key[:40]: one for key, one in effects.items()}
    holder = dict.fromkeys(now, "")
    for row in history:
        one = keys.get(row.object_id) if row.action == "effect.done" else None
        if one is None or one["tool"] not in ("book", "give_back"):
            continue
        place, books = json.loads(one["arguments"])["place"], one["tool"] == "book"
        if holder[place] != ("" if books else one["owner_id"]):
            yield f"{one['tool']} of {place} by {one['owner_id']}, it was {holder[place]!r}'s"
        holder[place] = one["owner_id"] if books else ""
    if holder != now:
        yield f"places are {now}, and were left as {holder}"


@pytest.mark.timeout(1800)
def test_people_at_once_break_nothing(tmp_path: Path, database_url: str) -> None:
    seed = int(os.environ.get("ATTENDA_SEED", time.time_ns() % 2**32)) if LONG else 20260105

    async def story() -> tuple[Counter[str], int]:
        opening = scripted_house(
            tmp_path / "home",
            database=database_url if "postgres" in database_url else "",
            packs=[pack(tmp_path / "hall")],
            understand=understand,
        )
        async with opening as (house, _):
            hall = Hall(house, seed)
            await hall.enter()
            stopped = asyncio.Event()
            locking = asyncio.create_task(contend(house, stopped))
            await hall.work(OPERATIONS)
            await hall.rest()
            stopped.set()
            found = await house.database.read(lambda c: list(wrong(c, hall)))
            assert not found, f"seed {seed}: {found[:5]}"
            return Counter(str(one["kind"]) for one in hall.history), await locking

    kinds, locks = asyncio.run(story())
    assert {"book", "take", "take_large", "claimed", "decided"} <= kinds.keys() and locks
    print(f"seed {seed}: {sum(kinds.values())} operations {dict(kinds)}, {locks} locks; wrong 0")
