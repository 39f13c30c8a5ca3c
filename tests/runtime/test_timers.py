"""The clock jumps, and each timer of an automation comes once, neither early nor never (R30).

A random walk over moments: forth and back by seconds, months and years, onto changes to and from
summer time and leap days, and just before, at and after what is due. Schedules, waits, deadlines of
forms and questions for approval are held against what the guide says of them, reckoned here anew.
"""

import asyncio
import os
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from attenda.api import (
    Conflict,
    Deed,
    Pack,
    PackTable,
    Principal,
    ScriptedEmbedder,
    ScriptedModel,
    tool,
)
from attenda.cli.wiring import open_house
from attenda.core.config import Settings
from attenda.llm.loaded import LoadedModels
from attenda.runtime.house import House
from attenda.store import automation_forms as forms
from attenda.store import journal, privacy
from attenda.store.database import Connection
from attenda.store.stamps import Stamps
from tests.store.test_clock import INSTANTS

LONG = os.environ.get("ATTENDA_LONG") == "1"
STEPS, HOUSES = (200, 4) if LONG else (8, 1)
HOUR, DAY = 3_600_000_000, 86_400_000_000
LATE = 60_000_000
ANA = Principal(id="usr_owner", role="owner")
BEGIN = int(datetime(2026, 3, 27, 12, tzinfo=UTC).timestamp()) * 1_000_000

SCHEDULES = {
    "berlin_all": ("30 2 * * *", "Europe/Berlin", "all"),
    "berlin_once": ("30 2 * * *", "Europe/Berlin", "once"),
    "york_skip": ("30 1 * * *", "America/New_York", "skip"),
    "samoa_once": ("0 0 * * *", "Pacific/Apia", "once"),
    "leap_once": ("0 12 29 2 *", "UTC", "once"),
    "hourly_once": ("0 * * * *", "America/New_York", "once"),
}
WAITS = {"90s": 90_000_000, "2h": 2 * HOUR, "1d": DAY, "30d": 30 * DAY}
DEADLINES = {"1h": HOUR, "2d": 2 * DAY, "1w": 7 * DAY}
LASTS_S = 2 * 86_400
POLICY = f"""
[[rule]]
id = "MARK"
tool = "mark"
do = "allow"

[[rule]]
id = "ASKED"
tool = "asked"
do = "ask"
approver = "owner"
lasts_s = {LASTS_S}
"""


@tool(writes=True)
def mark(deed: Deed, order: str, how: str) -> dict[str, str]:
    """Write down that it came."""
    deed.rows("marks").add(id=deed.key, order_id=order, how=how)
    return {"id": deed.key}


@tool(writes=True)
def asked(deed: Deed, order: str) -> dict[str, str]:
    """Write down that it was approved."""
    deed.rows("marks").add(id=deed.key, order_id=order, how="approved")
    return {"id": deed.key}


def pack(folder: Path) -> Pack:
    (folder / "automations").mkdir(parents=True)
    (folder / "flows").mkdir()
    (folder / "policy.toml").write_text(POLICY)
    lines = []
    for name, (spec, zone, missed) in SCHEDULES.items():
        on = f'[{{schedule: "{spec}", zone: {zone}, missed: {missed}}}]'
        lines.append(
            f"{name}:\n  title: {{en: x}}\n  on: {on}\n  steps: [{{set: {{d: input.due}}}}]"
        )
    head = "  title: {en: x}\n  input: {order: {type: text}}\n  steps:\n"

    def call(how: str) -> str:
        return f"{{call: mark, with: {{order: input.order, how: '\"{how}\"'}}}}"

    for wait in WAITS:
        lines.append(f"wait_{wait}:\n{head}    - wait: {wait}\n    - {call('waited')}")
    for deadline in DEADLINES:
        form = "    - form: {en: x}\n      fields: {sure: {type: yes_no}}\n"
        form += f"      deadline: {deadline}"
        late = f"\n      otherwise: [{call('late')}, {{stop: {{en: late}}}}]"
        lines.append(f"form_{deadline}:\n{head}{form}{late}\n    - {call('answered')}")
    lines.append(f"vouched:\n{head}    - {{call: asked, with: {{order: input.order}}}}")
    (folder / "automations" / "all.yaml").write_text("\n".join(lines) + "\n")
    table = PackTable("marks", {"id": "text", "order_id": "text", "how": "text"})
    return Pack("timers", {"en": "Timers"}, folder, tools=(mark, asked), tables=(table,))


