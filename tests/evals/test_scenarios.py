"""Scenarios through the real turn: what must fail does fail, for each kind of expectation."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from attenda.api import Pack
from attenda.cli.packs import load_pack
from attenda.evals.report import report
from attenda.evals.results import Result, compare, figures_of, json_of, read_results
from attenda.evals.run import Seeds, run_scenario
from attenda.evals.scenario_file import known_pack, read_scenarios
from tests.pack_scenarios import by_their_words

PACKS = Path(__file__).parent.parent / "packs"
SHOP = load_pack(PACKS / "shop")

GOOD = """
refund:
  pack: shop
  clock: 2026-03-10T10:00:00Z
  people: {ana: {}, s1: {role: agent}, s2: {role: supervisor}}
  turns:
    - commands: [{start_flow: refund}, {set: {order: O-1001, email: ana@example.test}}]
      must_say: "60.40"
    - commands: [affirm]
      must_not_say: sorry
      expect: {calls: {required: [issue_refund]}}
  expect:
    tables:
      refunds: [{id: "*", order_id: O-1001, amount: "60.40"}]
      orders: {changed: {O-1001: {status: refunded}}}
    sql:
      - query: SELECT count(*) FROM shop_refunds
        value: "1"
      - query: SELECT id FROM shop_refunds WHERE amount > '9'
    calls: {required: [find_customer, issue_refund]}
    system: {effects: [{state: done, rule: SMALL}], approvals: []}
    owner: bot
"""

SILENT = """
silent:
  pack: shop
  clock: 2026-03-10T10:00:00Z
  people: {ana: {}}
  turns:
    - commands: [{start_flow: refund}, {set: {order: O-1001, email: ana@example.test}}]
      must_say: Shall I?
    - silence: 14m
      must_not_say: [reminder, "Shall I?"]
    - silence: 1m
      must_say: [reminder, "Shall I?"]
    - restart: true
    - silence: 1d
      must_say: [nothing without your yes, get your money back]
      must_not_say: reminder
    - commands: [affirm]
    - commands: [{start_flow: refund}, {set: {order: O-1001}}]
    - silence: 2d
      must_say: [reminder, e-mail, aside]
  expect: {tables: {refunds: []}, calls: {forbidden: [issue_refund]}, owner: bot}
