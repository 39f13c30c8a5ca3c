"""The exam of tau2-bench retail: its tasks' actions through our tool loop, and what policy forbids.

A scripted planner chooses the calls that a task expects, in a session of its own; the loop, the
labels, the person's yes to every write, the journal and the turn are those that people get. In the
end the shop's tables are held, whole, against the benchmark's database after the same actions. Then
variants that the policy forbids are tried in the same home, each of which must change nothing and
be refused with its reason; and the journal must have a yes for every deed.
"""

import asyncio
import itertools
import shutil
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any

from attenda.core.errors import OperatorError
from attenda.core.event import Called, RunFinished, TextAdded
from attenda.core.message import Message
from attenda.core.principal import Principal
from attenda.core.words import sentence
from attenda.evals.exams.retail.caller import words_of
from attenda.evals.exams.retail.pack import retail_pack
from attenda.evals.exams.retail.tables import TABLES, database_of
from attenda.evals.exams.tau2_expected import differences, expected
from attenda.evals.exams.tau2_forbidden import Forbidden, forbidden, repeated
from attenda.evals.exams.tau2_tasks import FINDS, TO_PEOPLE, Action, Shop, Task, identify, owner_of
from attenda.evals.run import Seeds
from attenda.llm.scripted import ScriptedAnswer, scripted_call
from attenda.runtime.house import House
from attenda.runtime.started import Started
from attenda.store import agents, inspection, journal, sessions
from attenda.store.database import Connection
from attenda.store.people import OWNER
from attenda.store.stamps import Stamps

__all__ = [
    "CUSTOMER",
    "Planner",
    "Talk",
    "examine_shop",
    "journal_faults",
    "plan_of",
    "read_shop",
    "sit_task",
]

CUSTOMER = Principal(id="usr_customer", role="viewer")
"""Who talks: somebody who may approve nothing but what is done for themselves."""
_BEGINS = 1_767_614_400_000_000
"""Microseconds: noon of 5 January 2026, UTC."""
_SHOPS = tuple(one.name for one in TABLES[:-1])
_MOST_TURNS = 60


class Planner:
    """A model that chooses what a plan says, one call at a time.

    Where it stands it sees from the conversation, as a model does.
    """

    def __init__(self, plan: Sequence[Action] = ()) -> None:
        self.plan = tuple(plan)

    def __call__(self, messages: Sequence[Message]) -> ScriptedAnswer:
        """The next call, or the end of the plan."""
        chosen = sum(len(one.calls) for one in messages)
        if chosen >= len(self.plan):
            return "That is all."
        one = self.plan[chosen]
        if one.name == TO_PEOPLE:
            return [scripted_call("hand_over", reason=one.arguments["summary"])]
        return [scripted_call(one.name, **one.arguments)]


@dataclass(frozen=True, slots=True)
class _Done:
    """What came of one call of a plan."""

    tool: str
    state: str
    problem: str


@dataclass
class Talk:
    """A session with the shop's agent, in which plans are carried out."""

    house: House
    planner: Planner
    session_id: str
    asked: int = 0
    """Times that a yes was asked for."""
    said: list[str] = field(default_factory=list)
    """The answers."""

    @classmethod
    async def begin(cls, house: House, planner: Planner) -> "Talk":
        """In a new session."""

        def make(connection: Connection) -> str:
            (agent,) = (
                one for one in agents.list_agents(connection, CUSTOMER) if one["pack"] == "retail"
            )
            return sessions.create_session(connection, house.stamps, CUSTOMER, agent["id"]).id

        return cls(house, planner, await house.database.write(make))

    async def carry_out(self, plan: Sequence[Action], says: str = "yes") -> list[_Done]:
        """Let the agent carry a plan out, `says` being the answer to every question.

        Raises:
            OperatorError: a turn failed, or there is no end of turns.
        """
        self.planner.plan = tuple(plan)
        came: dict[str, Called] = {}
        words = "Hello, please help me."
        for _ in range(_MOST_TURNS):
            calls = await self._turn(words)
            came |= {one.step: one for one in calls}
            if not calls or calls[-1].state != "waiting":
                return [_Done(one.tool, one.state, one.problem) for one in came.values()]
            self.asked += 1
            words = says
        raise OperatorError("exam.endless", name="tau2")

    async def _turn(self, words: str) -> list[Called]:
        started = await self.house.runs.start(CUSTOMER, self.session_id, words)
        if not isinstance(started, Started):
            return []  # a person has the session
        answer, calls = "", list[Called]()
        async for heard in self.house.runs.follow(self.session_id, started.after):
            match heard.event:
                case TextAdded(at=at, text=text):
                    answer = answer[:at] + text
                case Called():
                    calls.append(heard.event)
                case RunFinished(error_key=str(key), error_values=values):
                    raise OperatorError(key, **values)
        self.said.append(answer)
        return calls


