"""What the first sentence says besides its wish, who asks for what, and words that agree."""

import datetime

import numpy as np
import pytest

from attenda.core.command import Affirm, Command, Refuse, SetSlot, StartFlow
from attenda.core.event import DialogueEvent
from attenda.core.label import Label, Labelled
from attenda.dialogue.book import FlowBook
from attenda.dialogue.flow_check import check_flows
from attenda.dialogue.flow_file import read_flows
from attenda.dialogue.machine import Given, advance, reduce
from attenda.dialogue.nearest import Nearest
from attenda.dialogue.next_step import AskYesNo
from attenda.dialogue.state import DialogueState, replay
from attenda.dialogue.understand import Understanding

FLOWS = """
unseal:
  title: {en: open a locked record, zh-CN: 打开锁定的记录}
  examples:
    en: [open a locked record, unlock the record, I need to see a locked record, let me into it now]
    zh-CN: [打开锁定的记录, 我要看锁定的记录, 帮我打开记录, 申请打开]
  slots:
    record: {type: id, pattern: 'R-\\d{3}', ask: {en: "Which?"}}
    why: {type: text, beside: true, ask: {en: "Why?"}}
  steps:
    - collect: record
    - collect: why
    - confirm: {en: "Open {record} because of “{why}”?"}
      agree: {en: [open it], zh-CN: [打开]}
    - say: {en: "It is open."}
lend:
  title: {en: lend a thing, zh-CN: 借东西}
  asked_by: [agent]
  examples:
    en: [lend something out, I want to lend a thing, hand something out to a member]
    zh-CN: [借出东西, 我要借出一样东西]
  slots:
    thing: {type: text, catalogue: things, ask: {en: "What?"}}
  steps:
    - collect: thing
    - say: {en: "You may have {thing}."}
borrow:
  title: {en: borrow a thing, zh-CN: 借用}
  asked_by: [viewer]
  examples:
    en: [borrow something, I want to borrow a thing, may I take something home]
    zh-CN: [我想借东西, 借用一样东西]
  steps:
    - say: {en: "Ask at the desk."}
"""
TODAY = datetime.date(2026, 3, 10)
LABEL = Label(integrity="user", readers=frozenset({"usr_ana"}))


def drill_in(text: str) -> tuple[int, int] | None:
    at = text.lower().find("drill")
    return (at, at + len("drill")) if at >= 0 else None


FOUND, _ = read_flows(FLOWS, "flows.yaml")
BOOK = FlowBook(FOUND, catalogues={"things": drill_in})
NAMED = [(f.name, t) for f in FOUND.values() for texts in f.examples.values() for t in texts]
WORDS = sorted({word for _, text in NAMED for word in text.lower().split()})


def vector(text: str) -> np.ndarray:
    """A bag of the examples' words."""
    found = np.array([word in text.lower().split() for word in WORDS], np.float32)
    length = float(np.linalg.norm(found))
    return found / length if length else found


KNOWN = Understanding(
    BOOK,
    Nearest.fit(
        [name for name, _ in NAMED],
        [text for _, text in NAMED],
        np.stack([vector(text) for _, text in NAMED]),
    ),
)


def understood(text: str, state: DialogueState | None = None, role: str = "") -> list[Command]:
    at = state or DialogueState()
    return KNOWN.commands(
        text, np.stack([vector(one) for one in KNOWN.wishes(text)]), at, LABEL, TODAY, role
    )


def values(commands: list[Command]) -> dict[str, object]:
    return {one.slot: one.value.value for one in commands if isinstance(one, SetSlot)}


