"""What a model writes is seen whole by its pack's guard before anybody hears a word of it."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from attenda.api import AskDocuments, Command, Deed, Pack, Said, ScriptedAnswer, scripted_call
from attenda.core.event import Cited, TextAdded, Withheld
from attenda.packs.tutor.pack import PACK as TUTOR
from attenda.packs.tutor.samples import samples_on
from attenda.runtime.house import House
from attenda.store import agents, schema, sessions
from attenda.store.runs import NumberedEvent, events_after
from tests.runtime.test_flows import ANA, Talk, _person
from tests.scripted_house import add_text, scripted_house

call = scripted_call
LONG = os.environ.get("ATTENDA_LONG") == "1"
TASK = {
    "id": "tsk_1", "learner": ANA.id, "item": "add_fractions-1", "skill": "add_fractions",
    "reason": "frontier", "because": "add_fractions", "rate": "0.4", "item_rate": "0.4", "at": 1,
    "state": "open", "hints": 0, "told": False, "turns": 0, "queued": "",
}  # fmt: skip
LEARNER = {
    "id": ANA.id,
    "name": "Ana Duarte",
    "class_id": "",
    "goal": "",
    "minutes": 20,
    "exam": False,
}
TELLING = "One half plus one third makes five sixths of a whole pizza."
KEPT_BACK = "it would tell the answer"
EXAM = "You are in an exam"


async def documents(_said: Said) -> Sequence[Command]:
    return [AskDocuments()]


def tutor(mode: Any, task: dict[str, Any] = TASK, *, exam: bool = False) -> Pack:
    """The tutor with an exercise of Ana's open, 1/2 + 1/3."""
    samples = {**samples_on(0), "tasks": [task], "learners": [{**LEARNER, "exam": exam}]}
    return replace(TUTOR, mode=mode, samples=samples)


@contextlib.asynccontextmanager
async def talk_with(home: Path, pack: Pack, script: Any) -> AsyncIterator[tuple[House, Talk]]:
    async with scripted_house(home, script, packs=[pack], understand=documents) as (house, _):

        def begin(connection: Any) -> str:
            found = next(a for a in agents.list_agents(connection, ANA) if a["pack"] == pack.name)
            return sessions.create_session(connection, house.stamps, ANA, found["id"]).id

        await _person(house, ANA)
        yield house, Talk(house, await house.database.write(begin))


async def events(house: House, talk: Talk) -> list[Any]:
    found: list[NumberedEvent] = await house.database.read(
        lambda c: events_after(c, talk.session_id, 0)
    )
    return [one.event for one in found]


def tutor_tasks(house: House) -> Any:
    return lambda c: house.packs["tutor"].executor.rows(c, "tasks")


def heard(found: list[Any]) -> str:
    return "".join(one.text for one in found if isinstance(one, TextAdded))


LEAKS: dict[str, list[ScriptedAnswer]] = {
    "plainly": ["Sure: the answer is 5/6, well done."],
    "in words": ["I may not say it, but think of five sixths."],
    "written backwards": ["Read this backwards: 6/5"],
    "in pieces": [
        ["The top is 5/", call("explain", skill="add_fractions")],
        "6 is all that is missing.",
    ],
    "by a reader": [
        [call("explain", skill="decimals")],
        [call("write_answer", how="say it", **{"from": ["${r1}"]})],
        "It is cinq sixièmes, or 0.8333.",
    ],
}


@pytest.mark.parametrize(
    "how",
    [one if one == "in pieces" else pytest.param(one, marks=pytest.mark.long) for one in LEAKS],
)
def test_no_model_gives_the_answer_of_an_open_exercise_away(home: Path, how: str) -> None:
    async def story() -> None:
        async with talk_with(home, tutor("loop"), LEAKS[how]) as (house, talk):
            answer = await talk.say("just tell me")
            found = await events(house, talk)
            assert KEPT_BACK in answer and heard(found) == answer, "nothing was heard before"
            assert "sixths" not in answer and "/6" not in answer and "6/5" not in answer
            assert [one.letters > 5 for one in found if isinstance(one, Withheld)] == [True]

    asyncio.run(story())


def test_what_tells_nothing_stands_and_so_does_all_once_it_was_told(home: Path) -> None:
    open_: list[ScriptedAnswer] = ["Both need the same denominator first."]
    told: list[ScriptedAnswer] = ["Yes, it is 5/6."]

    async def story() -> None:
        async with talk_with(home, tutor("loop"), [*open_, *told]) as (house, talk):
            assert await talk.say("how do I begin?") == open_[0]
            table = tutor_tasks(house)
            await house.database.write(lambda c: table(c).change("tsk_1", told=True))
            assert await talk.say("so it is 5/6?") == told[0]
            assert not [one for one in await events(house, talk) if isinstance(one, Withheld)]

    asyncio.run(story())


def test_an_answer_from_documents_is_kept_back_with_what_it_cites(home: Path) -> None:
    async def story() -> None:
        for mode in ("flows", "loop") if LONG else ("flows",):
            script: Any = lambda _: TELLING  # noqa: E731
            if mode == "loop":
                script = [
                    [call("search_documents", query="one half plus one third pizza")],
                    [call("write_answer", **{"from": ["${r1}"]})],
                    TELLING,
                ]
            async with talk_with(home / mode, tutor(mode), script) as (house, talk):
                named = schema.users.update().values(name="Ana Duarte")
                await house.database.write(lambda c, named=named: c.execute(named))
                await add_text(house, ANA, "pizza.md", f"# Sharing a pizza\n\n{TELLING}\n")
                answer = await talk.say("How much is one half plus one third of a pizza?")
                found = await events(house, talk)
                assert KEPT_BACK in answer and "sixths" not in heard(found), mode
                assert not [one for one in found if isinstance(one, Cited)]
                model: Any = house.models.chat("scripted")
                assert model.asked and "Duarte" not in str(model.asked), "no name leaves"

    asyncio.run(story())


def test_in_an_exam_no_model_says_anything(home: Path) -> None:
    async def story() -> None:
        async with talk_with(home, tutor("loop", exam=True), ["Find a common base."]) as (_, talk):
            answer = await talk.say("请给点提示")
            assert "考试" in answer and "base" not in answer

    asyncio.run(story())


def test_a_broken_guard_lets_nothing_through(home: Path) -> None:
    def broken(deed: Deed, text: str, language: str) -> str | None:
        raise KeyError(text)

    async def story() -> None:
        pack = replace(tutor("loop"), guard=broken)
        async with talk_with(home, pack, ["It is 5/6."]) as (house, talk):
            assert await talk.say("tell me") == "I can’t say that here."
            assert "5/6" not in heard(await events(house, talk))

    asyncio.run(story())
