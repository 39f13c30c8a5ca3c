"""The dialogue machine: what may happen, whatever the person wants and in whatever order."""

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from attenda.core.command import (
    Affirm,
    Another,
    AskDocuments,
    AskHuman,
    Cancel,
    Clarify,
    Command,
    NotUnderstood,
    Refuse,
    SetSlot,
    Silence,
    StartFlow,
    Wait,
)
from attenda.core.event import (
    Called,
    Confirmed,
    DialogueEvent,
    FlowBegan,
    FlowEnded,
    FlowMoved,
    HandedBack,
    HandedOff,
    Kept,
    SlotSet,
    TooLate,
)
from attenda.core.label import Label, Labelled
from attenda.dialogue.book import FlowBook
from attenda.dialogue.flow_file import read_flows
from attenda.dialogue.machine import Given, advance, reduce
from attenda.dialogue.next_step import (
    AskSlot,
    AskWhich,
    AskYesNo,
    CallTool,
    HandOver,
    Idle,
    Next,
    Say,
)
from attenda.dialogue.state import DialogueState, replay

TEXT = (Path(__file__).parent / "flows.yaml").read_text("utf-8")
FLOWS, PROBLEMS = read_flows(TEXT, "flows.yaml")
BOOK = FlowBook(FLOWS)
OWN = Label(integrity="user", readers=frozenset({"usr_ana"}), sources=frozenset({"msg_1"}))
ANSWERS: dict[str, object] = {
    "find_customer": {"id": "C-1"},
    "get_order": {"total": "39.90"},
    "issue_refund": {"id": "R-1"},
}


def user(value: str) -> Labelled:
    return Labelled(value=value, label=OWN)


def slot(name: str, value: str) -> SetSlot:
    return SetSlot(slot=name, value=user(value), words=value)


class Talk:
    """A dialogue with tools that always succeed; writes are counted."""

    def __init__(self, total: str = "39.90") -> None:
        self.state = DialogueState()
        self.log: list[DialogueEvent] = []
        self.writes: list[dict[str, object]] = []
        self.said: list[str] = []
        self.total = total
        self._turn = 0

    def hear(self, *commands: Command) -> Next:
        """A turn, up to where the person is needed again."""
        self._turn += 1
        given_ = Given(message_id=f"msg_{self._turn}")
        self._note(reduce(self.state, commands, BOOK, given_))
        for _ in range(50):
            decision = advance(self.state, BOOK, given_)
            self._note(decision.events)
            match decision.next:
                case Say(text=text):
                    self.said.append(text)
                case CallTool() as call:
                    self._call(call)
                case HandOver(instance=instance, reason=reason, after=after):
                    self._note([HandedOff(reason=reason), FlowMoved(instance=instance, at=after)])
                case other:
                    return other
        raise AssertionError("the dialogue goes in a circle")

    def _call(self, call: CallTool) -> None:
        writes = call.tool == "issue_refund"
        if writes:
            confirmed = [e for e in self.log if isinstance(e, Confirmed)]
            assert confirmed and confirmed[-1].instance == call.instance
            self.writes.append({name: one.value for name, one in call.arguments.items()})
        effect = f"{call.instance}.{call.step}" if writes else ""
        result = dict(ANSWERS[call.tool])  # type: ignore[call-overload]
        if call.tool == "get_order":
            result["total"] = self.total
        self._note(
            [
                Called(
                    instance=call.instance,
                    step=call.step,
                    tool=call.tool,
                    effect=effect,
                    state="done",
                ),
                Kept(instance=call.instance, name=call.into, value=Labelled(value=result)),
                FlowMoved(instance=call.instance, at=call.after),
            ]
        )

    def _note(self, events: object) -> None:
        found: list[DialogueEvent] = list(events)  # type: ignore[call-overload]
        self.log += found
        self.state = replay(self.state, found)


def test_flows_read_without_a_mistake() -> None:
    assert not PROBLEMS
    assert set(FLOWS) == {"refund", "who", "hours"}
    # who waits on a flow finds it by this: a new key of slots must not change those without it
    assert FLOWS["refund"].fingerprint == "3e11ff9d799f5405"


def test_a_refund_from_its_question_to_its_number() -> None:
    talk = Talk()
    asked = talk.hear(StartFlow(flow="refund"))
    assert isinstance(asked, AskSlot) and asked.slot == "email"
    asked = talk.hear(slot("email", "ana@example.test"))
    assert isinstance(asked, AskSlot) and asked.text == "Which order is it?"
    asked = talk.hear(slot("order", "O-1001"))
    assert isinstance(asked, AskYesNo) and asked.text == "Refund 39.90 for O-1001?"
    assert talk.writes == []
    assert isinstance(talk.hear(Affirm()), Idle)
    assert talk.writes == [{"order": "O-1001", "amount": "39.90"}]
    assert talk.said == ["Refunded, number R-1."]
    assert talk.state.frames == ()


