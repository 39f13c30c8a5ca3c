"""Silence at work: reminded once, put down once, whatever happens in between; nothing is done."""

import asyncio
import dataclasses
import itertools
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from attenda.api import Clarify, Command, Pack, Principal, Said, Understand
from attenda.core.event import FlowEnded, Silent
from attenda.core.opening import Opening
from attenda.core.silence import SilenceTimes
from attenda.core.words import sentence
from attenda.runtime.desk import Desk
from attenda.runtime.house import House
from attenda.runtime.silence_watch import SilenceWatch
from attenda.store import channels, hours, mail, people, runs, sessions
from attenda.store.mail import Thread
from attenda.store.stamps import Stamps
from tests.conftest import FROZEN_AT
from tests.runtime.test_flows import AGENT, ANA, SHOP, Talk, rows, understand
from tests.scripted_house import scripted_house

MINUTE, HOUR = 60 * 10**6, 3600 * 10**6
TIMES = SilenceTimes(remind=(600, 7200), end=86_400)
AT_CONFIRM = "refund order=O-1001 email=ana@example.test"
ASKED = "Shall I?"
REMINDER = sentence("en", "silence.reminder", question="")


class Clock:
    """A clock that stands still; two houses over one database go by it."""

    def __init__(self) -> None:
        self.now, self._chance = FROZEN_AT, itertools.count(1)

    def stamps(self) -> Stamps:
        return Stamps(clock=lambda: self.now, chance=self._chance.__next__)


@asynccontextmanager
async def shop(
    home: Path,
    clock: Clock,
    times: SilenceTimes | None = TIMES,
    database: str = "",
    heard: Understand = understand,
) -> AsyncIterator[House]:
    """The shop, whose own watch finds the house as tests leave it: they look themselves, too."""
    pack: Pack = dataclasses.replace(SHOP, silence=times)
    opened = scripted_house(
        home, packs=[pack], understand=heard, stamps=clock.stamps(), database=database
    )
    async with opened as (house, _):
        yield house


async def look(*houses: House) -> None:
    await asyncio.gather(*(SilenceWatch(house).round() for house in houses))


async def told(talk: Talk) -> list[Silent | FlowEnded]:
    """What the session's log says of silence."""
    log = await talk.house.database.read(lambda c: runs.events_after(c, talk.session_id, 0))
    found = [one.event for one in log]
    return [one for one in found if isinstance(one, Silent | FlowEnded)]


async def said(talk: Talk) -> list[str]:
    """What the agent said, oldest first."""
    tree = await talk.house.database.read(lambda c: sessions.message_tree(c, talk.session_id))
    return [one.message.text for one in tree if one.message.role == "assistant"]


async def alone(talk: Talk) -> list[str]:
    """What the agent said on the branch that is shown."""

    def read(connection: Any) -> list[str]:
        session = sessions.session_by_id(connection, talk.session_id)
        tree = sessions.message_tree(connection, talk.session_id)
        path = sessions.message_path(tree, session.head_id)
        return [one.message.text for one in path]

    return await talk.house.database.read(read)


async def _passes(talk: Talk, clock: Clock, *stages: tuple[int, int]) -> None:
    """Minutes since the question, and how many messages there are then; each looked at twice."""
    for minutes, messages in stages:
        clock.now = FROZEN_AT + minutes * MINUTE
        await look(talk.house, talk.house)
        assert len(await said(talk)) == messages, f"after {minutes} minutes"


def test_reminded_then_put_down_across_restarts_and_each_just_once(tmp_path: Path) -> None:
    clock = Clock()

    async def story() -> None:
        async with shop(tmp_path, clock) as house:
            talk = await Talk.begin(house)
            question = await talk.say(AT_CONFIRM)
            await _passes(talk, clock, (9, 1), (10, 2), (11, 2))
        async with shop(tmp_path, clock) as house:  # started anew
            talk.house = house
            await _passes(talk, clock, (119, 2), (120, 3), (1439, 3), (1440, 4))
            spoken = await said(talk)
            assert all(one.endswith(question) and one != question for one in spoken[1:3])
            assert "nothing without your yes" in spoken[3] and "get your money back" in spoken[3]
            kinds = [
                (one.reminders, one.ended) for one in await told(talk) if one.type == "silence"
            ]
            assert kinds == [(1, False), (2, False), (0, True)]
            ends = [one.outcome for one in await told(talk) if isinstance(one, FlowEnded)]
            assert ends[-1] == "abandoned"
            clock.now += 400 * HOUR
            await look(house)
            await talk.say("yes")
            assert await rows(house, "shop_refunds") == []
            assert ASKED in await talk.say(AT_CONFIRM)
            assert "Done" in await talk.say("yes")
            assert len(await rows(house, "shop_refunds")) == 1

    asyncio.run(story())


