"""Flows in files: what is wrong is told by file and line, before anything runs."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attenda.core.label import Labelled
from attenda.core.words import LANGUAGES
from attenda.dialogue.expression import BadExpression, fill, parse
from attenda.dialogue.flow_check import check_flows
from attenda.dialogue.flow_file import read_flows

GOOD = (Path(__file__).parent / "flows.yaml").read_text("utf-8")


@dataclass(frozen=True)
class Shape:
    writes: bool = False
    arguments: dict[str, bool] = field(default_factory=dict)


TOOLS = {
    "get_order": Shape(arguments={"order": True, "customer": False}),
    "issue_refund": Shape(writes=True, arguments={"order": True, "amount": True}),
    "find_customer": Shape(arguments={"email": True}),
}


def test_the_good_file_is_good() -> None:
    flows, problems = read_flows(GOOD, "flows.yaml")
    assert not problems and not check_flows(flows, TOOLS)


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("- collect: order", "- colect: order", "flow.no_verb"),
        ("type: id", "type: idd", "flow.value"),
        ("pattern:", "patern:", "flow.unknown_key"),
        ("refund:\n  title", "refund:\n  titel", "flow.missing_key"),
        ("found.total > 100", "found.total >", "flow.value"),
        ("found.total > 100", "__import__('os')", "flow.value"),
        ("{found.total} is for", "{found.total is for", "flow.value"),
        ("hidden: true", "hidden: [", "flow.yaml"),
        ("refund:\n  title", "refund: &x\n  title", "flow.yaml"),
        ("hours:\n", "refund:\n", "flow.yaml"),
    ],
)
def test_a_mistake_is_told_where_it_stands(old: str, new: str, key: str) -> None:
    _, problems = read_flows(GOOD.replace(old, new, 1), "flows.yaml")
    line = GOOD[: GOOD.index(old)].count("\n") + 1
    # a bracket that is not closed is noticed where the next thing comes
    assert any(p.key == key and 0 <= p.line - line <= 3 for p in problems), problems
    for problem in problems:
        for words in LANGUAGES.values():
            words[problem.key].format(**problem.values)


PARTED = """
part:
  title: {en: Part}
  examples: {en: [part]}
  slots:
    kind: {type: choice, ask: {en: Which one}, choices: {A: [a], B: [b], C: [c]}}
  steps:
    - collect: kind
    - if: kind == "A"
      then: [{say: {en: a}}]
      else:
        - if: kind in ["B", "C"]
          then: [{say: {en: b}}]
"""


@pytest.mark.parametrize(
    ("old", "new", "keys"),
    [
        ("part", "part", []),
        ('"A"', '"D"', ["flow.unknown_choice", "flow.missing_branch"]),
        (', "C"]', "]", ["flow.missing_branch"]),
        (', "C"]\n          then: [{say: {en: b}}]', ']\n          then: []\n          else: []',
         ["flow.missing_branch"]),
        (', "C"]\n          then: [{say: {en: b}}]',
         ']\n          then: [{say: {en: b}}]\n          else: [{say: {en: c}}]', []),
        ('        - if: kind in ["B", "C"]\n          then: [{say: {en: b}}]',
         "        - say: {en: b}", []),
    ],
)  # fmt: skip
def test_each_choice_has_a_branch_where_several_are_told_apart(
    old: str, new: str, keys: list[str]
) -> None:
    assert old in PARTED
    flows, problems = read_flows(PARTED.replace(old, new, 1), "flows.yaml")
    assert not problems
    assert [one.key for one in check_flows(flows, {})] == keys


CONFIRM = '        - confirm: {en: "Refund {found.total} for {order}?"}\n'
AFTER_NO = "          otherwise:\n            - say: {en: Well.}\n            - if: not order\n"


@pytest.mark.parametrize(
    ("old", "new", "step", "condition"),
    [
        ("      then:\n        - hand_off:", "      yes:\n        - hand_off:", "4",
         "found.total > 100"),
        (CONFIRM, CONFIRM + AFTER_NO, "4.else.1.no.2", "not order"),
        (CONFIRM, f"{CONFIRM}{AFTER_NO}              id: why\n", "why", "not order"),
    ],
)  # fmt: skip
def test_an_if_without_then_is_told_by_its_step_and_how_to_mend_it(
    old: str, new: str, step: str, condition: str
) -> None:
    text = GOOD.replace(old, new, 1)
    (problem,) = read_flows(text, "flows.yaml")[1]
    assert problem.line == text[: text.index(f"- if: {condition}")].count("\n") + 1
    said = LANGUAGES["en"][problem.key].format(**problem.values)
    assert said.startswith(f"Step {step}, “if: {condition}”, has no “then”. Write “then:” under it")


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("- collect: order", "- collect: ordre", "flow.unknown_slot"),
        ("collect: order", "collect: reason", "flow.never_asked"),
        ("call: get_order", "call: get_ordr", "flow.unknown_tool"),
        ("with: {order: order, customer: customer}", "with: {customer: customer}",
         "flow.missing_argument"),
        ("with: {email: email}", "with: {email: email, phone: email}", "flow.unknown_argument"),
        ("amount: found.total", "amount: fond.total", "flow.unset_name"),
        ("- confirm: {en", "- say: {en", "flow.unconfirmed"),
        ("call_flow: who", "call_flow: whom", "flow.unknown_flow"),
        ("call_flow: who", "call_flow: refund", "flow.calls_itself"),
        ("    - collect: email\n", "    - collect: email\n    - call_flow: refund\n",
         "flow.calls_itself"),
        ("  hidden: true\n", "", "flow.no_examples"),
        ("    - call: find_customer", "    - ask_again: [email]\n    - call: find_customer",
         "flow.unreachable"),
    ],
)  # fmt: skip
def test_what_would_go_wrong_later_is_seen_before(old: str, new: str, key: str) -> None:
    flows, problems = read_flows(GOOD.replace(old, new, 1), "flows.yaml")
    assert old in GOOD and not problems
    assert key in [mistake.key for mistake in check_flows(flows, TOOLS)]


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60))
def test_no_text_breaks_the_readers(text: str) -> None:
    read_flows(text, "f.yaml")
    read_flows(f"a: {{title: {{en: x}}, steps: [{{if: {text!r}, then: []}}]}}", "f.yaml")
    try:
        parse(text).value({"a": Labelled(value="1")})
        fill(text, {})
    except BadExpression:
        pass


@pytest.mark.parametrize("text", ['a: "\\UFFFFFFFF"', "[" * 5000])
def test_what_yaml_itself_stumbles_over_is_told(text: str) -> None:
    _, problems = read_flows(text, "f.yaml")
    assert [problem.key for problem in problems] == ["flow.yaml"]


def test_no_cent_is_lost() -> None:
    names = {"a": Labelled(value="0.1"), "b": Labelled(value="0.2")}
    assert parse("a + b").value(names).value == "0.3"
    assert parse("a + b == 0.3").value(names).value is True
    assert parse("a + b").value(names).label.integrity == "untrusted"
