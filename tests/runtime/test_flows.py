"""Turns with flows: from what is said to what is done, with the real database and real runs.

Understanding is scripted: each message names its commands. What follows from them is not.
"""

import asyncio
import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from attenda.api import Conflict, Denied, Pack, Principal, Said
from attenda.cli.packs import load_pack
from attenda.core.command import (
    Affirm,
    AskDocuments,
    AskHuman,
    Command,
    NotUnderstood,
    Refuse,
    SetSlot,
    StartFlow,
    Wait,
)
from attenda.core.label import Labelled
from attenda.runtime.flow_turn import language_spoken
from attenda.runtime.house import House
from attenda.store import agents, journal, privacy, sessions
from tests.scripted_house import SAVINGS, add_text, scripted_house

SHOP = load_pack(Path(__file__).parent.parent / "packs" / "shop")
PLAIN: dict[str, Command] = {
    "yes": Affirm(),
    "no": Refuse(),
    "wait": Wait(),
    "person": AskHuman(),
    "docs": AskDocuments(),
}
FLOWS = {"refund", "inside", "large", "keyed", "queried", "blind", "several"}
ANA = Principal(id="usr_ana", role="agent")
AGENT = Principal(id="usr_s1", role="agent")
SUPERVISOR = Principal(id="usr_s2", role="supervisor")


def scripted(home: Path, pack: Pack = SHOP) -> Any:
    """The shop's house; its model words every answer alike."""
    words = "A savings account costs no monthly fee."
    return scripted_house(home, lambda _: words, packs=[pack], understand=understand)


async def understand(said: Said) -> Sequence[Command]:
    """Words like `refund order=O-1001`, each a command."""
    found: list[Command] = []
    for word in said.text.split():
        name, given, value = word.partition("=")
        if given:
            labelled = Labelled(value=value, label=said.label)
            found.append(SetSlot(slot=name, value=labelled, words=value))
        elif word in PLAIN:
            found.append(PLAIN[word])
        elif word in FLOWS:
            found.append(StartFlow(flow=word))
    return found or [NotUnderstood()]


@pytest.mark.parametrize(
    ("said", "language"),
    [
        (["68 so easy"], "en"), (["练习", "68 so easy"], "zh-CN"),
        (["练习", "ana@example.test"], "zh-CN"),
        (["练习", "where is my order now"], "en"), (["hello there", "12"], "en"),
        (["where is it", "退款"], "zh-CN"), (["练习", "stop it"], "en"),
    ],
)  # fmt: skip
def test_who_spoke_chinese_goes_over_to_english_with_a_sentence(
    said: list[str], language: str
) -> None:
    assert language_spoken(said) == language


class Talk:
    """One session with the shop."""

    def __init__(self, house: House, session_id: str) -> None:
        self.house, self.session_id = house, session_id

    @classmethod
    async def begin(cls, house: House, who: Principal = ANA, pack: str = "shop") -> "Talk":
        def make(connection: Any) -> str:
            agent = next(a for a in agents.list_agents(connection, who) if a["pack"] == pack)
            return sessions.create_session(connection, house.stamps, who, agent["id"]).id

        await _person(house, who)
        return cls(house, await house.database.write(make))

    async def say(self, words: str, who: Principal = ANA) -> str:
        started = await self.house.runs.start(who, self.session_id, words)
        return await self.heard(started.after)

    async def heard(self, after: int) -> str:
        async for _ in self.house.runs.follow(self.session_id, after):
            pass
        return await self.last()

    async def last(self, who: Principal = ANA) -> str:
        def read(connection: Any) -> str:
            session = sessions.get_session(connection, who, self.session_id)
            tree = sessions.message_tree(connection, self.session_id)
            return sessions.message_path(tree, session.head_id)[-1].message.text

        return await self.house.database.read(read)

    async def owner(self) -> str:
        found = await self.house.database.read(
            lambda c: sessions.get_session(c, ANA, self.session_id)
        )
        return found.owner