def test_an_answer_after_a_reminder_is_the_answer_and_the_next_question_has_its_own_time(
    tmp_path: Path,
) -> None:
    clock = Clock()

    async def story() -> None:
        async with shop(tmp_path, clock) as house:
            talk = await Talk.begin(house)
            await talk.say("refund order=O-1001")
            clock.now += 10 * MINUTE
            await look(house)
            assert "e-mail" in await talk.last() and len(await said(talk)) == 2
            await talk.say("email=ana@example.test")
            clock.now += 10 * MINUTE
            await look(house)
            await look(house)
            assert len(await said(talk)) == 4
            assert "Done" in await talk.say("yes")
            clock.now += 2 * HOUR
            await look(house)
            assert len(await said(talk)) == 5, "nothing is asked, so nobody is reminded"

    asyncio.run(story())


def test_nothing_is_said_to_who_is_with_people_writes_or_waits_for_an_approval(
    tmp_path: Path,
) -> None:
    clock = Clock()

    async def story() -> None:
        async with shop(tmp_path, clock) as house:
            desk = Desk(house)
            talk, waits, other = [await Talk.begin(house) for _ in range(3)]
            await talk.say(AT_CONFIRM)
            await other.say(AT_CONFIRM)
            await waits.say("refund order=O-1005 email=ana@example.test")
            await waits.say("yes")
            clock.now += 11 * MINUTE
            house.typing.note(other.session_id, clock.now, staff=False)
            await desk.ask_person(ANA, talk.session_id)  # queued
            counts = [len(await said(one)) for one in (talk, waits, other)]
            for step in ("queued", "human", "waiting", "resolved"):
                if step == "human":
                    await desk.claim(AGENT, talk.session_id)
                elif step == "waiting":
                    await desk.reply(AGENT, talk.session_id, "One moment")
                    counts[0] += 1
                elif step == "resolved":
                    await desk.resolve(AGENT, talk.session_id)
                house.typing.note(other.session_id, clock.now, staff=False)
                await look(house)
                assert [len(await said(one)) for one in (talk, waits, other)] == counts, step
            clock.now += MINUTE  # they write no more
            await look(house)
            assert len(await said(other)) == counts[2] + 1
            clock.now += 25 * HOUR
            await look(house)
            assert len(await said(waits)) == counts[1]
            approvals = await rows(house, "approvals")
            assert [one["state"] for one in approvals] == ["pending"]
            assert await rows(house, "shop_refunds") == []

    asyncio.run(story())


@pytest.mark.parametrize(
    "ticks", range(0, 30, 3) if os.environ.get("ATTENDA_LONG") == "1" else (0, 10)
)
def test_an_answer_in_the_instant_of_the_end_comes_before_it_or_after_it(
    tmp_path: Path, ticks: int
) -> None:
    clock = Clock()

    async def story() -> None:
        async with shop(tmp_path, clock) as house:
            talk = await Talk.begin(house)
            await talk.say(AT_CONFIRM)
            clock.now += 24 * HOUR

            async def answer() -> None:
                for _ in range(ticks):
                    await asyncio.sleep(0)
                await talk.say("yes")

            await asyncio.gather(answer(), look(house), look(house))
            path = await alone(talk)
            ended = any("aside" in one for one in path)
            assert path.count("yes") == 1
            assert len(await rows(house, "shop_refunds")) == (0 if ended else 1)
            if ended:
                assert path.index("yes") == len(path) - 2, "it came after the end"
            assert len(await said(talk)) == (3 if ended else 2), "one order, nothing beside it"

    asyncio.run(story())


def test_which_of_these_is_asked_again_and_an_older_branch_is_left_alone(tmp_path: Path) -> None:
    clock = Clock()

    async def asks_which(said_: Said) -> Sequence[Command]:
        return (
            [Clarify(flows=("refund", "large"))] if said_.text == "?" else await understand(said_)
        )

    async def story() -> None:
        async with shop(tmp_path, clock, heard=asks_which) as house:
            talk = await Talk.begin(house)
            question = await talk.say("?")
            clock.now += 10 * MINUTE
            await look(house)
            assert await talk.last() == f"{REMINDER}{question}"
            clock.now += 24 * HOUR
            await look(house)
            assert "I'll leave it here" in await talk.last()
            assert ASKED in await talk.say(AT_CONFIRM), "nothing is left of the question"
            tree = await house.database.read(lambda c: sessions.message_tree(c, talk.session_id))
            asked = next(one for one in tree if one.message.text == question)
            await house.database.write(lambda c: sessions.set_head(c, talk.session_id, asked.id))
            await look(house)
            assert await talk.last() == question

    asyncio.run(story())