def read_shop(connection: Connection, house: House) -> dict[str, Any]:
    """The benchmark's database as the shop's tables have it now."""
    executor = house.packs["retail"].executor
    return database_of({name: executor.rows(connection, name).find() for name in _SHOPS})


def _raw(connection: Connection) -> dict[str, Any]:
    """The shop's tables as they are stored."""
    return {name: inspection.raw_rows(connection, f"retail_{name}") for name in _SHOPS}


async def examine_shop(
    shop: Shop,
    seeds: Seeds,
    planner: Planner,
    rows: int = 0,
    each: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """The figures of the exam.

    Args:
        shop: the benchmark's data.
        seeds: where homes begin, the seed of the shop being made once and copied for each task.
        planner: the script of the model that these homes have.
        rows: so many tasks, in order; 0 is all.
        each: hears of each task that is over.

    Raises:
        OperatorError: a turn failed.
    """
    found = []
    for task in shop.tasks[:rows] if rows else shop.tasks:
        found.append(await sit_task(task, shop, seeds, planner))
        each()
    return _figures(found)


async def sit_task(task: Task, shop: Shop, seeds: Seeds, planner: Planner) -> dict[str, Any]:
    """One task in a home of its own: what is forbidden, then what is expected, then that again."""
    pack = retail_pack(shop.rows)
    seed = await seeds.of(pack, _BEGINS)
    home = seeds.new_folder("task")
    await asyncio.to_thread(shutil.copytree, seed, home)
    clock = itertools.count(_BEGINS, 1000)
    stamps = Stamps(clock.__next__, itertools.count(1 << 40).__next__)
    opening: AbstractAsyncContextManager[House] = seeds.open_house(
        home, stamps, pack, lambda understand: understand
    )
    try:
        async with opening as house:
            await house.database.write(lambda c: inspection.add_person(c, house.stamps, CUSTOMER))
            return await _Sitting(task, shop, house, planner).sit()
    finally:
        await asyncio.to_thread(shutil.rmtree, home, ignore_errors=True)


class _Sitting:
    """One task in an open house."""

    def __init__(self, task: Task, shop: Shop, house: House, planner: Planner) -> None:
        self._task, self._shop, self._house, self._planner = task, shop, house, planner
        self._told: dict[str, Any] = {"id": task.id, "variants": []}

    async def sit(self) -> dict[str, Any]:
        """What came of it."""
        database = self._house.database
        before = await database.read(_raw)
        for one in forbidden(self._task, self._shop.database):
            await self._try(one, before)
        plan, added = plan_of(self._task, self._shop)
        wanted, possible = expected(self._shop.database, plan)
        talk = await Talk.begin(self._house, self._planner)
        done = await talk.carry_out(plan)
        found = await database.read(lambda c: read_shop(c, self._house))
        after = await database.read(_raw)
        for one in repeated(plan, possible, self._shop.database):
            await self._try(one, after)
        return self._told | {
            "identified": added,
            "asked": talk.asked,
            "done": sum(one.state == "done" for one in done),
            "refused": _refused(plan, possible, done),
            "impossible": sum(not can for can in possible),
            "differs": differences(wanted, found),
            "journal": await database.read(journal_faults),
        }

    async def _try(self, one: Forbidden, before: dict[str, Any]) -> None:
        talk = await Talk.begin(self._house, self._planner)
        last = (await talk.carry_out(one.plan, one.says))[-1]
        after = await self._house.database.read(_raw)
        beginning = _beginning(one)
        self._told["variants"].append(
            {
                "kind": one.kind,
                "tool": one.plan[-1].name,
                "refused": last.state in ("failed", "denied")
                and last.problem.startswith(beginning),
                "said": last.problem,
                "effects": 0 if after == before else 1,
                "in_vain": talk.asked if one.says == "yes" else 0,
            }
        )


def plan_of(task: Task, shop: Shop) -> tuple[list[Action], bool]:
    """A task's actions; and whether who asks had to be found first, which it left out."""
    actions = list(task.actions)
    owner = owner_of(task, shop.database)
    if owner is None or any(one.name in FINDS for one in actions):
        return actions, False
    return [identify(shop.database["users"][owner]), *actions], True


def _beginning(one: Forbidden) -> str:
    """The words of a refusal before the first value in it."""
    key = one.refusal
    whole = sentence("en", key, tool="{", name="{", problem="{") if "." in key else words_of(key)
    return whole.partition("{")[0]


def _refused(
    plan: Sequence[Action], possible: Sequence[bool], done: Sequence[_Done]
) -> list[dict[str, str]]:
    """Actions that the benchmark's program does and ours does not, with why."""
    missing = _Done("", "not reached", "")  # a person had the session before
    came = [*done, *([missing] * (len(plan) - len(done)))]
    return [
        {"action": one.name, "state": what.state, "why": what.problem}
        for one, can, what in zip(plan, possible, came, strict=True)
        if can and what.state != "done"
    ]


def journal_faults(connection: Connection) -> list[str]:
    """What is wrong in the journal: a deed that is not at its end, or has no yes of its own."""
    yeses = {
        (one.session_id, one.instance, one.tool, one.arguments)
        for one in journal.list_approvals(connection, OWNER, limit=1000)
        if (one.state, one.role, one.decided_by) == ("used", journal.ASKER, CUSTOMER.id)
    }
    faults = []
    for one in inspection.raw_rows(connection, "effects"):
        named = f"{one['session_id']}: {one['tool']} {one['arguments']}"
        if one["state"] not in ("done", "failed"):
            faults.append(f"{named} is {one['state']}")
        deed = tuple(one[name] for name in ("session_id", "instance", "tool", "arguments"))
        asked = deed in yeses and one["approved_by"] == CUSTOMER.id
        if one["tool"] not in FINDS and not asked:
            faults.append(f"{named} has no yes")
    return faults


def _figures(found: Sequence[dict[str, Any]]) -> dict[str, Any]:
    kinds: dict[str, dict[str, Any]] = {}
    for one in (variant for task in found for variant in task["variants"]):
        row = kinds.setdefault(one["kind"], {"run": 0, "refused": 0, "effects": 0, "said": ""})
        row["run"] += 1
        row["refused"] += one["refused"]
        row["effects"] += one["effects"]
        row["said"] = row["said"] or one["said"]
    figures = {
        "set": "tau2 retail",
        "tasks": len(found),
        "equal": sum(not one["differs"] for one in found),
        "refused_by_policy": [
            {"task": one["id"], **which} for one in found for which in one["refused"]
        ],
        "differs": {one["id"]: one["differs"] for one in found if one["differs"]},
        "identified_first": sum(one["identified"] for one in found),
        "impossible": sum(one["impossible"] for one in found),
        "calls_done": sum(one["done"] for one in found),
        "confirmations": sum(one["asked"] for one in found),
        "forbidden": kinds,
        "forbidden_run": sum(row["run"] for row in kinds.values()),
        "forbidden_refused": sum(row["refused"] for row in kinds.values()),
        "forbidden_effects": sum(row["effects"] for row in kinds.values()),
        "asked_in_vain": sum(one["in_vain"] for task in found for one in task["variants"]),
        "not_refused": [
            {"task": task["id"], **one}
            for task in found
            for one in task["variants"]
            if not one["refused"] or one["effects"]
        ],
        "journal_faults": [fault for one in found for fault in one["journal"]],
    }
    wrong = [one["id"] for one in found if one["differs"] and not one["refused"]]
    bad = ("not_refused", "forbidden_effects", "asked_in_vain", "journal_faults")
    return figures | {"passed": not (wrong or any(figures[name] for name in bad))}
