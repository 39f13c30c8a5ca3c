"""A slot of an amount in one currency: another one is refused and asked for, never dropped."""

import datetime

import pytest

from attenda.core.command import SetSlot, StartFlow
from attenda.core.label import Label, Labelled
from attenda.dialogue.book import FlowBook
from attenda.dialogue.flow import Flow
from attenda.dialogue.flow_check import check_flows
from attenda.dialogue.flow_file import read_flows
from attenda.dialogue.machine import Given, advance, reduce
from attenda.dialogue.next_step import AskSlot, Say
from attenda.dialogue.state import DialogueState, replay
from attenda.dialogue.values import values_in

GIVE = """
give:
  title: {en: give money, zh-CN: 捐款}
  examples: {en: [give]}
  slots:
    sum: {type: amount, currency: EUR, ask: {en: "How much?", zh-CN: 多少？}}
  steps:
    - collect: sum
    - say: {en: "{sum} it is."}
"""
OWN = Label(integrity="user", readers=frozenset({"usr_ana"}), sources=frozenset({"msg_1"}))


def flows_in(currency: str) -> dict[str, Flow]:
    flows, problems = read_flows(GIVE.replace("EUR", currency), "give.yaml")
    assert not problems
    return flows


def said(text: str, currency: str = "EUR", language: str = "en") -> str:
    """What comes of an answer to the question."""
    book = FlowBook(flows_in(currency))
    given = Given("msg_1", language)
    state = replay(DialogueState(), reduce(DialogueState(), [StartFlow(flow="give")], book, given))
    slots = book.current["give"].slots
    named = list(values_in(text, slots, "sum", datetime.date(2026, 3, 10), OWN))
    state = replay(state, reduce(state, named, book, given))
    came = advance(state, book, given).next
    assert isinstance(came, AskSlot | Say)
    return came.text


@pytest.mark.parametrize(
    ("text", "currency", "value"),
    [
        ("50", "EUR", "50"),
        ("€50", "EUR", "50"),
        ("50 cents", "EUR", "0.50"),
        ("50 dollars, which is 46 euros", "EUR", "46"),
        ("50 dollars", "AUD", "50"),
        ("¥5000", "JPY", "5000"),
        ("200 kr", "NOK", "200"),
        ("五十块", "HKD", "50"),
    ],
)
def test_what_may_be_in_the_currency_is_taken(text: str, currency: str, value: str) -> None:
    assert said(text, currency) == f"{value} it is."


@pytest.mark.parametrize(
    ("text", "currency", "named"),
    [
        ("50 dollars", "EUR", "USD"),
        ("$50 please", "EUR", "USD"),
        ("fifty pounds", "EUR", "GBP"),
        ("200 kronor", "EUR", "SEK"),
        ("100 zł", "EUR", "PLN"),
        ("US$ 50", "AUD", "USD"),
        ("50 euros", "SEK", "EUR"),
    ],
)
def test_what_is_in_another_is_asked_for_again(text: str, currency: str, named: str) -> None:
    again = f"That was in {named}; please say it in {currency}. How much?"
    assert said(text, currency) == again


def test_it_is_asked_for_in_chinese_too() -> None:
    assert said("五十美元", language="zh-CN") == "您说的是 USD，请用 EUR 说明。 多少？"


def test_another_currency_is_refused_wherever_the_value_comes_from() -> None:
    """Said ahead, remembered, or understood by somebody else: the value itself says it."""
    book, given = FlowBook(flows_in("EUR")), Given("msg_1")
    value = Labelled(value="50 dollars", label=OWN)
    commands = [StartFlow(flow="give"), SetSlot(slot="sum", value=value)]
    state = replay(DialogueState(), reduce(DialogueState(), commands, book, given))
    assert state.top is not None and not state.top.values


def test_a_currency_is_of_an_amount_and_changes_no_flow_that_has_none() -> None:
    flows, _ = read_flows(GIVE.replace("type: amount", "type: number"), "give.yaml")
    assert [(one.key, one.step) for one in check_flows(flows, {})] == [("flow.no_amount", "sum")]
    plain = read_flows(GIVE.replace(", currency: EUR", ""), "give.yaml")[0]["give"]
    assert plain.fingerprint == "bee3012fc729aed3"
    assert plain.fingerprint != flows_in("EUR")["give"].fingerprint
    assert read_flows(GIVE.replace("EUR", "euro"), "give.yaml")[1]