def _mailed(connection: Any, clock: Clock, session_id: str) -> None:
    """Let a session go by mail."""
    agent_id = sessions.session_by_id(connection, session_id).agent_id
    owner = Principal(id=people.OWNER_ID, role="owner")
    values = {"name": "Mail", "agent_id": agent_id, "origins": ["http://shop.example"]}
    made = channels.create_channel(connection, clock.stamps(), owner, "widget", **values)
    mail.keep_thread(connection, Thread(session_id, made.id, "ana@example.test", "", "", "", []))


def test_by_mail_nothing_is_said_but_what_is_meant_for_mail(tmp_path: Path) -> None:
    clock = Clock()
    times = TIMES.model_copy(update={"mail": SilenceTimes.of("3d", end="14d")})

    async def story() -> None:
        for number, (given, after) in enumerate(((TIMES, [1, 1, 1]), (times, [1, 2, 3]))):
            clock.now = FROZEN_AT
            async with shop(tmp_path / str(number), clock, given) as house:
                talk = await Talk.begin(house)
                await house.database.write(lambda c, id_=talk.session_id: _mailed(c, clock, id_))  # type: ignore[misc]
                await talk.say(AT_CONFIRM)
                for days, messages in zip((2, 3, 14), after, strict=True):
                    clock.now = FROZEN_AT + days * 24 * HOUR
                    await look(house)
                    assert len(await said(talk)) == messages, f"after {days} days"

    asyncio.run(story())


def test_a_clock_that_jumps_reminds_nobody_twice(tmp_path: Path) -> None:
    clock = Clock()

    async def story() -> None:
        async with shop(tmp_path, clock) as house:
            talk = await Talk.begin(house)
            await talk.say(AT_CONFIRM)
            for jump in (11 * MINUTE, -5 * HOUR, 7 * HOUR, -HOUR):
                clock.now += jump
                await look(house)
            assert len(await said(talk)) == 3, "one reminder for each that was due, none again"
            late = await Talk.begin(house)
            await late.say(AT_CONFIRM)
            clock.now += 23 * HOUR + 55 * MINUTE  # the house stood still, and goes on late
            await look(house)
            clock.now += 6 * MINUTE
            await look(house)
            assert len(await said(late)) == 2, "who was reminded late has their time to answer"
            clock.now += 4 * MINUTE
            await look(house)
            assert len(await said(late)) == 3
            long_ago = await Talk.begin(house)
            await long_ago.say(AT_CONFIRM)
            clock.now += 24 * 9 * HOUR
            await look(house)
            assert len(await said(long_ago)) == 1, "nobody waits for it any more"

    asyncio.run(story())


def test_hours_are_those_on_the_wall_over_a_change_of_its_clocks(tmp_path: Path) -> None:
    """Berlin put its clocks forward on 29 March 2026: 09:00 is 08:00 UTC before, 07:00 after."""
    clock = Clock()
    clock.now = 1_774_717_200_000_000  # Saturday, 28 March 2026, 17:00 UTC
    week = ((("09:00", "17:00"),),) * 7
    times = TIMES.model_copy(update={"hours": True})

    async def story() -> None:
        async with shop(tmp_path, clock, times) as house:
            opening = Opening(zone="Europe/Berlin", week=week)
            stamps = house.stamps
            await house.database.write(lambda c: hours.set_hours(c, stamps, ANA, "", opening))
            talk = await Talk.begin(house)
            await talk.say(AT_CONFIRM)
            for after, messages in ((5 * HOUR, 1), (14 * HOUR - MINUTE, 1), (14 * HOUR, 2)):
                clock.now = 1_774_717_200_000_000 + after
                await look(house)
                assert len(await said(talk)) == messages, after / HOUR

    asyncio.run(story())


@pytest.mark.long
def test_two_processes_on_one_database_speak_once(tmp_path: Path, postgres_url: str) -> None:
    clock = Clock()

    async def story() -> None:
        async with (
            shop(tmp_path / "a", clock, database=postgres_url) as one,
            shop(tmp_path / "b", clock, database=postgres_url) as other,
        ):
            talks = [await Talk.begin(one) for _ in range(4)]
            for talk in talks:
                await talk.say(AT_CONFIRM)
            for passed, messages in ((11, 2), (121, 3)):
                clock.now = FROZEN_AT + passed * MINUTE
                await look(one, other, one, other)
                assert [len(await said(talk)) for talk in talks] == [messages] * len(talks)
            clock.now = FROZEN_AT + 1441 * MINUTE
            await asyncio.gather(look(one, other), *(talk.say("yes") for talk in talks))
            paths = [await alone(talk) for talk in talks]
            ended = ["aside" in " ".join(path) for path in paths]
            assert len(await rows(one, "shop_refunds")) == min(1, ended.count(False))
            assert [path.count("yes") for path in paths] == [1] * len(talks)

    asyncio.run(story())
