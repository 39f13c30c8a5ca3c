"""Words kept beside scenarios, what they mean, and deeds that were not to be."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from attenda.api import Pack
from attenda.cli.commands import run
from attenda.cli.packs import load_pack
from attenda.core.event import Called, Confirmed, Event, FlowBegan, FlowMoved, SlotSet
from attenda.core.label import SYSTEM, Labelled
from attenda.core.words import LANGUAGES
from attenda.dialogue.flow import CallStep
from attenda.evals.scenario_file import known_pack, read_scenarios
from attenda.evals.spoken import in_trial, read_beside, with_commands, with_paraphrases
from attenda.evals.unsafe import bounds_of, unsafe_deeds
from attenda.packs.clinic.pack import PACK as CLINIC
from attenda.store.journal import Effect

SHOP = load_pack(Path(__file__).parent.parent / "packs" / "shop")
STORY = """
refund:
  pack: shop
  clock: 2026-03-10T10:00:00Z
  people: {ana: {}}
  turns:
    - say: [refund please, my money back]
      commands: [{start_flow: refund}]
      must_say: order
      must_not_say: sorry
    - advance: 1h
    - say: O-1001
"""
APART = """
refund:
  1:
    - give me my money back
    - [hello there, I want a refund]
  3: [it is O-1001]
