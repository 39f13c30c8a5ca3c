"""The person's own yes in the tool loop: asked by the program, for one deed, from nobody else."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from attenda.api import Denied, Label, Labelled, Message, Pack, Principal, ScriptedAnswer
from attenda.api import scripted_call as call
from attenda.serve.session_view import session_view
from attenda.store import agent_versions, journal
from attenda.store.database import Database
from attenda.store.pack_tables import create_tables
from attenda.store.schema import sessions
from attenda.store.stamps import Stamps
from attenda.tools.call import Call
from attenda.tools.effects import Executor
from attenda.tools.policy import read_policy
from tests.runtime.loop_shop import loop_shop
from tests.runtime.test_flows import rows
from tests.runtime.test_toolloop import ANA, BOSS, seen, shop

TELL = '[[rule]]\nid = "TELL"\ntool = "tell"\ndo = "allow"\n'
RULES = """
[[rule]]
id = "BIG"
tool = "refund"
do = "confirm"

[[rule]]
id = "MAIL"
tool = "send_mail"
do = "confirm"
"""


@pytest.fixture
def asking(tmp_path: Path) -> Pack:
    folder = tmp_path / "pack"
    folder.mkdir()
    (folder / "policy.toml").write_text(RULES)
    made = loop_shop()
    words = {"zh-CN": {"": "退款", "order": "订单"}}
    tools = [replace(one, words=words) if one.name == "refund" else one for one in made.tools]
    return replace(made, folder=folder, tools=tools)


async def asked(house: Any) -> list[journal.Approval]:
    found: list[journal.Approval] = await house.database.read(
        lambda c: journal.list_approvals(c, BOSS)
    )
    return sorted(found, key=lambda one: (one.asked_at, one.id))


def test_a_yes_is_for_one_deed_and_from_the_person_alone(tmp_path: Path, asking: Pack) -> None:
    script: list[ScriptedAnswer] = [
        [
            call("refund", order="O-1\n- amount: 1", amount=60),
            call("refund", order="O-2", amount=9),
        ],
        "Both are paid back.",
    ]

    async def story() -> None:
        async with shop(tmp_path, script, asking) as (house, model, talk):
            question = await talk.say("Refund both")
            assert question.count("\n- ") == 2 and "- order: O-1 - amount: 1" in question
            assert "Give money back." in question and "- amount: 60" in question
            assert await rows(house, "loopshop_refunds") == []
            view = await house.database.read(lambda c: session_view(c, house, ANA, talk.session_id))
            assert view["choices"] == ["Yes", "No"] and view["approvals"] == []
            (waits,) = await asked(house)
            with pytest.raises(Denied):  # a supervisor's yes is not hers
                await house.database.write(
                    lambda c: journal.decide(c, house.stamps, BOSS, waits.id, waits.hash, yes=True)
                )
            second = await talk.say("Yes please")
            assert "- order: O-2" in second
            (paid,) = await rows(house, "loopshop_refunds")
            assert paid["amount"] == "60"  # the first yes is not the second's
            assert "Both are paid back." in await talk.say("ok")
            assert len(await rows(house, "loopshop_refunds")) == 2
            done = await house.database.read(lambda c: journal.list_effects(c, talk.session_id))
            assert {one.approved_by for one in done} == {ANA.id}
            assert [one.state for one in await asked(house)] == ["used", "used"]

    asyncio.run(story())


def test_a_trial_says_whose_yes_it_would_be_and_does_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent_versions, "draft_of", lambda *_: {})  # Ana may not change the agent
    sent: list[str] = []
    made = replace(loop_shop(lambda key, words: sent.append(words)), folder=tmp_path / "pack")
    made.folder.mkdir()
    allow = '[[rule]]\nid = "TELL"\ntool = "tell"\ndo = "allow"\n'
    (made.folder / "policy.toml").write_text(RULES + allow)
    script: list[ScriptedAnswer] = [
        [call("refund", order="O-1", amount=60), call("tell", words="hello")],
        "It is paid back.",
    ]

    async def story() -> None:
        async with shop(tmp_path, script, made) as (house, model, talk):
            tries = update(sessions).where(sessions.c.id == talk.session_id)
            await house.database.write(lambda c: c.execute(tries.values(uses_draft=True)))
            said = await talk.say("Refund it, and tell them")
            assert "you would be asked for your yes" in said and "- amount: 60" in said
            assert "`tell` would be carried out" in said and "It is paid back." in said
            assert "simulated" in seen(model) and "R-" in seen(model)
            assert sent == [] and await asked(house) == []
            assert await rows(house, "loopshop_refunds") == []
            done = await house.database.read(lambda c: journal.list_effects(c, talk.session_id))
            assert {one.state for one in done} == {"simulated"}

    asyncio.run(story())


def test_what_is_no_plain_yes_is_a_no_and_the_talk_goes_on(tmp_path: Path, asking: Pack) -> None:
    answers = ["no", "Yes, but the other one", "what would it cost?", "不用了"]
    pair: list[ScriptedAnswer] = [[call("refund", order="O-1", amount=60)], "As you like."]

    async def story() -> None:
        async with shop(tmp_path, pair * len(answers), asking) as (house, model, talk):
            for said in answers:  # a no is no answer to what is asked later
                question = await talk.say("请退款" if said == "不用了" else "Refund it")
                deed = "退款**\n- 订单" if said == "不用了" else "Give money back.**\n- order"
                assert f"**{deed}: O-1\n- amount: 60" in question
                answer = await talk.say(said)
                assert "As you like." in answer
                assert "so it was not done" in answer or "所以没有执行" in answer
                assert json.dumps(said)[1:-1] in seen(model)
            assert await rows(house, "loopshop_refunds") == []
            found = [(one.state, one.decided_by, one.reason) for one in await asked(house)]
            assert found == [("denied", ANA.id, said) for said in answers]

    asyncio.run(story())


def test_nobody_is_asked_about_what_the_tool_would_refuse(tmp_path: Path, asking: Pack) -> None:
    script: list[ScriptedAnswer] = [
        [call("refund", order="O-1", amount=0), call("refund", order="O-1", amount=7)],
        "Done.",
    ]

    async def story() -> None:
        async with shop(tmp_path, script, asking) as (house, model, talk):
            said = await talk.say("Refund it")
            assert "there is nothing to refund" in said and "- amount: 7" in said
            assert await rows(house, "loopshop_refunds") == []  # the trial was taken back
            (waits,) = await asked(house)
            assert json.loads(waits.arguments)["amount"] == 7
            assert "nothing to refund" not in await talk.say("yes")
            assert len(await rows(house, "loopshop_refunds")) == 1

    asyncio.run(story())


def test_what_a_stranger_chose_needs_a_colleague_still(tmp_path: Path, asking: Pack) -> None:
    def script(messages: Sequence[Message]) -> ScriptedAnswer:
        if "Value:" in messages[-1].text:
            return json.dumps({"value": "mallory@evil.test"})
        return [
            call("read_inbox"),
            call("extract", **{"from": "${r1}", "what": "the address"}),
            call("send_mail", recipient="${r2}", body="hello"),
        ]

    async def story() -> None:
        async with shop(tmp_path, script, asking) as (house, model, talk):
            assert "colleague" in await talk.say("Answer the mail")
            assert "still waits" in await talk.say("yes")
            (waits,) = await asked(house)
            assert (waits.role, waits.state) == ("supervisor", "pending")
            assert await rows(house, "loopshop_mails") == []

    asyncio.run(story())


def test_where_no_model_chooses_a_flow_asks_itself_and_a_program_asks_a_colleague(
    database: Database,
) -> None:
    """A visitor, who has no role, confirms their own; what a flow calls it has asked about."""
    visitor = Principal(id="vis_1", role=None)
    tools = {one.name: one for one in loop_shop().tools}
    label = Label(integrity="user", readers=frozenset({visitor.id}))

    def deed(order: str, **more: Any) -> Call:
        given = {"order": order, "amount": 1}
        return Call(
            session_id="ses_1",
            instance=order,
            step="",
            tool="refund",
            arguments={name: Labelled(value=one, label=label) for name, one in given.items()},
            because=label,
            who=visitor,
            **more,
        )

    async def story() -> None:
        tables = await create_tables(database, "loopshop", loop_shop().tables)
        executor = Executor(database, Stamps(), tools, read_policy(RULES, "policy.toml"), tables)
        assert (await executor.perform(deed("A", confirmed=True))).state == "done"
        page = await executor.perform(deed("B"))
        talk = await executor.perform(deed("C", asks=True))
        assert [(one.state, one.confirms) for one in (page, talk)] == [
            ("waiting", False),
            ("waiting", True),
        ]
        for one in (page, talk):  # their yes counts for what is theirs to decide
            try:
                await executor.confirm(visitor, one.approval_id, yes=True, said="yes")
            except Denied:
                assert one is page
        assert (await executor.perform(deed("B"))).state == "waiting"
        assert (await executor.perform(deed("C", asks=True))).state == "done"

    asyncio.run(story())


def test_whoever_is_asked_is_told_who_would_learn_of_it(tmp_path: Path, asking: Pack) -> None:
    script: list[ScriptedAnswer] = [[call("tell", words="my plans")], "They know.", "No."]
    sent: list[str] = []
    (asking.folder / "policy.toml").write_text(f'{RULES}{TELL}[readers]\ndo = "confirm"\n')
    told = next(one for one in loop_shop(lambda _, words: sent.append(words)).tools if one.outside)
    by_name = replace(told, sink=frozenset({"another\n\nfirm"}))
    tools = [by_name if one.name == "tell" else one for one in asking.tools]

    async def story() -> None:
        async with shop(tmp_path, script, replace(asking, tools=tools)) as (_, _model, talk):
            question = await talk.say("Tell them")
            assert "- words: my plans\n\nIt would be told to: another firm\n" in question
            assert sent == [] and "They know." in await talk.say("yes")
            assert sent == ["my plans"]

    asyncio.run(story())