def wall_times(spec: str, zone: str, first: int, last: int) -> list[int]:
    """When a schedule of one minute is due from `first` to `last`, by the calendar alone."""
    minute, hour, day, month, _ = spec.split()
    there = ZoneInfo(zone)
    found = set()
    if hour == "*":
        at = first // HOUR * HOUR  # no zone here is off by less than an hour's quarter
        return [one for one in range(at, last + 1, HOUR) if one >= first]
    on = datetime.fromtimestamp(first / 1e6, there).date() - timedelta(days=2)
    until = datetime.fromtimestamp(last / 1e6, there).date() + timedelta(days=2)
    while on < until:
        if day in ("*", str(on.day)) and month in ("*", str(on.month)):
            found.add(_instant(on, int(hour), int(minute), there))
        on += timedelta(days=1)
    return sorted(one for one in found if first <= one <= last)


def _instant(on: date, hour: int, minute: int, zone: ZoneInfo) -> int:
    """The first time at which a clock on the wall shows it, or would but for a jump."""
    local = datetime(on.year, on.month, on.day, hour, minute, tzinfo=zone)
    return int(local.timestamp()) * 1_000_000


@dataclass
class Schedule:
    """One schedule, as the guide says that it is kept."""

    name: str
    seen: int
    """The moment of the last look."""
    begun: set[int] = field(default_factory=set)

    def look(self, now: int) -> None:
        spec, zone, missed = SCHEDULES[self.name]
        due = wall_times(spec, zone, self.seen + 1, now)[-100:] if now > self.seen else []
        on_time = [at for at in due if at > now - LATE]
        chosen = due if missed == "all" else on_time
        if missed == "once" and due and not on_time:
            chosen = due[-1:]
        self.begun.update(chosen)
        self.seen = now


@dataclass
class Timer:
    """A run that waits, and what must become of it."""

    run: str
    kind: str
    lasts: int
    due_at: int = 0
    """From when it was put down; a look does that."""
    approved: bool = False
    wanted: str = ""
    """How it must have been marked; nothing while it must wait."""