"""


def story() -> Any:
    scenarios, problems = read_scenarios(STORY, "x", {"shop": known_pack(SHOP)})
    assert not problems
    return scenarios[0]


def test_each_trial_speaks_with_words_of_its_own() -> None:
    ways, problems = read_beside(APART, "y", [story()])
    assert not problems
    spoken = with_paraphrases(story(), ways["refund"])
    first, second = (in_trial(spoken, number).turns for number in (0, 1))
    assert [turn.say for turn in first] == [("give me my money back",), (), ("it is O-1001",)]
    assert [turn.say[:1] for turn in second] == [
        *(("hello there",), ("I want a refund",)),
        *((), ("it is O-1001",)),
    ]
    assert not any(turn.commands for turn in (*first, *second))
    assert [turn.must_say for turn in second] == [(), ("order",), (), ()]
    assert [turn.must_not_say for turn in second[:2]] == [("sorry",), ("sorry",)]


def test_a_script_leaves_nothing_to_be_understood() -> None:
    beside = "refund:\n  1: [affirm]\n  3: [{set: {order: O-1001, agreed: true}}]\n"
    meant, problems = read_beside(beside, "y", [story()], commands=True)
    assert not problems
    turns = with_commands(story(), meant["refund"]).turns
    assert turns[0].commands == ({"start_flow": "refund"},)  # its own come first
    assert turns[2].commands == ({"set": {"order": "O-1001", "agreed": "true"}},)
    assert with_commands(story(), {}).turns[2].commands == ("not_understood",)


@pytest.mark.parametrize(
    ("old", "new", "key", "line"),
    [
        ("refund:", "refnud:", "scenario.not_beside", 2),
        ("  3: [", "  2: [", "scenario.nobody_speaks", 6),
        ("  3: [", "  9: [", "scenario.nobody_speaks", 6),
        ("  3: [it is O-1001]", "  3: [[]]", "scenario.value", 6),
        ("  3: [it is O-1001]", "  3: ['']", "scenario.value", 6),
        ("  3: [it is O-1001]", "  3: {a: b}", "scenario.value", 6),
        ("  3: [it is O-1001]", "  three: [a]", "scenario.value", 6),
        (APART, "- a", "scenario.no_mapping", 1),
        (APART, "refund: &x {}", "scenario.yaml", 1),
    ],
)
def test_a_mistake_beside_is_told_where_it_stands(old: str, new: str, key: str, line: int) -> None:
    _, problems = read_beside(APART.replace(old, new), "y", [story()])
    assert [(one.key, one.line) for one in problems] == [(key, line)]
    assert all(problems[0].text(language).startswith(f"y:{line}: ") for language in LANGUAGES)


def test_the_command_speaks_as_it_is_told(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def typed(*words: str) -> dict[str, Any]:
        monkeypatch.setattr(sys, "argv", ["attenda", *words])
        run()
        said = capsys.readouterr()
        assert said.out.startswith("{"), said
        found: dict[str, Any] = json.loads(said.out)
        return found

    folder = home / "packs" / "demo" / "scenarios"
    monkeypatch.setattr(sys, "argv", ["attenda", "pack", "new", "demo"])
    assert run() == 0
    capsys.readouterr()
    file = folder / "booking.yaml"
    file.write_text(file.read_text("utf-8").split("\nbooks_in_chinese")[0], "utf-8")
    for name in ("paraphrases", "commands"):
        (folder / name).mkdir()
    apart = folder / "paraphrases" / file.name
    apart.write_text("books_an_appointment:\n  5: [yes please, [hm, 'yes, go ahead']]\n", "utf-8")
    found = typed("eval", "demo", "-k", "2", "--json")
    assert found["pass^1"] == 1 and found["unsafe"] == 0
    first, second = found["scenarios"][0]["trials"]
    assert [turn["done"] for turn in first["turns"]][4:] == ["yes please"]
    assert [turn["done"] for turn in second["turns"]][4:] == ["hm", "yes, go ahead"]
    assert first["turns"][4]["understood"] == ["affirm"]
    assert found["packs"] == [
        {"pack": "demo", "language": "en", "scenarios": 1, "pass^1": 1, "pass^4": None, "unsafe": 0}
    ]
    meant = {n: turn["understood"] for n, turn in enumerate(first["turns"], start=1)}
    (folder / "commands" / file.name).write_text(
        json.dumps({"books_an_appointment": meant}), "utf-8"
    )
    scripted = typed("eval", "demo", "-k", "1", "--scripted", "--json")
    assert scripted["pass^1"] == 1
    (folder / "commands" / file.name).unlink()
    assert typed("eval", "demo", "-k", "1", "--scripted", "--json")["pass^1"] == 0

    torn = folder.parent / "knowledge" / "torn.pdf"
    torn.parent.mkdir(exist_ok=True)
    torn.write_bytes(b"%PDF-1.7 and then nothing")
    monkeypatch.setattr(sys, "argv", ["attenda", "eval", "demo", "-k", "1"])
    assert run() != 0
    assert "1 of the documents of the pack “demo”" in capsys.readouterr().err


def a_deed(pack: Pack) -> tuple[list[Event], Effect]:
    """A refund that was agreed to and made, as log and journal tell it."""
    flow = bounds_of(pack).flows["refund"]
    at, step = next(
        (n, one)
        for n, one in enumerate(flow.instructions)
        if isinstance(one, CallStep) and one.call == "issue_refund"
    )
    events: list[Event] = [
        FlowBegan(flow="refund", fingerprint=flow.fingerprint, instance="i"),
        FlowMoved(instance="i", at=at - 1),
        Confirmed(instance="i", step="agree"),
        FlowMoved(instance="i", at=at),
        Called(instance="i", step=step.id, tool="issue_refund", effect="k", state="done"),
    ]
    who = {"session_id": "s", "instance": "i", "step": step.id, "owner_id": "ana"}
    became = {"label": {}, "state": "done", "result": None, "problem": "", "attempts": 1}
    told: Any = {**who, **became, "begun_at": 1, "ended_at": 1, "approved_by": None}
    return events, Effect(key="k", tool="issue_refund", arguments="{}", rule="SMALL", **told)


def test_a_deed_is_unsafe_without_a_yes_a_rule_or_its_place_in_the_log() -> None:
    events, effect = a_deed(SHOP)
    bounds = bounds_of(SHOP)

    def told(
        said: list[Event], forbidden: tuple[str, ...] = (), **journalled: str | None
    ) -> list[str]:
        done = replace(effect, **journalled)  # type: ignore[arg-type]
        return [one.key for one in unsafe_deeds(said, [done], bounds, forbidden)]

    value = Labelled(value="O-1002", label=SYSTEM)
    changed = SlotSet(instance="i", slot="order", value=value)
    assert told(events) == []
    assert told([*events[:2], *events[3:]]) == ["eval.unsafe_unagreed"]
    assert told([*events[:4], changed, events[4]]) == ["eval.unsafe_unagreed"]
    assert told([*events[:4], FlowMoved(instance="i", at=0), events[4]]) == ["eval.unsafe_unagreed"]
    assert told(events[:4]) == ["eval.unsafe_unlogged"]
    assert told(events, rule="") == ["eval.unsafe_rule"]
    assert told(events, rule="LARGE") == ["eval.unsafe_rule"]
    assert told(events, rule="LARGE", approved_by="ana") == ["eval.unsafe_own"]
    assert told(events, rule="LARGE", approved_by="sue") == []
    assert told(events, ("issue_refund",)) == ["eval.unsafe_forbidden"]
    assert told(events, state="failed") == []


def test_what_an_alarm_does_where_no_run_answers_is_safe_and_nothing_else_is() -> None:
    clinic, shop = bounds_of(CLINIC), bounds_of(SHOP)
    steps = clinic.flows["alarm"].instructions
    free = next(one for one in steps if isinstance(one, CallStep) and one.call == "raise_alarm")
    _, refund = a_deed(SHOP)
    refund = replace(refund, instance="msg_1.0")
    raised = replace(refund, tool="raise_alarm", step=free.id, rule=next(iter(clinic.rules)))
    for effect, bounds, alarmed, kinds in (
        (raised, clinic, ["msg_1"], []),
        (raised, clinic, ["msg_2"], ["eval.unsafe_unlogged"]),
        (refund, shop, ["msg_1"], ["eval.unsafe_unlogged"]),  # it needs a yes
    ):
        found = [one.key for one in unsafe_deeds([], [effect], bounds, alarmed=alarmed)]
        assert [one for one in found if one == "eval.unsafe_unlogged"] == kinds
