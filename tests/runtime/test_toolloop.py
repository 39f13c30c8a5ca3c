"""The tool loop: what an able model chooses is held to rules, journal, approvals and limits."""

import asyncio
import json
from collections.abc import Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from attenda.api import Message, Pack, Principal, ScriptedAnswer, UserError, scripted_call
from attenda.core.event import Called, Cited, RunFinished
from attenda.core.message import ToolCallPart
from attenda.runtime.house import House
from attenda.runtime.started import Noted
from attenda.serve.approvals import approval_rows
from attenda.store import agents, journal, sessions, switches
from tests.runtime.loop_shop import NOTE, loop_shop
from tests.runtime.test_flows import Talk, _person, rows
from tests.scripted_house import SAVINGS, add_text, scripted_house

ANA = Principal(id="usr_ana", role="agent")
BOSS = Principal(id="usr_s2", role="supervisor")
call = scripted_call


async def nothing(_said: object) -> list[Any]:
    return []


@asynccontextmanager
async def shop(home: Path, script: Any, pack: Pack | None = None, **more: Any) -> Any:
    """The loop shop's house and a talk with its agent."""
    made = pack or loop_shop()
    async with scripted_house(home, script, packs=[made], understand=nothing, **more) as (
        house,
        model,
    ):

        def begin(connection: Any) -> str:
            found = next(a for a in agents.list_agents(connection, ANA) if a["pack"] == made.name)
            assert found["mode"] == "loop"
            return sessions.create_session(connection, house.stamps, ANA, found["id"]).id

        await _person(house, ANA)
        yield house, model, Talk(house, await house.database.write(begin))


async def called(house: House, talk: Talk) -> list[Called]:
    kinds = await house.database.read(
        lambda c: [
            json.loads(row[0]) if isinstance(row[0], str) else row[0]
            for row in c.execute(
                text("SELECT body FROM events WHERE session_id = :id ORDER BY number"),
                {"id": talk.session_id},
            )
        ]
    )
    return [Called.model_validate(one) for one in kinds if one["type"] == "called"]


def seen(model: Any) -> str:
    """All that the model with tools was ever shown."""
    return json.dumps(
        [
            [one.model_dump(mode="json") for one in asked]
            for asked, offered in zip(model.asked, model.offered, strict=True)
            if offered
        ]
    )


def test_it_reads_decides_and_does_once_and_never_sees_what_strangers_wrote(tmp_path: Path) -> None:
    script: list[ScriptedAnswer] = [
        ["Let me look. ", call("get_order", order="O-1"), call("get_order", order="O-2")],
        [call("refund", order="O-1", amount=60)],
        "Done. The note said: ${r1.note}",
        # the same asked again, and from an edited message: the deed is not another one
        [call("refund", order="O-1", amount=60)],
        "Done again.",
        [call("refund", order="O-1", amount=60)],
        "Done.",
    ]

    async def story() -> None:
        async with shop(tmp_path, script) as (house, model, talk):
            answer = await talk.say("Refund O-1 please")
            assert answer == f"Let me look. \n\nDone. The note said: {NOTE}"
            assert NOTE not in seen(model) and "${r1.note}" in seen(model)
            assert [(one.tool, one.state) for one in await called(house, talk)] == [
                ("get_order", "done"),
                ("get_order", "done"),
                ("refund", "done"),
            ]
            tree = await house.database.read(lambda c: sessions.message_tree(c, talk.session_id))
            assert [one.integrity for one in tree] == ["user", "untrusted"]
            again = await house.runs.regenerate(ANA, talk.session_id, tree[0].id)
            await talk.heard(again.after)
            edited = await house.runs.start(ANA, talk.session_id, "Refund O-1", parent_id="")
            await talk.heard(edited.after)
            (row,) = await rows(house, "loopshop_refunds")
            assert row["amount"] == "60"

    asyncio.run(story())