def begun(commands: list[Command]) -> list[str]:
    return [one.flow for one in commands if isinstance(one, StartFlow)]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Open the locked record R-112, he fainted in the lobby", "he fainted in the lobby"),
        ("unlock the record R-112 because he fainted there.", "he fainted there"),
        ("R-112: open the locked record. The owner called us twice", "The owner called us twice"),
        ("I want to see the locked record R-112 because I'm curious", "I'm curious"),
        ("打开锁定的记录R-112，因为好奇", "好奇"),
        ("打开锁定的记录R-112，他在大厅晕倒了", "他在大厅晕倒了"),
        ("申请打开锁定的记录 R-112，因为他晕倒了", "他晕倒了"),
        ("open the locked record R-112 please, it's urgent", None),
        ("I need to see a locked record, R-112, let me into it now, thanks", None),
        ("申请打开记录，R-112，谢谢", None),
    ],
)  # fmt: skip
def test_what_stands_beside_the_wish_is_the_free_text(text: str, why: str | None) -> None:
    found = understood(text)
    assert begun(found) == ["unseal"]
    assert values(found) == {"record": "R-112"} | ({"why": why} if why else {})
    for one in found:
        if isinstance(one, SetSlot) and one.value.span:
            assert text[one.value.span.start : one.value.span.end] == one.words


def test_what_was_taken_from_the_first_sentence_is_shown_before_anything_is_done() -> None:
    given = Given("m1", "en", {"today": Labelled(value="2026-03-10", label=LABEL)})
    found = understood("Open the locked record R-112, he fainted in the lobby")
    events: list[DialogueEvent] = list(reduce(DialogueState(), found, BOOK, given))
    state = replay(DialogueState(), events)
    decision = advance(state, BOOK, given)
    assert isinstance(decision.next, AskYesNo) and "he fainted in the lobby" in decision.next.text
    state = replay(state, decision.events)
    for text, wanted in (
        ("please open it", Affirm),
        ("ok, open it now", Affirm),
        ("请打开", Affirm),
        ("yes please, open it", Affirm),
        ("打开吧，谢谢", Affirm),
        ("open it tomorrow evening", None),
        ("打开以后能关上", None),
        ("don't open it", Refuse),
        ("先别打开", None),
        ("open it? what for", None),
        ("open it but for another reason", None),
    ):
        first = understood(text, state)[0]
        assert isinstance(first, wanted) if wanted else not isinstance(first, Affirm), text


def test_a_thing_of_a_catalogue_is_read_and_speaks_for_its_flow() -> None:
    found = understood("I want to lend the drill out to a member")
    assert begun(found) == ["lend"] and values(found) == {"thing": "drill"}
    assert values(understood("I want to lend a thing")) == {}


def test_what_others_ask_for_is_believed_less() -> None:
    said = "I want to lend or borrow a thing"
    assert begun(understood(said, role="agent")) == ["lend"]
    assert begun(understood(said, role="viewer")) == ["borrow"]
    assert begun(understood(said)) == []


def test_a_flow_must_show_what_the_first_sentence_gave() -> None:
    wrong = FLOWS.replace("because of “{why}”", "").replace("catalogue: things", "catalogue: toys")
    flows, problems = read_flows(wrong, "flows.yaml")
    assert not problems
    mistakes = {(one.key, one.step) for one in check_flows(flows, {}, ["things"])}
    assert mistakes == {("flow.unshown", "why"), ("flow.unknown_catalogue", "thing")}
    assert not check_flows(FOUND, {}, ["things"])


def test_another_one_is_what_was_done_last_unless_something_else_is_named() -> None:
    for last in ("lend", "borrow"):
        state = DialogueState(last=last)
        assert begun(understood("another thing", state)) == [last]
        assert begun(understood("another one: unlock the record R-112", state)) == ["unseal"]
    given = Given("m1", "en", {"today": Labelled(value="2026-03-10", label=LABEL)})
    begins = reduce(DialogueState(), [StartFlow(flow="borrow")], BOOK, given)
    state = replay(DialogueState(), begins)
    for _ in range(2):
        state = replay(state, advance(state, BOOK, given).events)
    assert not state.frames and state.last == "borrow"