def test_several_values_in_one_message_are_all_kept() -> None:
    talk = Talk()
    asked = talk.hear(StartFlow(flow="refund"), slot("order", "O-1001"), slot("email", "a@b.test"))
    assert isinstance(asked, AskYesNo)


def test_no_means_nothing_is_done_and_waiting_keeps_all() -> None:
    talk = Talk()
    talk.hear(StartFlow(flow="refund"), slot("order", "O-1001"), slot("email", "a@b.test"))
    assert isinstance(talk.hear(Wait()), AskYesNo)
    assert isinstance(talk.hear(AskDocuments()), AskYesNo)
    assert talk.writes == []
    assert isinstance(talk.hear(Affirm()), Idle)
    assert len(talk.writes) == 1

    talk = Talk()
    talk.hear(StartFlow(flow="refund"), slot("order", "O-1001"), slot("email", "a@b.test"))
    assert isinstance(talk.hear(Refuse()), Idle)
    assert talk.writes == [] and talk.state.frames == ()


def test_a_correction_asks_for_a_new_yes() -> None:
    talk = Talk()
    talk.hear(StartFlow(flow="refund"), slot("order", "O-1001"), slot("email", "a@b.test"))
    asked = talk.hear(slot("order", "O-1002"))
    assert isinstance(asked, AskYesNo) and "O-1002" in asked.text
    # a yes in the same breath as another value is no yes to that value
    asked = talk.hear(Affirm(), slot("order", "O-1003"))
    assert isinstance(asked, AskYesNo) and "O-1003" in asked.text
    assert talk.writes == []
    talk.hear(Affirm())
    assert [write["order"] for write in talk.writes] == ["O-1003"]


def test_another_matter_comes_first_and_the_first_goes_on() -> None:
    talk = Talk()
    talk.hear(StartFlow(flow="refund"), slot("email", "a@b.test"))
    asked = talk.hear(StartFlow(flow="hours"))
    assert isinstance(asked, AskSlot) and asked.slot == "day"
    asked = talk.hear(slot("day", "2026-03-10"))
    assert talk.said == ["On 2026-03-10 we open at nine."]
    assert isinstance(asked, AskSlot) and asked.slot == "order"


def test_whoever_will_not_say_who_they_are_gets_no_refund() -> None:
    talk = Talk()
    talk.hear(StartFlow(flow="refund"))
    assert isinstance(talk.hear(Cancel()), Idle)
    assert talk.state.frames == ()  # not the flow that asked for it either
    outcomes = [e.outcome for e in talk.log if isinstance(e, FlowEnded)]
    assert outcomes == ["cancelled", "cancelled"]


def test_a_value_that_may_not_be_is_asked_for_again_with_the_reason() -> None:
    talk = Talk()
    asked = talk.hear(StartFlow(flow="refund"), slot("email", "a@b.test"), slot("order", "O-0000"))
    assert isinstance(asked, AskSlot)
    assert asked.text == "There is no order O-0000. Which order is it?"


def test_too_dear_goes_to_a_person() -> None:
    talk = Talk(total="899.00")
    talk.hear(StartFlow(flow="refund"), slot("order", "O-1005"), slot("email", "a@b.test"))
    reasons = [e.reason for e in talk.log if isinstance(e, HandedOff)]
    assert reasons == ["A refund of 899.00 is for a person to decide."]
    assert talk.writes == []


def test_not_understood_twice_goes_to_a_person() -> None:
    talk = Talk()
    assert talk.hear(NotUnderstood()) == AskWhich(())
    assert talk.hear(Clarify(flows=("refund", "nothing", "hours"))) == AskWhich(("refund", "hours"))
    talk.hear(NotUnderstood())
    assert talk.state.handed_off


def test_a_value_from_elsewhere_is_not_the_persons_word() -> None:
    talk = Talk()
    talk.hear(StartFlow(flow="refund"), slot("email", "a@b.test"))
    poisoned = SetSlot(slot="order", value=Labelled(value="O-1001"))  # no label is untrusted
    assert isinstance(talk.hear(poisoned), AskSlot)
    assert not any(isinstance(e, SlotSet) and e.slot == "order" for e in talk.log)


COMMANDS = st.one_of(
    st.sampled_from(
        [Affirm(), Refuse(), Wait(), Cancel(), AskHuman(), AskDocuments(), NotUnderstood()]
    ),
    st.builds(StartFlow, flow=st.sampled_from(["refund", "hours", "who", "nothing"])),
    st.builds(slot, st.just("order"), st.sampled_from(["O-1001", "O-1002", "O-0000"])),
    st.builds(slot, st.just("email"), st.just("a@b.test")),
    st.builds(slot, st.just("day"), st.just("2026-03-10")),
    st.builds(Clarify, flows=st.just(("refund", "hours"))),
    st.builds(Silence, reminders=st.integers(1, 3), ends=st.booleans()),
    st.builds(Another, slot=st.sampled_from(["order", "email", "day", "none"])),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.lists(COMMANDS, min_size=1, max_size=3), max_size=12))