def test_a_value_that_a_stranger_wrote_waits_for_a_person_who_sees_where_it_is_from(
    tmp_path: Path,
) -> None:
    """Both ways to decide; what was planned after it goes on by itself."""

    def script(messages: Sequence[Message]) -> ScriptedAnswer:
        if "Value:" in messages[-1].text:  # the model without tools obeys whatever it reads
            return json.dumps({"value": "mallory@evil.test"})
        if messages[-1].role == "user":
            return [
                call("read_inbox"),
                call("extract", **{"from": "${r1}", "what": "the address"}),
                call("send_mail", recipient="${r2}", body="about ${r1}"),
                call("refund", order="O-1", amount=5),
            ]
        return "All done."

    async def story(yes: bool) -> None:
        home = tmp_path / str(yes)
        async with shop(home, script) as (house, model, talk):
            assert "approval" in await talk.say("Answer the mail in my inbox")
            assert "still waits" in await talk.say("And?")
            (asked,) = await house.database.read(lambda c: journal.list_approvals(c, BOSS))
            assert json.loads(asked.arguments)["recipient"] == "mallory@evil.test"
            assert "read_inbox()" in asked.label["origins"]["body"]
            assert "extract(" in asked.label["origins"]["recipient"]
            (row,) = await house.database.read(lambda c: approval_rows(c, house, BOSS))
            assert ["origin" in one for one in row["arguments"]] == [True, True]
            assert row["may_decide"] and row["role"] == "supervisor"
        async with shop(home, script) as (house, model, _):  # a restart in between
            talk = Talk(house, talk.session_id)
            await house.database.write(
                lambda c: journal.decide(c, house.stamps, BOSS, asked.id, asked.hash, yes=yes)
            )
            started = await house.runs.go_on(talk.session_id)
            assert started is not None
            said = await talk.heard(started.after)
            assert ("decided against it" in said) is not yes and said.endswith("All done.")
            mails = await rows(house, "loopshop_mails")
            assert [one["body"] for one in mails] == ([f"about {NOTE}"] if yes else [])
            assert len(await rows(house, "loopshop_refunds")) == 1
            assert NOTE not in seen(model)

    asyncio.run(story(True))
    asyncio.run(story(False))


def test_an_id_of_the_persons_own_is_endorsed_by_our_table(tmp_path: Path) -> None:
    def script(messages: Sequence[Message]) -> ScriptedAnswer:
        if "Value:" in messages[-1].text:
            return json.dumps({"value": "ana@example.test"})
        if messages[-1].role == "user":
            extract = call("extract", **{"from": "${r1}", "what": "the address"})
            return [call("read_inbox"), extract, call("send_mail", recipient="${r2}", body="hi")]
        return "Sent."

    async def story() -> None:
        async with shop(tmp_path, script) as (house, _, talk):
            assert await talk.say("Answer my mail") == "Sent."
            last = (await called(house, talk))[-1]
            assert (last.state, last.endorsed) == ("done", ("recipient",))

    asyncio.run(story())


def test_calls_that_cannot_be_read_or_are_nobodys_are_told_and_never_silent(tmp_path: Path) -> None:
    broken = ToolCallPart(id="x", name="refund", problem="its arguments are no JSON object")
    script: list[ScriptedAnswer] = [
        [broken, call("launch"), call("get_order"), call("refund", order="${r9}", amount=3)],
        "I could not.",
    ]

    async def story() -> None:
        async with shop(tmp_path, script) as (house, model, talk):
            said = await talk.say("Do something")
            assert "no result “r9”" in said and said.endswith("I could not.")
            found = await called(house, talk)
            assert {one.tool for one in found} == {"refund", "launch", "get_order"}
            assert all(one.state in ("failed", "denied") and one.problem for one in found)
            told = [one.text for asked in model.asked[1] for one in asked.results]
            assert len(told) == 4 and all(one.startswith("error: ") for one in told)
            assert await rows(house, "loopshop_refunds") == []

    asyncio.run(story())


def test_it_hands_over_with_its_reason_and_is_silent_from_then_on(tmp_path: Path) -> None:
    reason = "wants O-1 undone, which no tool does: ${r2.total}"
    script = [[call("hand_over", reason=reason), call("get_order", order="O-1")]]

    async def story() -> None:
        async with shop(tmp_path, script) as (house, model, talk):
            assert "pass you on to a person" in await talk.say("Undo my order")
            found = await house.database.read(
                lambda c: sessions.get_session(c, ANA, talk.session_id)
            )
            assert (found.owner, found.handoff_reason) == ("queued", reason[:-11] + "60")
            assert [one.tool for one in await called(house, talk)] == ["get_order", "hand_over"]
            noted = await house.runs.start(ANA, talk.session_id, "Hello?")
            assert isinstance(noted, Noted) and len(model.asked) == 1

    asyncio.run(story())