"""

WRONG = [
    ("any new row, but one that was there", "orders: {changed: {O-1001: {status: refunded}}}",
     'orders: {added: "*"}', "state", "O-1001.status"),
    ("a table that was to stay", "      orders: {changed: {O-1001: {status: refunded}}}\n", "",
     "state", "“orders” was to stay"),
    ("another amount", '{id: "*", order_id: O-1001, amount: "60.40"}',
     '{id: "*", order_id: O-1001, amount: "60.41"}', "state", "no row"),
    ("a row too many", '[{id: "*", order_id: O-1001, amount: "60.40"}]', "[]",
     "state", "must be no such row"),
    ("a row that is missing", "orders: {changed: {O-1001: {status: refunded}}}",
     "orders: {has: {O-9999: {status: refunded}}}", "state", "no row O-9999"),
    ("a cell beside the changed one", "changed: {O-1001: {status: refunded}}",
     "changed: {O-1002: {status: pending}}", "state", "O-1001.status"),
    ("a row that stays", "orders: {changed: {O-1001: {status: refunded}}}",
     "orders: {removed: [O-1002], changed: {O-1001: {status: refunded}}}",
     "state", "must be no such row"),
    ("a query's value", 'value: "1"', 'value: "2"', "state", "not 2"),
    ("a query that finds something", "WHERE amount > '9'", "WHERE amount > '1'", "state",
     "must give no row"),
    ("a query that writes", "SELECT id FROM shop_refunds WHERE amount > '9'",
     "WITH one AS (SELECT 1) DELETE FROM shop_refunds", "state", "can't be carried out"),
    ("a rule", "rule: SMALL", "rule: LARGE", "state", "rule"),
    ("an approval", "approvals: []", "approvals: [{state: pending}]", "state", "no row"),
    ("an owner", "owner: bot", "owner: queued", "state", "queued"),
    ("a forbidden call", "calls: {required: [find_customer, issue_refund]}",
     "calls: {forbidden: [issue_refund]}", "calls", "forbidden"),
    ("a call that is missing", "required: [find_customer, issue_refund]",
     "required: [{tool: issue_refund, with: {order: O-1002}}]", "calls", "was not called"),
    ("calls in another order", "required: [find_customer, issue_refund]",
     "required: [issue_refund, find_customer]", "calls", "too early"),
    ("a call of that turn alone", "expect: {calls: {required: [issue_refund]}}",
     "expect: {calls: {required: [find_customer]}}", "calls", "was not called"),
    ("words that are missing", 'must_say: "60.40"', 'must_say: "60.41"', "words", "not said"),
    ("words that must not be", "must_not_say: sorry", "must_not_say: DONE", "words", "was said"),
    ("words of the whole", "    owner: bot\n", "    owner: bot\n    must_not_say: shall i\n",
     "words", "was said"),
    ("a table too early", "expect: {calls: {required: [issue_refund]}}", "expect: {tables: {}}",
     "state", "turn 2: The table “orders”"),
    ("a decision about nothing", "    - commands: [affirm]\n",
     "    - approve: {by: s2}\n    - commands: [affirm]\n", "words", "no such question"),
]  # fmt: skip


HUMAN = """
human:
  pack: shop
  clock: 2026-03-10T10:00:00Z
  people: {ana: {}, s1: {role: agent}}
  turns:
    - commands: [ask_human]
    - desk: {by: s1, claim: true}
    - say: Are you there?
      must_not_say: order
      expect: {owner: human}
    - desk: {by: s1, reply: I am.}
      expect: {owner: waiting}
    - desk: {by: s1, give_back: true}
      expect: {owner: bot}
    - commands: [{start_flow: refund}]
      must_say: e-mail
    - desk: {by: s1, claim: true}
  expect: {tables: {}, owner: bot}