def test_whatever_is_said_no_write_without_its_yes(turns: list[list[Command]]) -> None:
    talk = Talk()
    for commands in turns:
        talk.hear(*commands)  # every state answers every command
    assert replay(DialogueState(), talk.log) == talk.state
    assert DialogueState.model_validate_json(talk.state.model_dump_json()) == talk.state
    agreed: dict[str, object] = {}
    for event in talk.log:
        match event:
            case FlowBegan(instance=instance):
                agreed.pop(instance, None)
            case Confirmed(instance=instance):
                agreed[instance] = True
            case SlotSet(instance=instance):
                agreed.pop(instance, None)
            case Called(effect=effect, instance=instance) if effect:
                assert agreed.pop(instance, None), "a write without a yes to just that"
    written = [e.effect for e in talk.log if isinstance(e, Called) and e.effect]
    assert len(written) == len(set(written))
    assert {write["order"] for write in talk.writes} <= {"O-1001", "O-1002"}


def test_what_is_done_stays_done() -> None:
    talk = Talk()
    talk.hear(StartFlow(flow="refund"), slot("order", "O-1001"), slot("email", "a@b.test"))
    state = talk.state
    frame = state.frames[-1]
    done = Called(
        instance=frame.instance, step="4.else.2", tool="issue_refund", effect="k", state="done"
    )
    state = replay(state, [done, FlowMoved(instance=frame.instance, at=frame.at + 2)])
    events = reduce(state, [slot("order", "O-1002")], BOOK, Given(message_id="msg_9"))
    assert [type(event) for event in events if not event.type == "understood"] == [TooLate]


ARMS = """
send:
  title: {en: Send}
  examples: {en: [send it]}
  slots:
    order: {type: text, ask: {en: "Which?"}}
    gift: {type: yes_no, ask: {en: "A gift?"}}
    note: {type: text, ask: {en: "What shall it say?"}}
  steps:
    - collect: gift
    - if: gift == "yes"
      then:
        - say: {en: "Wrapped for {order}."}
        - confirm: {en: "Wrap it?"}
        - call: wrap
      else:
        - collect: order
        - collect: note
        - confirm: {en: "Send {note}?"}
        - call: send
          with: {order: order, note: note}
"""


def test_a_correction_never_enters_the_arm_that_was_not_taken() -> None:
    flows, problems = read_flows(ARMS, "arms.yaml")
    assert not problems
    book = FlowBook(flows)
    state = DialogueState()
    asked: list[Next] = []
    turns = [
        [StartFlow(flow="send"), slot("gift", "no")],
        [slot("order", "O-1")],
        [slot("note", "hello")],
        [slot("note", "goodbye")],
        [slot("order", "O-2")],
    ]
    for number, commands in enumerate(turns):
        given_ = Given(message_id=f"msg_{number}")
        state = replay(state, reduce(state, commands, book, given_))
        decision = advance(state, book, given_)
        state = replay(state, decision.events)
        asked.append(decision.next)
    texts = [one.text for one in asked if isinstance(one, AskSlot | AskYesNo)]
    assert texts == [
        "Which?",
        "What shall it say?",
        "Send hello?",
        "Send goodbye?",
        "Send goodbye?",
    ]


ALARM = """
alarm:
  title: {en: an emergency}
  examples: {en: [my house burns]}
  slots: {what: {type: text}}
  steps:
    - if: what == "fire"
      then: [{hand_off: {en: "Somebody comes for the fire."}}]
      else: [{hand_off: {en: "Somebody comes."}}]
"""


def test_a_flow_that_handed_over_begins_anew_when_it_is_wanted_again() -> None:
    """What calls for a person does so a second time, also in the words of the first."""
    flows, problems = read_flows(ALARM, "alarm.yaml")
    assert not problems
    book, state = FlowBook(flows), DialogueState()
    for number, what in enumerate(("fire", "fire", "flood", "fire")):
        given = Given(message_id=f"msg_{number}")
        said = [StartFlow(flow="alarm"), SetSlot(slot="what", value=user(what))]
        state = replay(state, [HandedBack()] if state.handed_off else [])
        state = replay(state, reduce(state, said, book, given))
        decision = advance(state, book, given)
        assert isinstance(decision.next, HandOver), (number, decision)
        moved = FlowMoved(instance=decision.next.instance, at=decision.next.after)
        state = replay(state, [*decision.events, moved, HandedOff(reason=decision.next.reason)])
