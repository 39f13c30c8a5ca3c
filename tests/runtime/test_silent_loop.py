"""Silence where a model chooses tools: its person is reminded of the yes, then it is put down."""

import asyncio
import dataclasses
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from attenda.api import Pack, ScriptedAnswer
from attenda.api import scripted_call as call
from attenda.core.event import Silent
from attenda.core.silence import SilenceTimes
from attenda.core.words import sentence
from attenda.runtime.desk import Desk
from attenda.runtime.house import House
from attenda.serve.session_view import session_view
from attenda.store import runs
from tests.conftest import FROZEN_AT
from tests.runtime.loop_shop import loop_shop
from tests.runtime.test_flows import AGENT, ANA, Talk, rows
from tests.runtime.test_loop_confirm import RULES, asked
from tests.runtime.test_silent_sessions import HOUR, MINUTE, Clock, look, said
from tests.runtime.test_toolloop import seen
from tests.runtime.test_toolloop import shop as loop_house
from tests.scripted_house import scripted_house

TIMES = SilenceTimes(remind=(600,), end=7200)
REMINDER = sentence("en", "silence.reminder", question="")
ASKS: list[ScriptedAnswer] = [
    [call("refund", order="O-1", amount=60), call("refund", order="O-2", amount=9)]
]
PAID: ScriptedAnswer = "It is paid back."


def pack_in(folder: Path, times: SilenceTimes = TIMES, lasts_s: int = 86_400) -> Pack:
    folder.mkdir(exist_ok=True)
    rules = RULES.replace('do = "confirm"', f'do = "confirm"\nlasts_s = {lasts_s}')
    (folder / "policy.toml").write_text(rules)
    return dataclasses.replace(loop_shop(), folder=folder, silence=times)


@asynccontextmanager
async def again(home: Path, clock: Clock, pack: Pack, talk: Talk) -> AsyncIterator[Talk]:
    """The same installation, started anew."""
    opened = scripted_house(home, [PAID] * 3, packs=[pack], stamps=clock.stamps())
    async with opened as (house, _):
        yield Talk(house, talk.session_id)


async def silences(talk: Talk) -> list[tuple[int, bool]]:
    log = await talk.house.database.read(lambda c: runs.events_after(c, talk.session_id, 0))
    found = [one.event for one in log if isinstance(one.event, Silent)]
    return [(one.reminders, one.ended) for one in found]


async def passes(talk: Talk, clock: Clock, *stages: tuple[int, int]) -> None:
    """Minutes since the question, and how many messages there are then; each looked at twice."""
    for minutes, messages in stages:
        clock.now = FROZEN_AT + minutes * MINUTE
        await look(talk.house, talk.house)
        assert len(await said(talk)) == messages, f"after {minutes} minutes"


def test_reminded_once_then_put_down_across_restarts_and_nothing_is_done(tmp_path: Path) -> None:
    clock, pack = Clock(), pack_in(tmp_path / "pack")

    async def story() -> None:
        home = tmp_path / "home"
        async with loop_house(home, ASKS, pack, stamps=clock.stamps()) as (house, _, talk):
            question = await talk.say("Refund both")
            view = await house.database.read(lambda c: session_view(c, house, ANA, talk.session_id))
            assert view["silence_at"] == clock.now + 10 * MINUTE
            await passes(talk, clock, (9, 1), (10, 2), (11, 2))
            assert await talk.last() == f"{REMINDER}{question}"
            view = await house.database.read(lambda c: session_view(c, house, ANA, talk.session_id))
            assert view["choices"] == ["Yes", "No"]
        async with again(home, clock, pack, talk) as talk:
            await passes(talk, clock, (119, 2), (120, 3), (240, 3), (60 * 30, 3))
            assert await silences(talk) == [(1, False), (0, True)]
            assert "“Give money back” aside and done nothing without your yes" in await talk.last()
            (waited,) = await asked(talk.house)
            assert waited.state == "expired"
            assert "paid back" in await talk.say("yes"), "a new turn, in which nothing waits"
            assert await rows(talk.house, "loopshop_refunds") == []

    asyncio.run(story())


def test_a_yes_after_the_reminder_counts_and_the_next_question_has_its_own_time(
    tmp_path: Path,
) -> None:
    clock, pack = Clock(), pack_in(tmp_path / "pack")

    async def story() -> None:
        script = [*ASKS, PAID]
        async with loop_house(tmp_path / "home", script, pack, stamps=clock.stamps()) as made:
            house, model, talk = made
            await talk.say("Refund both")
            clock.now += 10 * MINUTE
            await look(house)
            second = await talk.say("yes")
            assert "- order: O-2" in second
            assert [one["amount"] for one in await rows(house, "loopshop_refunds")] == ["60"]
            clock.now += 10 * MINUTE
            await look(house)
            assert await talk.last() == f"{REMINDER}{second}"
            clock.now += 110 * MINUTE
            await look(house)
            assert "aside" in await talk.last()
            assert [one.state for one in await asked(house)] == ["used", "expired"]
            assert len(await rows(house, "loopshop_refunds")) == 1
            assert REMINDER not in seen(model), "what we say beside it is no word of the model's"

    asyncio.run(story())


def test_nobody_is_reminded_of_what_counts_no_more_or_is_for_others(tmp_path: Path) -> None:
    clock, short = Clock(), pack_in(tmp_path / "pack", lasts_s=300)
    colleague = pack_in(tmp_path / "other")
    (colleague.folder / "policy.toml").write_text(RULES.replace('"confirm"', '"ask"'))

    async def story() -> None:
        for number, (pack, after) in enumerate(((short, (1, 2)), (colleague, (1, 1)))):
            clock.now, home = FROZEN_AT, tmp_path / f"home{number}"
            async with loop_house(home, ASKS, pack, stamps=clock.stamps()) as (house, _, talk):
                await talk.say("Refund both")
                await passes(talk, clock, (10, after[0]), (60, after[0]), (120, after[1]))
                state = (await asked(house))[0].state
                assert state == ("expired" if pack is short else "pending")

    asyncio.run(story())