"""


def test_what_is_said_while_a_person_has_the_talk_is_answered_by_nobody() -> None:
    (result,) = tried([HUMAN])
    assert [(one.turn, one.grade) for one in result.trials[0].faults] == [(7, "words")]
    assert [turn.answer for turn in result.trials[0].turns][1:5] == [""] * 4


def tried(texts: Sequence[str], pack: Pack = SHOP, trials: int = 1) -> list[Result]:
    """What came of the first scenario of each text."""

    async def story() -> list[Result]:
        with Seeds(by_their_words()) as seeds:
            found = []
            for text in texts:
                scenarios, problems = read_scenarios(text, "x", {pack.name: known_pack(pack)})
                assert not problems, [one.text("en") for one in problems]
                found.append(await run_scenario(scenarios[0], pack, seeds, trials))
            return found

    return asyncio.run(story())


def test_a_silence_passes_from_one_thing_that_is_due_to_the_next() -> None:
    (trial,) = tried([SILENT])[0].trials
    assert trial.right, trial.faults
    assert trial.turns[-1].calls == ()


@pytest.fixture(scope="module")
def results() -> dict[str, Result]:
    """The good scenario, and it with one thing wrong at a time."""
    texts = {"good": GOOD}
    for name, old, new, _, _ in WRONG:
        assert GOOD.count(old) == 1, name
        texts[name] = GOOD.replace(old, new)
    return dict(zip(texts, tried(list(texts.values())), strict=True))


def test_what_is_right_is_right(results: dict[str, Result]) -> None:
    (trial,) = results["good"].trials
    assert trial.right, trial.faults
    assert [call.tool for turn in trial.turns for call in turn.calls] == [
        "find_customer",
        "get_order",
        "issue_refund",
    ]


@pytest.mark.parametrize(("name", "grade", "said"), [(w[0], w[3], w[4]) for w in WRONG])
def test_what_is_wrong_is_told(
    results: dict[str, Result], name: str, grade: str, said: str
) -> None:
    (trial,) = results[name].trials
    assert not trial.right
    unsafe = {"safety"} if name == "a forbidden call" else set()  # what is forbidden was done
    assert {fault.grade for fault in trial.faults} == {grade} | unsafe
    assert any(said in fault.text for fault in trial.faults), trial.faults


def test_figures_tell_restraint_from_a_wrong_tool(results: dict[str, Result]) -> None:
    forbidden, good = results["a forbidden call"], results["good"]
    found = figures_of([forbidden, good])
    assert (found.pass_1, found.pass_k, found.restraint) == (0.5, 0.5, 0.0)
    assert found.wrong_tool == pytest.approx(1 / 6)
    assert found.pass_4 is None  # of one trial nobody knows four
    assert figures_of([good]).restraint is None
    figures = {"pass^1", "pass^4", "restraint", "wrong_tool", "unsafe"}
    assert set(json_of([good])) == {*figures, "packs", "scenarios"}


def test_two_runs_are_compared_trial_by_trial(results: dict[str, Result], tmp_path: Path) -> None:
    kept = tmp_path / "results.json"
    kept.write_text(json.dumps(json_of([results["good"]])), "utf-8")
    before = read_results(kept)
    assert before == [results["good"]]
    worse = results["a query's value"]
    assert [one.kind for one in compare(before, [worse])] == ["broken"]
    assert [one.kind for one in compare([worse], before)] == ["mended"]
    assert [one.kind for one in compare(before, before)] == ["same"]
    assert [one.kind for one in compare([], before)] == ["new"]
    page = report([worse], "en", compare(before, [worse]), "results.json")
    assert "broken" in page and "not 2" in page and "<script" not in page


def test_paraphrases_are_taken_in_turn() -> None:
    text = GOOD.replace("    - commands: [{start", "    - say: [one, two]\n      commands: [{start")
    (found,) = tried([text], trials=3)
    assert [trial.turns[0].done for trial in found.trials] == ["one", "two", "one"]
    assert found.passed


OUTSIDE = '''"""Pays outside."""

from pathlib import Path
from typing import Any

from attenda.api import Deed, Pack, tool


@tool(writes=True, takes_key=True, timeout_s=5.0)
async def pay(deed: Deed, to: str) -> dict[str, Any]:
    """Pays."""
    raise AssertionError("a trial reached outside")


PACK = Pack(name="bank", title={"en": "Bank"}, folder=Path(__file__).parent, tools=(pay,))
'''
PAY = """
pay:
  title: {en: pay}
  examples: {en: [pay somebody]}
  slots: {to: {type: email, ask: {en: "Whom?"}}}
  steps:
    - collect: to
    - confirm: {en: "Pay {to}?"}
    - call: pay
      with: {to: to}
      into: paid
    - say: {en: "Paid, {paid.number}."}
"""
TALK = """
pays:
  pack: bank
  clock: 2026-03-10T10:00:00+01:00
  people: {ana: {}}
  outside: {pay: [ANSWERS]}
  turns:
    - say: pay somebody
    - say: a@example.test
    - say: "yes"
      must_say: WORDS
  expect: {system: {effects: [{state: STATE}]}}
"""


@pytest.mark.parametrize(
    ("answers", "words", "state"),
    [
        ("{number: P-1}", "Paid, P-1", "done"),
        ("lost, {number: P-1}", "Paid, P-1", "done"),
        ("lost", "not known", "unknown"),
        ("{refused: No such account}", "No such account", "failed"),
        ("", "does not say", "failed"),
    ],
)
def test_what_reaches_outside_is_answered_by_the_scenario(
    tmp_path: Path, answers: str, words: str, state: str
) -> None:
    (tmp_path / "flows").mkdir()
    (tmp_path / "pack.py").write_text(OUTSIDE, "utf-8")
    (tmp_path / "flows" / "pay.yaml").write_text(PAY, "utf-8")
    (tmp_path / "policy.toml").write_text('[[rule]]\nid = "P"\ntool = "pay"\ndo = "allow"\n')
    text = TALK.replace("ANSWERS", answers).replace("WORDS", words).replace("STATE", state)
    (found,) = tried([text], load_pack(tmp_path))
    assert found.passed, found.trials[0].faults
