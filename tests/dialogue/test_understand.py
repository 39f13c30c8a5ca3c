"""From words to commands, without any model: what is asked now, values, another matter, or none."""

import datetime
import itertools

import numpy as np
import pytest

from attenda.core.command import (
    AskHuman,
    Cancel,
    Command,
    SetSlot,
    StartFlow,
    Wait,
)
from attenda.core.event import DialogueEvent
from attenda.core.label import Label, Labelled
from attenda.dialogue.book import FlowBook
from attenda.dialogue.flow import Slot
from attenda.dialogue.flow_check import check_flows
from attenda.dialogue.flow_file import read_flows
from attenda.dialogue.machine import Given, advance, reduce
from attenda.dialogue.nearest import Nearest
from attenda.dialogue.next_step import AskSlot, AskYesNo, CallTool
from attenda.dialogue.state import DialogueState, replay
from attenda.dialogue.understand import Understanding
from attenda.dialogue.values import without_values
from tests.dialogue.test_machine import BOOK, Talk

TODAY = datetime.date(2026, 3, 10)
LABEL = Label(integrity="user", readers=frozenset({"usr_ana"}))
WORDS = sorted(
    {
        word
        for flow in BOOK.current.values()
        for texts in flow.examples.values()
        for text in texts
        for word in text.lower().split()
    }
)


def vector(text: str) -> np.ndarray:
    """A bag of the examples' words: enough to know an example again."""
    found = np.array([word in text.lower().split() for word in WORDS], np.float32)
    length = float(np.linalg.norm(found))
    return found / length if length else found


NAMED = [
    (flow.name, text)
    for flow in BOOK.current.values()
    for texts in flow.examples.values()
    for text in texts
]
KNOWN = Understanding(
    BOOK,
    Nearest.fit(
        [name for name, _ in NAMED],
        [text for _, text in NAMED],
        np.stack([vector(text) for _, text in NAMED]),
    ),
)


def understood(text: str, state: DialogueState) -> list[Command]:
    return KNOWN.commands(
        text, np.stack([vector(one) for one in KNOWN.wishes(text)]), state, LABEL, TODAY
    )


def plain(commands: list[Command]) -> list[object]:
    """Commands as one reads them."""
    return [
        (one.slot, one.value.value) if isinstance(one, SetSlot) else type(one).__name__
        for one in commands
    ]


def at_confirmation() -> DialogueState:
    talk = Talk()
    for commands in (
        [StartFlow(flow="refund")],
        understood("O-1001, and I am ana@example.test", _begun()),
    ):
        talk.hear(*commands)
    return talk.state


def _begun() -> DialogueState:
    talk = Talk()
    talk.hear(StartFlow(flow="refund"))
    return talk.state


def test_a_flow_and_its_values_in_one_message() -> None:
    found = understood("I want my money back for o 1001, ana@example.test", DialogueState())
    assert set(map(str, plain(found))) == {
        "StartFlow", "('order', 'O-1001')", "('email', 'ana@example.test')",
    }  # fmt: skip
    assert all(one.value.label == LABEL for one in found if isinstance(one, SetSlot))


def test_a_value_says_where_its_words_stand_as_far_as_the_tool_it_goes_to() -> None:
    text = "I want my money back for o 1001, ana@example.test"
    label = LABEL.model_copy(update={"sources": frozenset({"msg_1"})})
    found = KNOWN.commands(
        text, np.stack([vector(one) for one in KNOWN.wishes(text)]), DialogueState(), label, TODAY
    )
    named = {one.slot: one for one in found if isinstance(one, SetSlot)}
    for slot, words in (("order", "o 1001"), ("email", "ana@example.test")):
        span = named[slot].value.span
        assert span is not None and span.message_id == "msg_1"
        assert text[span.start : span.end] == named[slot].words == words
    given = Given(message_id="msg_1")
    state = replay(DialogueState(), reduce(DialogueState(), found, BOOK, given))
    call = advance(state, BOOK, given).next
    assert isinstance(call, CallTool)
    spans = [one.span for one in call.arguments.values()]
    assert spans == [named["email"].value.span]


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("yes", ["Affirm"]),
        ("Yes please, go ahead!", ["Affirm"]),
        ("yes, O-1001", ["Affirm"]),
        ("好的", ["Affirm"]),
        ("no", ["Refuse"]),
        ("不用了", ["Refuse"]),
        ("no, O-1002 I meant", [("order", "O-1002")]),
        ("no, the other order", ["Another"]),
        ("不，另一个订单", ["Another"]),
        ("not this one please", ["Another"]),
        ("no, on the other hand", ["Refuse"]),
        ("yes but for O-1002", None),
        ("hmm, wait", ["Wait"]),
        ("I'd like to talk to a human", ["AskHuman"]),
        ("转人工", ["AskHuman"]),
        ("Agent!", ["AskHuman"]),
        ("什么时候能转人工", ["AskHuman"]),
        ("等一等，我家门铃响了", ["Wait"]),
        ("Let me think, my dog wants out", ["Wait"]),
    ],
)
def test_answers_to_what_would_be_done(said: str, wanted: list[object] | None) -> None:
    found = understood(said, at_confirmation())
    if wanted is not None:
        assert plain(found) == wanted
    # whatever was understood: no yes to a value that was not shown
    state = at_confirmation()
    events: list[DialogueEvent] = reduce(state, found, BOOK, Given(message_id="msg_9"))
    after = replay(state, events)
    frame = after.top
    if frame and frame.confirmed:
        assert frame.values["order"].value == "O-1001"