async def _person(house: House, who: Principal) -> None:
    """The row of a person, so that a turn may go on in their name."""

    def add(connection: Any) -> None:
        values = {"id": who.id, "role": who.role, "at": house.stamps.now()}
        there = connection.execute(text("SELECT 1 FROM users WHERE id = :id"), values).first()
        if there is None:
            connection.execute(
                text("INSERT INTO users (id, role, created_at) VALUES (:id, :role, :at)"), values
            )

    await house.database.write(add)


async def rows(house: House, table: str) -> list[dict[str, Any]]:
    def read(connection: Any) -> list[dict[str, Any]]:
        return [dict(row) for row in connection.execute(text(f"SELECT * FROM {table}")).mappings()]

    return await house.database.read(read)


def test_a_refund_is_asked_for_shown_agreed_to_and_done_once(tmp_path: Path) -> None:
    async def story() -> None:
        async with scripted(tmp_path) as (house, _):
            talk = await Talk.begin(house)
            assert await talk.say("refund order=O-1001") == "What is your e-mail address?"
            shown = await talk.say("email=ana@example.test")
            assert shown == "I would refund 60.40 EUR for O-1001. Shall I?"
            assert await rows(house, "shop_refunds") == []
            done = await talk.say("yes")
            (row,) = await rows(house, "shop_refunds")
            assert row["amount"] == "60.40" and row["id"] in done
            assert await talk.say("yes yes") != done  # there is nothing left to agree to
            assert len(await rows(house, "shop_refunds")) == 1

    asyncio.run(story())


def test_to_answer_again_or_from_an_edited_message_does_nothing_again(tmp_path: Path) -> None:
    async def story() -> None:
        async with scripted(tmp_path) as (house, _):
            talk = await Talk.begin(house)
            await talk.say("refund order=O-1001 email=ana@example.test")
            done = await talk.say("yes")
            tree = await house.database.read(lambda c: sessions.message_tree(c, talk.session_id))
            yes = [one for one in tree if one.message.text == "yes"][-1]
            again = await house.runs.regenerate(ANA, talk.session_id, yes.id)
            assert await talk.heard(again.after) == done
            # an edit of the yes: a sibling that hangs on the same question
            edited = await house.runs.start(ANA, talk.session_id, "yes", parent_id=yes.parent_id)
            assert await talk.heard(edited.after) == done
            assert len(await rows(house, "shop_refunds")) == 1

    asyncio.run(story())


def test_a_question_in_between_is_answered_and_the_flow_goes_on(tmp_path: Path) -> None:
    async def story() -> None:
        async with scripted(tmp_path) as (house, _):
            await add_text(house, ANA, "savings.md", SAVINGS)
            talk = await Talk.begin(house)
            await talk.say("refund order=O-1001 email=ana@example.test")
            answer = await talk.say("What does a savings account cost a month? docs")
            assert "no monthly fee" in answer and answer.endswith("Shall I?")
            assert await rows(house, "shop_refunds") == []
            assert "number R-" in await talk.say("yes")

    asyncio.run(story())


def test_a_no_does_nothing_and_a_wait_keeps_all(tmp_path: Path) -> None:
    async def story() -> None:
        async with scripted(tmp_path) as (house, _):
            talk = await Talk.begin(house)
            asked = await talk.say("refund order=O-1001 email=ana@example.test")
            assert await talk.say("wait") == asked
            assert "nothing was done" in await talk.say("no")
            assert await rows(house, "shop_refunds") == []
            assert "didn't understand" in await talk.say("hm")
            assert "pass you on" in await talk.say("hm")
            assert await talk.owner() == "queued"

    asyncio.run(story())


def test_someone_elses_order_is_nobodys(tmp_path: Path) -> None:
    async def story() -> None:
        async with scripted(tmp_path) as (house, _):
            talk = await Talk.begin(house)
            said = await talk.say("refund order=O-1001 email=li@example.test")
            assert "not been delivered" in said and "60.40" not in said
            assert "60.40" not in json.dumps(await rows(house, "events"))

    asyncio.run(story())


async def decision(house: House, who: Principal, yes: bool = True) -> journal.Approval:
    def work(connection: Any) -> journal.Approval:
        waiting = journal.list_approvals(connection, SUPERVISOR)[0]
        return journal.decide(connection, house.stamps, who, waiting.id, waiting.hash, yes=yes)

    return await house.database.write(work)