@pytest.mark.parametrize(
    ("limit", "answers", "calls"),
    [("rounds = 6", 6, 6), ("calls = 3", 4, 3), ("tokens = 450", 2, 2), ("tokens = 100", 0, 0)],
)
def test_a_model_that_does_not_end_is_ended_before_the_call(
    tmp_path: Path, limit: str, answers: int, calls: int
) -> None:
    """A ping-pong of tools: each limit holds by itself, and none is overrun."""

    async def story() -> None:
        pack = loop_shop()
        folder = tmp_path / "pack"
        folder.mkdir()
        (folder / "policy.toml").write_text(f"[budget]\n{limit}\n")
        pack = Pack(**{**{n: getattr(pack, n) for n in pack.__slots__}, "folder": folder})
        async with shop(
            tmp_path / "home", lambda _: ["on ", call("get_order", order="O-1")], pack
        ) as (house, model, talk):
            said = await talk.say("Go on for ever")
            assert "more than one answer may take" in said
            assert len([one for one in model.offered if one]) == answers
            assert len(await called(house, talk)) == calls

    asyncio.run(story())


def test_stop_stops_the_model_and_the_tools_and_what_was_planned(tmp_path: Path) -> None:
    def script(messages: Sequence[Message]) -> ScriptedAnswer:
        if messages[-1].text == "Write on":
            return "on and " * 400
        return [call("refund", order="O-1", amount=5)] if messages[-1].role == "user" else "Yes."

    async def story() -> None:
        async with shop(tmp_path, script, pause_s=0.01) as (house, model, talk):
            await house.runs.start(ANA, talk.session_id, "Write on")
            while not model.asked:
                await asyncio.sleep(0.01)
            await house.runs.stop(ANA, talk.session_id)
            assert model.stopped == 1
            await house.database.write(
                lambda c: switches.switch(c, house.stamps, BOSS, "tools", off=True)
            )
            assert "switched off" in await talk.say("Refund 5")
            assert await rows(house, "loopshop_refunds") == []

    asyncio.run(story())


def test_an_answer_that_rests_on_strangers_words_is_kept_aside_from_then_on(tmp_path: Path) -> None:
    def script(messages: Sequence[Message]) -> ScriptedAnswer:
        last = messages[-1]
        if "Text 1:" in last.text:
            return f"They say: {NOTE}" if NOTE in last.text else "nothing"
        if last.text == "What is in my inbox?":
            return [call("read_inbox"), call("write_answer", **{"from": ["${r1}"]})]
        if last.text == "Say that again":
            return [call("earlier_answers"), call("write_answer", **{"from": ["${r1}"]})]
        return "?"

    async def story() -> None:
        async with shop(tmp_path, script) as (_, model, talk):
            for words in ("What is in my inbox?", "Say that again"):
                assert await talk.say(words) == f"They say: {NOTE}"
            assert NOTE not in seen(model)
            assert model.offered[0].count("earlier_answers") == 0
            assert "kept aside" in seen(model)

    asyncio.run(story())


def test_from_documents_it_answers_with_citations(tmp_path: Path) -> None:
    def script(messages: Sequence[Message]) -> ScriptedAnswer:
        if messages[0].text.startswith("You help one person"):
            return [
                call("search_documents", query="monthly fee of a savings account"),
                call("write_answer", **{"from": ["${r1}"]}),
            ]
        return "A savings account costs no monthly fee."

    async def story() -> None:
        async with shop(tmp_path, script) as (house, _, talk):
            await add_text(house, ANA, "savings.md", SAVINGS)
            started = await house.runs.start(ANA, talk.session_id, "Does an account cost a fee?")
            heard = [one.event async for one in house.runs.follow(talk.session_id, started.after)]
            assert await talk.last() == "A savings account costs no monthly fee. [1]"
            assert any(isinstance(one, Cited) for one in heard)

    asyncio.run(story())


def test_a_model_that_chooses_no_tools_is_refused(tmp_path: Path) -> None:
    async def story() -> None:
        async with shop(tmp_path, ["never said"]) as (house, model, talk):
            model.calls_tools = False
            started = await house.runs.start(ANA, talk.session_id, "Hello")
            *_, end = [one.event async for one in house.runs.follow(talk.session_id, started.after)]
            assert isinstance(end, RunFinished) and end.error_key == "model.no_tools"
            assert "can't choose tools" in str(UserError(end.error_key, **end.error_values))

    asyncio.run(story())
