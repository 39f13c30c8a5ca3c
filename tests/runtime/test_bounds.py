"""What one person, one flow or one model can cost is bounded, and held before the call (R25)."""

import asyncio
import dataclasses
import json
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from attenda.api import (
    Conflict,
    Deed,
    Denied,
    Message,
    Pack,
    PackTable,
    Principal,
    Said,
    ScriptedModel,
    check_pack,
    scripted_call,
    tool,
)
from attenda.core.command import Command, StartFlow, Wait
from attenda.core.event import Called, RunFinished, TextAdded
from attenda.core.label import SYSTEM
from attenda.runtime.automation import ModelStep
from attenda.runtime.automation_deeds import Deeds, Doing
from attenda.runtime.bounds import AtOnce
from attenda.runtime.converse import MOST_DEEDS
from attenda.runtime.house import House
from attenda.store import agents, quota, schema, sessions
from attenda.store.database import Connection
from attenda.store.stamps import Stamps
from tests.scripted_house import SAVINGS, add_text, scripted_house

ANA = Principal(id="usr_ana", role="agent")
OWNER = Principal(id="usr_owner", role="owner")
LONG_ANSWER = "word " * 200
QUOTA, AT_ONCE = 300, 4


def with_house(
    folder: Path, story: Callable[[House], Coroutine[Any, Any, None]], **more: Any
) -> None:
    async def body() -> None:
        async with scripted_house(folder, lambda _: LONG_ANSWER, **more) as (house, _):
            await house.database.write(enter)
            await story(house)

    asyncio.run(body())


def enter(connection: Connection) -> None:
    row = {"id": ANA.id, "role": ANA.role, "created_at": 1, "tokens_a_day": QUOTA}
    connection.execute(schema.users.insert().values(**row))


async def allow(house: House, tokens: int | None) -> None:
    values = schema.users.update().values(tokens_a_day=tokens)
    await house.database.write(lambda c: c.execute(values))


async def asked_in_all(house: House, times: int) -> None:
    """Wait until the model was asked so often."""
    model = house.models.chat("scripted")
    assert isinstance(model, ScriptedModel)
    while len(model.asked) < times:
        await asyncio.sleep(0.005)


async def begin(house: House, who: Principal, pack: str = "") -> str:
    def make(connection: Connection) -> str:
        found = [one["id"] for one in agents.list_agents(connection, who) if one["pack"] == pack]
        agent_id = found[0] if pack else None
        return sessions.create_session(connection, house.stamps, who, agent_id).id

    return await house.database.write(make)


def test_an_answer_that_is_stopped_counts_and_a_quota_is_overrun_by_one_at_most(
    tmp_path: Path,
) -> None:
    """Who stops each answer just before its end would else read for nothing."""

    async def story(house: House) -> None:
        spent: list[int] = []

        def spent_today(connection: Connection) -> int:
            return quota.spent(connection, ANA.id, house.stamps.now())

        with pytest.raises(Denied):
            for _ in range(100):
                session = await begin(house, ANA)
                started = await house.runs.start(ANA, session, "Tell me much, please")
                heard = 0
                async for one in house.runs.follow(session, started.after):  # type: ignore[union-attr]
                    heard += isinstance(one.event, TextAdded)
                    if heard == 20:
                        await house.runs.stop(ANA, session)
                spent.append(await house.database.read(spent_today))
        each = [after - before for before, after in zip([0, *spent], spent, strict=False)]
        assert len(spent) > 1 and min(each) >= 20
        assert spent[-2] < QUOTA <= spent[-1] < QUOTA + max(each)
        print(f"quota {QUOTA}, spent {spent[-1]} in {len(spent)} answers, dearest {max(each)}")

    with_house(tmp_path, story, pause_s=0.002)


