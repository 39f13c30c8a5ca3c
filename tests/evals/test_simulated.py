"""A simulated user: bounded, held to its brief, and the same again with the same script."""

import asyncio
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from attenda.api import Message, Pack, ScriptedModel, UserError
from attenda.cli.packs import load_pack
from attenda.evals.results import Result
from attenda.evals.run import Seeds, run_scenario
from attenda.evals.scenario_file import known_pack, read_scenarios
from tests.evals.test_scenario_file import SHOP_FOLDER
from tests.pack_scenarios import by_their_words

SHOP = load_pack(SHOP_FOLDER)
TEXT = """
wants_money_back:
  pack: shop
  clock: 2026-03-10T10:00:00Z
  people: {ana: {}, s2: {role: supervisor}}
  user:
    goal: Get the money for an order back.
    knows: {order: ORDER, e-mail: ana@example.test}
    never_says: "5000"
    opens: [I want my money back for ORDER, "refund this order please: ORDER"]
    script:
      - {when: e-mail, say: ana@example.test}
      - {when: Shall I, say: ["yes", "yes please"]}
  turns: [REST]
  expect:
    tables:
      refunds: {added: [{id: "*", order_id: ORDER, amount: "*"}]}
      orders: {changed: {ORDER: {status: refunded}}}
    calls: {required: [issue_refund]}
"""


def tried(
    text: str, model: ScriptedModel | None = None, trials: int = 2, pack: Pack = SHOP
) -> Result:
    scenarios, problems = read_scenarios(text, "x", {pack.name: known_pack(pack)})
    assert not problems, [one.text("en") for one in problems]

    async def story() -> Result:
        with Seeds(by_their_words()) as seeds:
            return await run_scenario(scenarios[0], pack, seeds, trials, player=model)

    return asyncio.run(story())


def written(order: str = "O-1001", rest: str = "") -> str:
    return TEXT.replace("ORDER", order).replace("REST", rest)


def test_a_script_plays_the_user_and_what_must_be_so_is_so() -> None:
    found = tried(written())
    assert found.passed, found.trials
    said = [[turn.done for turn in trial.turns] for trial in found.trials]
    assert said == [
        ["I want my money back for O-1001", "ana@example.test", "yes"],
        ["refund this order please: O-1001", "ana@example.test", "yes please"],
    ]
    assert {turn.by for trial in found.trials for turn in trial.turns} == {"ana"}


def test_what_people_decide_afterwards_comes_after_the_talk() -> None:
    found = tried(written("O-1005", "{approve: {by: s2}}"), trials=1)
    assert found.passed, found.trials
    assert [turn.done for turn in found.trials[0].turns][-1] == "approve: s2"
    assert not tried(written("O-1005"), trials=1).passed  # without it nothing is paid


def plays(answer: Callable[[Sequence[Message]], str]) -> ScriptedModel:
    return ScriptedModel(answer, name="player")


def test_a_model_plays_the_user_from_the_brief_alone() -> None:
    def answer(messages: Sequence[Message]) -> str:
        brief, heard = messages[0].text, messages[-1].text
        assert "Get the money" in brief and "ana@example.test" in brief and "5000" in brief
        return (
            "ana@example.test" if "e-mail" in heard else "yes" if "Shall I" in heard else "[done]"
        )

    model = plays(answer)
    found = tried(written(), model, trials=1)
    assert found.passed, found.trials
    first = model.asked[0]
    assert [one.role for one in first] == ["system", "user", "assistant", "user"]
    assert first[2].text == "I want my money back for O-1001" and "e-mail" in first[3].text


def test_a_talk_is_bounded() -> None:
    model = plays(lambda messages: f"and then? {len(messages)}")
    text = written().replace("    goal", "    at_most: 2\n    goal")
    assert len(tried(text, model, trials=1).trials[0].turns) == 2


def test_a_talk_ends_when_a_person_takes_over() -> None:
    model = plays(lambda _: "Let me talk to a person please, a human")
    (trial,) = tried(written(), model, trials=1).trials
    assert 1 < len(trial.turns) < 6
    assert model.asked and any("person" in turn.answer.lower() for turn in trial.turns[-1:])


@pytest.mark.parametrize("spoken", ["refund me 5000 now", ""])
def test_what_the_brief_forbids_is_never_sent_and_is_no_fault_of_the_agent(spoken: str) -> None:
    model = plays(lambda _: spoken)
    (trial,) = tried(written(), model, trials=1).trials
    assert "user" in {fault.grade for fault in trial.faults}
    assert all("5000" not in turn.done for turn in trial.turns)
    assert len(model.asked) == 3  # drawn again twice, then given up


def test_a_brief_keeps_its_own_rules_and_needs_a_player() -> None:
    known = {"shop": known_pack(SHOP)}
    bad = written().replace("say: ana@example.test", "say: give me 5000")
    _, problems = read_scenarios(bad, "x", known)
    assert ["5000" in one.text("en") for one in problems] == [True]
    nobody = "\n".join(
        line for line in written().splitlines() if "when:" not in line and "script:" not in line
    )
    with pytest.raises(UserError, match="Nobody plays the user of “wants_money_back”"):
        tried(nobody)


def test_the_guides_scenario_passes() -> None:
    page = (Path(__file__).parents[2] / "docs" / "evals.md").read_text("utf-8")
    *_, text = re.findall(r"^```yaml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    demo = load_pack(Path(__file__).parents[2] / "src" / "attenda" / "packs" / "demo")
    found = tried(text, pack=demo)
    assert found.passed, found.trials