def test_a_large_one_waits_for_a_supervisor_across_a_restart(tmp_path: Path) -> None:
    async def before() -> str:
        async with scripted(tmp_path) as (house, _):
            talk = await Talk.begin(house)
            await talk.say("refund order=O-1005 email=ana@example.test")
            assert "approval" in await talk.say("yes")
            assert "still waits" in await talk.say("wait")
            with pytest.raises(Denied):
                await decision(house, AGENT)
            return talk.session_id

    async def after(session_id: str) -> None:
        async with scripted(tmp_path) as (house, _):
            talk = Talk(house, session_id)
            assert await rows(house, "shop_refunds") == []
            await decision(house, SUPERVISOR)
            with pytest.raises(Conflict):
                await decision(house, SUPERVISOR, yes=False)
            started = await house.runs.go_on(session_id)
            assert started is not None
            assert "Done: 899.00" in await talk.heard(started.after)
            (row,) = await rows(house, "shop_refunds")
            assert row["amount"] == "899.00"
            (effect,) = await rows(house, "effects")
            assert effect["approved_by"] == SUPERVISOR.id

    asyncio.run(after(asyncio.run(before())))


def test_a_supervisors_no_ends_it(tmp_path: Path) -> None:
    async def story() -> None:
        async with scripted(tmp_path) as (house, _):
            talk = await Talk.begin(house)
            await talk.say("refund order=O-1005 email=ana@example.test")
            await talk.say("yes")
            await decision(house, SUPERVISOR, yes=False)
            started = await house.runs.go_on(talk.session_id)
            assert started is not None
            assert "decided against it" in await talk.heard(started.after)
            assert await rows(house, "shop_refunds") == []

    asyncio.run(story())


def test_chinese_is_answered_in_chinese(tmp_path: Path) -> None:
    async def story() -> None:
        async with scripted(tmp_path) as (house, _):
            talk = await Talk.begin(house)
            shown = await talk.say(
                "退款吧谢谢你们啦一二三四五六 refund order=O-1001 email=ana@example.test"
            )
            assert shown.startswith("I would") or shown.startswith("将为 O-1001 退款 60.40 欧元")

    asyncio.run(story())


def test_who_waits_finishes_on_the_flow_that_they_began(tmp_path: Path) -> None:
    """An upgrade changes the flow while somebody is asked for their yes."""
    newer = tmp_path / "newer"
    shutil.copytree(SHOP.folder, newer)
    file = newer / "flows" / "shop.yaml"
    file.write_text(file.read_text("utf-8").replace("I would refund", "NEW: I refund"), "utf-8")

    async def before() -> str:
        async with scripted(tmp_path / "home") as (house, _):
            talk = await Talk.begin(house)
            await talk.say("refund order=O-1001 email=ana@example.test")
            return talk.session_id

    async def after(session_id: str) -> None:
        async with scripted(tmp_path / "home", replace(SHOP, folder=newer)) as (house, _):
            old = Talk(house, session_id)
            assert (await old.say("wait")).startswith("I would refund")
            assert "number R-" in await old.say("yes")
            new = await Talk.begin(house)
            asked = await new.say("refund order=O-1005 email=ana@example.test")
            assert asked.startswith("NEW: I refund")

    asyncio.run(after(asyncio.run(before())))


def test_who_is_erased_is_in_no_journal_but_what_was_done_stays_done(tmp_path: Path) -> None:
    async def story() -> None:
        async with scripted(tmp_path) as (house, _):
            talk = await Talk.begin(house)
            await talk.say("refund order=O-1001 email=ana@example.test")
            await talk.say("yes")
            kept = await house.database.read(lambda c: privacy.export_person(c, ANA.id))
            assert "O-1001" in json.dumps(kept["effects"], default=str)
            owner = Principal(id="usr_owner", role="owner")
            await house.database.write(
                lambda c: privacy.erase_person(c, house.stamps, owner, ANA.id)
            )
            (effect,) = await rows(house, "effects")
            assert effect["state"] == "done" and "O-1001" not in json.dumps(effect)
            assert await rows(house, "sessions") == []

    asyncio.run(story())