def test_values_of_each_kind_and_dates_from_today() -> None:
    talk = Talk()
    talk.hear(StartFlow(flow="hours"))
    assert plain(understood("tomorrow", talk.state)) == [("day", "2026-03-11")]
    assert plain(understood("3月12日", talk.state)) == [("day", "2026-03-12")]


def test_what_is_meant_otherwise() -> None:
    assert plain(understood("cancel that", _begun())) == [Cancel.__name__]
    assert plain(understood("cancel that", DialogueState())) == ["Wait"]
    assert [type(one) for one in understood("real person please", _begun())] == [AskHuman]
    for asked in ("人工几点在", "什么时候有人工在线"):
        assert AskHuman() not in understood(asked, _begun())
    for said in ("ok", "好的", "Thanks!", "谢谢"):
        assert plain(understood(said, DialogueState())) == ["Wait"]
    found = understood("when are you open", at_confirmation())
    assert plain(found) == ["StartFlow"]
    found = understood("Never mind that, I got it wrong. When are you open tomorrow?", _begun())
    assert plain(found) == ["Cancel", "StartFlow", ("day", "2026-03-11")]


def test_who_wants_another_is_asked_which_and_the_rest_is_kept() -> None:
    talk = Talk()
    talk.state = at_confirmation()
    asked = talk.hear(*understood("no, the other order", talk.state))
    assert isinstance(asked, AskSlot) and asked.slot == "order"
    asked = talk.hear(*understood("O-1002", talk.state))
    assert isinstance(asked, AskYesNo) and "O-1002" in asked.text and not talk.writes


@pytest.mark.parametrize(
    "said",
    [
        "Goodness, what a day it has been with all this rain. I want my money back",
        "您好，打扰一下，我要退款，谢谢您",
        "昨天下了一整天的雨，心情都不好了，我要退款。",
    ],
)
def test_a_wish_is_heard_in_one_clause_of_several(said: str) -> None:
    assert plain(understood(said, DialogueState())) == ["StartFlow"]


def test_a_heap_of_words_is_read_in_time_that_grows_with_it() -> None:
    for heap in (
        "想" * 4_000, "等等" * 2_000 + "x", "please " * 2_000, "好好想想" * 1_000 + "x",
        "嗯" * 4_000, "诶" * 4_000 + "x", "hmm" * 2_000, "um " * 2_000 + "x",
    ):  # fmt: skip
        understood(heap, at_confirmation())


@pytest.mark.parametrize(
    "said",
    ["The cat is at the door again, let me think it over", "孩子在旁边吵得很，让我再琢磨一下"],
)
def test_a_moment_asked_for_last_is_neither_yes_nor_no(said: str) -> None:
    assert plain(understood(said, at_confirmation())) == ["Wait"]


@pytest.mark.parametrize(
    "said",
    [
        "Could you give me a moment, please?",
        "I need to ask my husband first.",
        "Hmm, I'm not sure yet. My husband is in the garden.",
        "hang on 1 sec, there is someone at the door",
        "我得先问问我老公",
        "不好意思，能否给我一点时间考虑？",
        "等我一会儿，锅里的汤要溢出来了",
    ],
)
def test_who_needs_a_moment_before_a_deed_gets_it(said: str) -> None:
    assert plain(understood(said, at_confirmation())) == ["Wait"]