def test_what_the_model_asks_for_is_asked_again_then_left(tmp_path: Path) -> None:
    clock = Clock()
    asks = call("ask_person", question="Is it the order of ${r1.note}?")
    script: list[ScriptedAnswer] = [[call("get_order", order="O-2"), asks], "Then O-2 it is."]

    async def story() -> None:
        pack = pack_in(tmp_path / "pack")
        async with loop_house(tmp_path / "home", script, pack, stamps=clock.stamps()) as made:
            house, model, talk = made
            question = await talk.say("Where is my order?")
            assert question == "Is it the order of hello?"
            await passes(talk, clock, (9, 1), (10, 2), (11, 2))
            assert await talk.last() == f"{REMINDER}{question}"
            await passes(talk, clock, (119, 2), (120, 3), (240, 3))
            assert await talk.last() == sentence("en", "silence.put_down")
            assert await silences(talk) == [(1, False), (0, True)]
            assert await talk.say("Yes, that one") == "Then O-2 it is."
            assert "hello" not in seen(model), "a stranger's words, in the reminder too"
            await passes(talk, clock, (400, 4))

    asyncio.run(story())


def test_nobody_is_reminded_of_what_a_person_has_seen_to(tmp_path: Path) -> None:
    clock, pack = Clock(), pack_in(tmp_path / "pack")

    async def story() -> None:
        script: list[ScriptedAnswer] = [[call("ask_person", question="Which order?")]]
        async with loop_house(tmp_path / "home", script, pack, stamps=clock.stamps()) as made:
            house, _, talk = made
            await talk.say("Refund it")
            desk = Desk(house)
            await desk.ask_person(ANA, talk.session_id)
            await desk.claim(AGENT, talk.session_id)
            await desk.hand_back(AGENT, talk.session_id)
            before = len(await said(talk))
            await passes(talk, clock, (10, before), (120, before))

    asyncio.run(story())


def test_nobody_is_reminded_of_plain_words_or_of_what_a_guard_kept_back(tmp_path: Path) -> None:
    clock, pack = Clock(), pack_in(tmp_path / "pack")
    asks: list[ScriptedAnswer] = [[call("ask_person", question="Your password?")]]
    guarded = dataclasses.replace(
        pack, guard=lambda deed, text, language: "No." if "password" in text else None
    )

    async def story() -> None:
        cases = ((guarded, asks, "No."), (pack, ["Anything else?"], "Anything else?"))
        for number, (given, script, told) in enumerate(cases):
            clock.now, home = FROZEN_AT, tmp_path / f"home{number}"
            async with loop_house(home, script, given, stamps=clock.stamps()) as (_, _, talk):
                assert await talk.say("Hello") == told
                await passes(talk, clock, (10, 1), (120, 1))

    asyncio.run(story())


@pytest.mark.parametrize(
    "ticks", range(0, 30, 3) if os.environ.get("ATTENDA_LONG") == "1" else (0, 12)
)
def test_an_answer_in_the_instant_of_the_end_comes_before_it_or_after_it(
    tmp_path: Path, ticks: int
) -> None:
    clock, pack = Clock(), pack_in(tmp_path / "pack")

    async def story() -> None:
        script: list[ScriptedAnswer] = [[call("refund", order="O-1", amount=60)], PAID]
        async with loop_house(tmp_path / "home", script, pack, stamps=clock.stamps()) as made:
            house, _, talk = made
            await talk.say("Refund it")
            clock.now += 2 * HOUR

            async def answer() -> None:
                for _ in range(ticks):
                    await asyncio.sleep(0)
                await talk.say("yes")

            await asyncio.gather(answer(), look(house), look(house))
            ended = any("aside" in one for one in await said(talk))
            assert len(await rows(house, "loopshop_refunds")) == (0 if ended else 1)
            assert [one.state for one in await asked(house)] == ["expired" if ended else "used"]
            assert len(await said(talk)) == (3 if ended else 2), "one order, nothing beside it"

    asyncio.run(story())


@pytest.mark.long
def test_two_processes_on_one_database_speak_once(tmp_path: Path, postgres_url: str) -> None:
    clock, pack = Clock(), pack_in(tmp_path / "pack")

    async def story() -> None:
        async with loop_house(
            tmp_path / "a", ASKS * 4, pack, stamps=clock.stamps(), database=postgres_url
        ) as (one, _, first):
            opened = scripted_house(
                tmp_path / "b", [PAID] * 8, packs=[pack], stamps=clock.stamps(),
                database=postgres_url,
            )  # fmt: skip
            async with opened as (other, _):
                await _both(clock, one, other, first)

    asyncio.run(story())


async def _both(clock: Clock, one: House, other: House, first: Talk) -> None:
    await first.say("Refund both")
    for minutes, messages in ((11, 2), (119, 2)):
        clock.now = FROZEN_AT + minutes * MINUTE
        await look(one, other, one, other)
        assert len(await said(first)) == messages
    clock.now = FROZEN_AT + 121 * MINUTE
    await asyncio.gather(look(one, other, one, other), Talk(other, first.session_id).say("yes"))
    ended = any("aside" in text for text in await said(first))
    found = [(row.state) for row in await asked(one)]
    assert len(await rows(one, "loopshop_refunds")) == (0 if ended else 1)
    assert found[0] == ("expired" if ended else "used")