def test_one_person_has_so_many_answers_at_once(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        begun = [await begin(house, ANA) for _ in range(AT_ONCE + 4)]
        tries = [house.runs.start(ANA, one, "Tell me much") for one in begun]
        found = await asyncio.gather(*tries, return_exceptions=True)
        refused = [one for one in found if isinstance(one, Conflict)]
        assert len(refused) == 4 and f"{AT_ONCE} answers under way" in str(refused[0])
        others = [await begin(house, OWNER) for _ in range(AT_ONCE + 4)]
        for one in others:  # who runs the machine is not held back, nor by Ana
            await house.runs.start(OWNER, one, "Tell me much")
        await house.runs.stop_all_of(ANA.id)
        await house.database.write(lambda c: c.execute(text("DELETE FROM usage")))
        await house.runs.start(ANA, begun[-1], "Now I may again")
        rows = await house.database.read(
            lambda c: c.execute(text("SELECT parts FROM messages")).all()
        )
        asked = [row for row in rows if "Tell me much" in str(row[0])]
        assert len(asked) == 2 * AT_ONCE + 4, "what was refused left nothing behind"

    with_house(tmp_path, story, pause_s=0.05)


def test_who_asks_in_many_chats_waits_in_turn_with_others(tmp_path: Path) -> None:
    """Their second answer begins after their first, while somebody else's is in hand."""

    async def story(house: House) -> None:
        ends: list[str] = []

        async def ask(who: Principal, name: str, session: str) -> None:
            started = await house.runs.start(who, session, "Tell me much")
            async for _ in house.runs.follow(session, started.after):
                pass
            ends.append(name)

        await allow(house, None)
        chats = [await begin(house, ANA) for _ in range(3)]
        alone = await begin(house, OWNER)
        asking = [ask(ANA, f"ana {n}", one) for n, one in enumerate(chats)]
        first, second, third = (asyncio.create_task(one) for one in asking)
        await asked_in_all(house, 3)  # alone in the house, she has all three in hand
        await ask(OWNER, "owner", alone)
        await asyncio.gather(first, second, third)
        assert ends[-1] == "owner"
        ends.clear()
        await house.database.write(lambda c: c.execute(text("DELETE FROM usage")))
        owner = asyncio.create_task(ask(OWNER, "owner", alone))
        await asked_in_all(house, 5)
        await asyncio.gather(*(ask(ANA, f"ana {n}", one) for n, one in enumerate(chats)), owner)
        assert ends[0] in ("owner", "ana 0") and "owner" in ends[:2], "hers came one by one"

    with_house(tmp_path, story, pause_s=0.002)


@tool(writes=True)
def knock(deed: Deed, at: str) -> dict[str, str]:
    """Knock."""
    deed.rows("knocks").add(id=deed.key, at=at)
    return {"at": at}


def hostile(folder: Path, steps: dict[str, Any]) -> Pack:
    """Flows that a hand or a mistake may write."""
    words = {"title": {"en": "x"}, "examples": {"en": ["x"]}}
    flows = {name: {**words, "steps": one} for name, one in steps.items()}
    (folder / "flows").mkdir(parents=True)
    (folder / "flows" / "all.yaml").write_text(json.dumps(flows), "utf-8")  # JSON is YAML
    rule = '[[rule]]\nid = "R"\ntool = "knock"\ndo = "allow"\n'
    (folder / "policy.toml").write_text(rule, "utf-8")
    tables = (PackTable("knocks", {"id": "text", "at": "text"}),)
    return Pack("hostile", {"en": "Hostile"}, folder, tools=(knock,), tables=tables)


async def understand(said: Said) -> Sequence[Command]:
    if said.text in ("yes", "no"):  # a bare one, where nothing was asked
        return [Wait()]
    return [] if " " in said.text else [StartFlow(flow=said.text)]


def test_a_flow_of_too_many_deeds_is_stopped_before_the_next(tmp_path: Path) -> None:
    knocks = [
        {"call": "knock", "with": {"at": f"'{n}'"}, "unless_confirmed": "a trial"}
        for n in range(3 * MOST_DEEDS)
    ]
    pack = hostile(tmp_path / "pack", {"many": knocks})

    async def story(house: House) -> None:
        session = await begin(house, OWNER, "hostile")
        started = await house.runs.start(OWNER, session, "many")
        made = [one.event async for one in house.runs.follow(session, started.after)]  # type: ignore[union-attr]
        assert sum(isinstance(event, Called) for event in made) == MOST_DEEDS
        assert any(
            "more time than one answer" in event.text
            for event in made
            if isinstance(event, TextAdded)
        )
        rows = await house.database.read(
            lambda c: c.execute(text("SELECT count(*) FROM hostile_knocks")).scalar()
        )
        assert rows == MOST_DEEDS

    with_house(tmp_path / "home", story, packs=[pack], understand=understand)


@pytest.mark.parametrize("steps", [
    {"itself": [{"say": {"en": "x"}}, {"call_flow": "itself"}]},
    {"ping": [{"call_flow": "pong"}], "pong": [{"call_flow": "ping"}]},
    {"ping": [{"if": "today", "then": [{"call_flow": "pong"}]}], "pong": [{"call_flow": "ping"}]},
], ids=["itself", "ping-pong", "perhaps"])  # fmt: skip
def test_flows_that_lead_back_to_themselves_are_never_opened(
    tmp_path: Path, steps: dict[str, Any]
) -> None:
    problems = check_pack(hostile(tmp_path / "pack", steps))
    assert any("leads back to this flow" in one for one in problems), problems


def loops(folder: Path) -> Pack:
    """An agent whose model chooses tools."""
    pack = hostile(folder, {})
    return dataclasses.replace(pack, name="looping", mode="loop")


async def heard(house: House, who: Principal, session: str, said: str) -> tuple[str, RunFinished]:
    """What is answered, and how it ends."""
    started = await house.runs.start(who, session, said)
    made = [one.event async for one in house.runs.follow(session, started.after)]  # type: ignore[union-attr]
    assert isinstance(made[-1], RunFinished)
    return "".join(one.text for one in made if isinstance(one, TextAdded)), made[-1]


def test_a_quota_is_overrun_by_one_call_whatever_a_turn_asks_a_model(tmp_path: Path) -> None:
    """Round by round, and side by side: what a call may take is held while it is under way."""
    limit, text_read = 2000, "word " * 60
    extract = scripted_call("extract", **{"from": text_read, "what": "x"})
    cost: list[int] = []

    def script(messages: Sequence[Message]) -> Any:
        answer = "yes " * 30
        cost.append(sum(len(one.text.split()) for one in messages) + 30)
        return answer if "Value:" in messages[-1].text else [answer, *[extract] * 8]

    async def story() -> None:
        pack = loops(tmp_path / "pack")
        async with scripted_house(
            tmp_path / "home", script, packs=[pack], understand=understand, pause_s=0.001
        ) as (house, model):
            await house.database.write(enter)
            await allow(house, limit)
            session = await begin(house, ANA, "looping")
            answer, end = await heard(house, ANA, session, "Go on and on")
            spent = await house.database.read(lambda c: quota.spent(c, ANA.id, house.stamps.now()))
            assert end.reason == "done" and end.usage.total == spent == sum(cost)
            assert answer.endswith(f"Today's {limit} tokens are used up; ask an administrator for "
                                   "more, or go on tomorrow.")  # fmt: skip
            assert len(cost) > 8 and limit <= spent < limit + max(cost), cost
            print(f"quota {limit}, spent {spent} in {len(model.asked)} calls, dearest {max(cost)}")

    asyncio.run(story())


def test_steps_of_automations_share_what_is_left_of_a_day(tmp_path: Path) -> None:
    """However many runs of one person ask a model at once, and one that breaks off counts too."""

    async def story(house: House) -> None:
        deeds = Deeds(
            house.database, house.stamps, house.models, house.searcher, house.runs.allowance
        )
        step = ModelStep(id="ask", model={"en": "Go on and on"}, max_tokens=100)
        doing = Doing("run", "all", step, {}, SYSTEM, ANA, None)  # type: ignore[arg-type]
        broken = asyncio.create_task(deeds.do(doing))
        await asked_in_all(house, 1)
        broken.cancel()
        await asyncio.wait([broken])
        before = await house.database.read(lambda c: quota.spent(c, ANA.id, house.stamps.now()))
        ends = await asyncio.gather(*(deeds.do(doing) for _ in range(8)))
        spent = await house.database.read(lambda c: quota.spent(c, ANA.id, house.stamps.now()))
        cost = 100 + len("Go on and on".split())
        answered = [one for one in ends if one.value is not None]
        assert 0 < before <= cost and spent == before + cost * len(answered)
        assert QUOTA <= spent < QUOTA + cost and answered
        assert {one.problem.key for one in ends if one.problem} == {"quota.used_up"}

    with_house(tmp_path, story, pause_s=0.002)


def test_a_flow_that_runs_out_of_tokens_answers_in_the_words_of_the_documents(
    tmp_path: Path,
) -> None:
    pack = hostile(
        tmp_path / "pack", {"look": [{"search": "'monthly fee'"}] * 6 + [{"say": {"en": "Done."}}]}
    )
    wordy = "A savings account costs no monthly fee. " * 10

    async def story() -> None:
        async with scripted_house(
            tmp_path / "home", lambda _: wordy, packs=[pack], understand=understand
        ) as (house, model):
            await house.database.write(enter)
            await add_text(house, ANA, "savings.md", SAVINGS)
            session = await begin(house, ANA, "hostile")
            answer, end = await heard(house, ANA, session, "look")
            spent = await house.database.read(lambda c: quota.spent(c, ANA.id, house.stamps.now()))
            dearest = spent // len(model.asked)
            assert 1 < len(model.asked) < 6 and QUOTA <= spent < QUOTA + dearest
            assert answer.endswith("Done.") and answer.count("no monthly fee. [") == 6
            assert end.usage.total == spent

    asyncio.run(story())


@pytest.mark.parametrize("mode", ["flows", "loop"])
def test_a_turn_that_takes_too_long_stops_before_the_next_deed(tmp_path: Path, mode: Any) -> None:
    """Flows stop where they stand, and go on there without doing anything twice."""
    now = [1_773_136_800_000_000]
    knocks = [
        {"call": "slow", "with": {"at": f"'{n}'"}, "unless_confirmed": "a trial"} for n in range(6)
    ]

    @tool(writes=True)
    def slow(deed: Deed, at: str) -> None:
        """Knock, and let three minutes pass."""
        now[0] += 180_000_000
        deed.rows("knocks").add(id=deed.key, at=at)

    made = hostile(tmp_path / "pack", {"long": [*knocks, {"say": {"en": "All done."}}]})
    rules = (made.folder / "policy.toml").read_text("utf-8").replace('"knock"', '"slow"')
    (made.folder / "policy.toml").write_text(f"{rules}\n[budget]\nseconds = 500\n", "utf-8")
    pack = dataclasses.replace(made, tools=(slow,), mode=mode)

    def script(messages: Sequence[Message]) -> Any:
        return [scripted_call("slow", at=str(n)) for n in range(6)]

    async def story() -> None:
        stamps = Stamps(clock=lambda: now[0])
        home = tmp_path / "home"
        async with scripted_house(
            home, script, packs=[pack], understand=understand, stamps=stamps
        ) as (house, model):
            session = await begin(house, OWNER, "hostile")
            answer, end = await heard(house, OWNER, session, "long")
            assert "than one answer may" in answer and end.reason == "done"
            assert await house.database.read(knocked) == ["0", "1", "2"]
            assert len(model.asked) == (mode == "loop")
            if mode == "loop":
                return
            unclear, _ = await heard(house, OWNER, session, "Well, hm")
            assert "didn't understand" in unclear and "Say “yes” to go on" in unclear
            assert "3" not in await house.database.read(knocked)
            assert (await heard(house, OWNER, session, "yes"))[0] == "All done."
            assert await house.database.read(knocked) == ["0", "1", "2", "3", "4", "5"]
            other = await begin(house, OWNER, "hostile")
            await heard(house, OWNER, other, "long")
            assert "I've stopped" in (await heard(house, OWNER, other, "no"))[0]
            assert len(await house.database.read(knocked)) == 9

    asyncio.run(story())


def knocked(connection: Connection) -> list[str]:
    found = connection.execute(text("SELECT at FROM hostile_knocks ORDER BY at")).scalars()
    return list(found)


def test_who_asks_without_a_pause_is_paced_while_others_are_about() -> None:
    async def body() -> None:
        at_once, over = AtOnce(0), asyncio.Event()
        now = asyncio.get_running_loop().time

        async def flood(turns: int) -> int:
            done = 0
            while done < turns and not over.is_set():
                async with at_once.turn(ANA):
                    done += 1
            return done

        async with asyncio.timeout(20):  # paced, they would take fifty seconds
            assert await flood(200) == 200
        began = now()
        floods = [asyncio.create_task(flood(10_000)) for _ in range(4)]
        for _ in range(4):
            async with at_once.turn(OWNER):
                await asyncio.sleep(0.2)
        over.set()
        elapsed_s = now() - began
        assert sum(await asyncio.gather(*floods)) <= 12 + 4 * (elapsed_s + 1)

    asyncio.run(body())