PAYING = """
pay:
  title: {en: pay something back}
  examples: {en: [pay it back]}
  slots:
    asked: {type: text, ask: {en: "What is it?"}}
  steps:
    - collect: asked
    - set: {money: "'39.90 EUR'", others: "['mug', '马克杯']"}
    - confirm:
        en: "Pay {money} back for the kettle of O-1001?"
        zh-CN: "为 O-1001 的水壶退还 {money}？"
      others: others
      agree: {en: [+cancel], zh-CN: [+取消]}
    - say: {en: "Paid."}
"""


def paying(asked: str, said: str) -> list[object]:
    """What an answer means to who was asked whether to pay 39.90 back."""
    flows, problems = read_flows(PAYING, "pay.yaml")
    assert not problems
    book = FlowBook(flows)
    given = Given(message_id="msg_0")
    value = Labelled(value=asked, label=LABEL)
    told = [StartFlow(flow="pay"), SetSlot(slot="asked", value=value, words=asked)]
    state = replay(DialogueState(), reduce(DialogueState(), told, book, given))
    decision = advance(state, book, given)
    assert isinstance(decision.next, AskYesNo)
    known = Understanding(book, None)
    at = replay(state, decision.events)
    return plain(known.commands(said, np.zeros((9, 2), np.float32), at, LABEL, TODAY))


@pytest.mark.parametrize(
    "said",
    [
        "Yes, 20 euros", "yes, twenty euros please", "Yes, half of it", "ok, the mug please",
        "yes, the whole order", "yes, O-1003", "是的，20欧元", "行，二十欧", "好的，退一半",
        "好，马克杯", "yes, and 5 more",
    ],
)  # fmt: skip
def test_a_yes_to_something_else_is_none(said: str) -> None:
    assert paying("the kettle", said) == ["NotUnderstood"]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("the kettle", "Yes, 39.90 euros is right"), ("the kettle", "yes, the kettle"),
        ("the kettle", "yes, 100 %"), ("half the price of it", "Yes, half is fine"),
        ("水壶", "好的，39.90 欧元"), ("水壶", "是的，水壶"), ("退一半", "可以，退一半"),
    ],
)  # fmt: skip
def test_a_yes_may_repeat_what_is_asked(asked: str, said: str) -> None:
    assert paying(asked, said) == ["Affirm"]


@pytest.mark.parametrize("said", ["please cancel it", "取消吧"])
def test_where_cancelling_is_asked_about_cancel_is_asked_once_more(said: str) -> None:
    assert paying("the kettle", said) == ["Wait"]
    assert plain(understood("please cancel it", at_confirmation())) == ["Refuse"]


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("O-1002 too", "hours"), ("the same for O-1002, please", "hours"), ("还有 O-1002", "hours"),
        ("And the mug?", "hours"), ("马克杯呢", "hours"),
        ("And my money back", ""), ("我呢", ""), ("blorf gnarl", ""),
    ],
)  # fmt: skip
def test_one_more_is_for_what_was_done_last(said: str, meant: str) -> None:
    begun = [
        one.flow
        for one in understood(said, DialogueState(last="hours"))
        if isinstance(one, StartFlow)
    ]
    assert (begun == [meant]) is bool(meant)
    nothing = understood(said, DialogueState())
    assert not any(isinstance(one, StartFlow) and one.flow == "hours" for one in nothing)


NOTES = """
note:
  title: {en: write a note}
  examples: {en: [write this down for me]}
  slots:
    words: {type: text, outranks: [hours], ask: {en: "What is it?"}}
  steps: [{collect: words}]
hours:
  title: {en: hear our opening hours}
  examples: {en: [when are you open]}
  steps: [{say: {en: "At nine."}}]
back:
  title: {en: get your money back}
  examples: {en: [I want my money back]}
  steps: [{say: {en: "Yes."}}]
"""


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("when are you open", [("words", "when are you open")]),  # outranked
        ("I want my money back", ["StartFlow"]),
        ("5/6", [("words", "5/6")]),
        ("2x + 6", [("words", "2x + 6")]),
    ],
)
def test_what_is_asked_for_outranks_the_flows_that_it_names(
    said: str, wanted: list[object]
) -> None:
    flows, problems = read_flows(NOTES, "notes.yaml")
    assert not problems and not check_flows(flows, {})
    book = FlowBook(flows)
    named = [(name, text) for name, one in flows.items() for text in one.examples["en"]]
    judge = Nearest.fit(
        [name for name, _ in named],
        [text for _, text in named],
        np.stack([np.eye(3, dtype=np.float32)[at] for at in range(3)]),
    )
    known = Understanding(book, judge)
    given = Given(message_id="msg_0")
    state = replay(DialogueState(), reduce(DialogueState(), [StartFlow(flow="note")], book, given))
    # whatever is said without a word of an example looks like an order for money
    place = next((at for at, (_, text) in enumerate(named) if text == said), 2)
    seen = np.eye(3, dtype=np.float32)[place]
    assert plain(known.commands(said, seen[None], state, LABEL, TODAY)) == wanted