class Walk:
    """A house under a clock that jumps."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.now = BEGIN
        self.house: House
        self.schedules = [Schedule(name, BEGIN) for name in SCHEDULES]
        self.timers: dict[str, Timer] = {}
        self.tried: Counter[str] = Counter()
        self.wrong: list[str] = []

    def jump(self) -> None:
        near = self.chance.choice([-1, 0, 1])
        open_ = [one for one in self.timers.values() if one.due_at and not one.wanted]
        match self.chance.randrange(8):
            case 0 | 1 if open_:
                self.now = self.chance.choice(open_).due_at + near
            case 2:
                moment = self.chance.choice(INSTANTS)
                self.now = int(moment.timestamp()) * 1_000_000 + near
            case 3:
                self.now += self.chance.choice([30, -30, 90, -90]) * DAY
            case 4:
                spec, zone, _ = self.chance.choice(list(SCHEDULES.values()))
                coming = wall_times(spec, zone, self.now + 1, self.now + 400 * DAY)
                self.now = coming[0] + near if coming else self.now
            case 5:
                self.now += self.chance.choice([-26, -2, -1, 1, 2, 26]) * HOUR
            case _:
                self.now += self.chance.randrange(1, 3 * HOUR)

    async def begin(self) -> None:
        """One more run that waits, once it is looked at."""
        name = self.chance.choice(
            [f"wait_{one}" for one in WAITS] + [f"form_{one}" for one in DEADLINES] + ["vouched"]
        )
        kind, _, length = name.partition("_")
        order = f"O-{len(self.timers)}"
        run = await self.house.automations.start(ANA, name, {"order": order})
        lasts = {**WAITS, **DEADLINES}.get(length, LASTS_S * 1_000_000)
        self.timers[order] = Timer(run, kind, lasts)

    async def people(self) -> None:
        """Somebody fills a form in or approves; it counts before its end and not from there on."""
        asked = [one for one in self.timers.values() if one.due_at and one.kind != "wait"]
        waiting = [one for one in asked if not (one.wanted or one.approved)]
        for one in self.chance.sample(waiting, min(2, len(waiting))):
            should = self.now < one.due_at
            does = await (self._answer(one) if one.kind == "form" else self._approve(one))
            self.tried[f"{one.kind} {'counts' if should else 'is over'}"] += 1
            if does != should:
                after = self.now - one.due_at
                self.wrong.append(f"a {one.kind} counts: {does}, {after} µs after its end")
            one.approved |= does and one.kind == "vouched"
            one.wanted = "answered" if does and one.kind == "form" else ""

    async def _answer(self, one: Timer) -> bool:
        (form,) = await self.house.database.read(lambda c: forms.forms_of(c, one.run))
        try:
            await self.house.automations.answer(ANA, form.id, {"sure": True})
        except Conflict:
            return False
        return True

    async def _approve(self, one: Timer) -> bool:
        def decide(connection: Connection) -> bool:
            (asked,) = [
                row for row in journal.list_approvals(connection, ANA, 10**6)
                if row.session_id == one.run
            ]  # fmt: skip
            try:
                journal.decide(connection, self.house.stamps, ANA, asked.id, asked.hash, yes=True)
            except Conflict:
                return False
            return True

        return await self.house.database.write(decide)

    async def look(self) -> None:
        """What the house does at every second, at this one."""
        for _ in range(20):
            woken = await self.house.database.write(self.house.automations._wake_due)
            if not woken:
                break
            for run, segment in woken:
                await self.house.automations.runner.carry(run, segment)
        for schedule in self.schedules:
            schedule.look(self.now)
        for one in self.timers.values():
            one.due_at = one.due_at or self.now + one.lasts
            if one.approved and not one.wanted and self.now < one.due_at:
                one.wanted = "approved"  # a yes that nobody came to use in its time is none
            if not one.wanted and self.now >= one.due_at:
                one.wanted = {"wait": "waited", "form": "late", "vouched": "expired"}[one.kind]
                self.tried[f"{one.kind} came"] += 1

    def check(self, connection: Connection) -> Iterator[str]:
        """What there is, held against what must be."""
        begun = rows(connection, "SELECT automation, origin FROM automation_runs")
        origins = {
            (one["automation"], int(one["origin"].rpartition(":")[2]) * 1_000_000)
            for one in begun
            if one["origin"].startswith("schedule:")
        }
        wanted = {(one.name, at) for one in self.schedules for at in one.begun}
        for name, at in sorted(origins ^ wanted):
            how = "missed" if (name, at) in wanted else "too much"
            yield f"{name} at {datetime.fromtimestamp(at / 1e6, UTC)} was {how}"
        marks = Counter(
            (one["order_id"], one["how"])
            for one in rows(connection, "SELECT order_id, how FROM timers_marks")
        )
        must = Counter(
            (order, one.wanted)
            for order, one in self.timers.items()
            if one.wanted not in ("", "expired")
        )
        for each in marks | must:
            if marks[each] != must[each]:
                yield f"{each} came {marks[each]} times"
        found = rows(connection, "SELECT id, state FROM automation_runs")
        states = {one["id"]: one["state"] for one in found}
        over = {"": "waiting", "expired": "failed"}
        for order, one in self.timers.items():
            state = states.get(one.run, "erased")
            if state != over.get(one.wanted, "done") and not (one.wanted and state == "erased"):
                yield f"{one.kind} {order} ({one.wanted}) is {state}"


def rows(connection: Connection, query: str) -> Sequence[dict[str, Any]]:
    return [dict(row) for row in connection.execute(text(query)).mappings()]


@pytest.mark.timeout(3600 if LONG else 280)
def test_timers_come_once_whichever_way_the_clock_jumps(tmp_path: Path, database_url: str) -> None:
    seed = int(os.environ.get("ATTENDA_SEED", "20260105"))
    walk = Walk(seed)
    models = LoadedModels(tmp_path / "home", "scripted")
    models.register(ScriptedModel(lambda _: "words"))
    models.register_embedder(ScriptedEmbedder())
    settings = Settings(
        home=tmp_path / "home",
        model="scripted",
        database=database_url if "postgres" in database_url else "",
    )
    made = pack(tmp_path / "pack")

    async def understanding(_book: object) -> Any:
        return None

    async def some(steps: int) -> None:
        """So many steps; then the house closes, and the next one finds what it left."""
        opening = open_house(
            settings, models, Stamps(lambda: walk.now), [made], understanding, automatic=False
        )
        async with opening as house:
            walk.house = house
            for _ in range(steps):
                walk.jump()
                await walk.people()
                if walk.chance.random() < 0.5:
                    await walk.begin()
                if walk.chance.random() < 0.3:
                    continue  # the clock jumps once more before anybody looks
                await walk.look()
                if walk.chance.random() < 0.1:
                    await house.database.write(
                        lambda c: privacy.expire(c, house.stamps, trash_days=30, chat_days=20)
                    )
                walk.wrong += await house.database.read(lambda c: list(walk.check(c)))
                assert not walk.wrong, f"seed {seed}: {walk.wrong[:5]}"

    async def story() -> None:
        for _ in range(HOUSES):
            await some(STEPS // HOUSES)

    asyncio.run(story())
    begun = sum(len(one.begun) for one in walk.schedules)
    tried = dict(walk.tried)
    print(f"{STEPS} jumps, {begun} scheduled, {len(walk.timers)} timers, {tried}; wrong 0")
    if LONG:
        assert len(walk.tried) == 7 and begun > 100, walk.tried