PAINT = """
paint:
  title: {en: paint it}
  examples: {en: [paint it for me]}
  slots:
    colour: {type: choice, choices: {red: [红色], blue: [蓝色]}, ask: {en: "Which colour?"}}
    coats: {type: number, ask: {en: "How many coats?"}}
  steps: [{collect: colour}, {collect: coats}]
mix:
  title: {en: mix a colour}
  examples: {en: [mix some red for me]}
  slots:
    colour: {type: choice, choices: {red: [], blue: []}, ask: {en: "Which?"}}
  steps: [{collect: colour}]
"""


@pytest.mark.parametrize(
    ("said", "begins"),
    [
        ("red", False),
        ("the red one, please", False),
        ("I think it must be red", False),
        ("就要红色的吧", False),
        ("mix some red for me", True),
        ("is red out of stock", True),
    ],
)
def test_a_bare_answer_begins_nothing_however_much_it_sounds_like_it(
    said: str, begins: bool
) -> None:
    """Whatever is said, the judge would take it for the other flow."""
    flows, problems = read_flows(PAINT, "paint.yaml")
    assert not problems and not check_flows(flows, {})
    one = np.eye(2, dtype=np.float32)
    judge = Nearest.fit(["paint", "mix"], ["paint it for me", "mix some red for me"], one)
    known = Understanding(FlowBook(flows), judge)
    given = Given(message_id="msg_0")
    begun = reduce(DialogueState(), [StartFlow(flow="paint")], FlowBook(flows), given)
    state = replay(DialogueState(), begun)
    state = replay(state, advance(state, FlowBook(flows), given).events)
    found = known.commands(said, one[1][None], state, LABEL, TODAY)
    assert (StartFlow(flow="mix") in found) == begins, plain(found)
    assert begins or plain(found) == [("colour", "red")]
    red = [SetSlot(slot="colour", value=Labelled(value="red", label=LABEL))]
    state = replay(state, reduce(state, red, FlowBook(flows), given))
    state = replay(state, advance(state, FlowBook(flows), given).events)
    assert plain(known.commands("80%", one[1][None], state, LABEL, TODAY)) == [("coats", "80")]


def test_a_slot_can_only_outrank_flows_that_there_are() -> None:
    flows, _ = read_flows(NOTES.replace("outranks: [hours]", "outranks: [ours]"), "notes.yaml")
    (mistake,) = check_flows(flows, {})
    assert (mistake.flow, mistake.key, mistake.values["name"]) == (
        "note",
        "flow.unknown_flow",
        "ours",
    )


def test_no_order_of_messages_breaks_the_talk() -> None:
    lines = [
        "I want my money back",
        "O-1001",
        "yes",
        "no",
        "ana@example.test",
        "hm",
        "算了",
        "tomorrow",
    ]
    for order in itertools.islice(itertools.permutations(lines), 0, 40_000, 1_300):
        state = DialogueState()
        for number, line in enumerate(order):
            given = Given(message_id=f"msg_{number}")
            state = replay(state, reduce(state, understood(line, state), BOOK, given))
            state = replay(state, advance(state, BOOK, given).events)


def test_values_that_overlap_are_taken_out_once() -> None:
    slots = [Slot(type="id", pattern=r"O-\d{4}"), Slot(type="id", pattern=r"\d{4,6}")]
    assert without_values("Where is O-1004 now?", slots) == "Where is now?"
    assert without_values("我要退 O-1004 的钱", slots) == "我要退的钱"
    assert without_values("O-1004", slots) == "O-1004"


@pytest.mark.parametrize(
    "said",
    [
        *("hmm, wait", "Just a second", "先等等", "等一等", "别急，让我考虑下"),
        *("Please give me a moment to consider it.", "oh hold up a sec", "请给我一点时间考虑。"),
    ],
)
def test_a_moment_asked_for_wishes_nothing(said: str) -> None:
    assert understood(said, DialogueState()) == [Wait()]
    assert understood(said, at_confirmation()) == [Wait()]
