"""Decide: what the person wants becomes events, and the state says what comes next.

`reduce` takes commands, `advance` walks on to where something must happen outside. Both are pure:
no clock, no chance, no input or output; what they need of these is in `Given`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from attenda.core.command import (
    Affirm,
    Another,
    AskHuman,
    Cancel,
    Clarify,
    Command,
    NotUnderstood,
    Recall,
    Refuse,
    Remember,
    SetSlot,
    Silence,
    StartFlow,
)
from attenda.core.event import (
    Confirmed,
    DialogueEvent,
    FlowBegan,
    FlowEnded,
    FlowMoved,
    HandedOff,
    Kept,
    ProposalDeclined,
    SaidAhead,
    SlotRefused,
    SlotSet,
    SlotsForgotten,
    TooLate,
    Unclear,
    Understood,
)
from attenda.core.label import SYSTEM, Labelled, at_least
from attenda.dialogue.book import FlowBook
from attenda.dialogue.collecting import Given, collect
from attenda.dialogue.expression import BadExpression, fill, value_of
from attenda.dialogue.extract_amounts import another_currency
from attenda.dialogue.flow import (
    Branch,
    CallFlowStep,
    CallStep,
    CollectStep,
    ConfirmStep,
    Flow,
    ForgetStep,
    HandOffStep,
    Instruction,
    Jump,
    SayStep,
    SearchStep,
    SetStep,
    words_in,
)
from attenda.dialogue.next_step import (
    AskWhich,
    AskYesNo,
    Await,
    CallTool,
    HandOver,
    Idle,
    Next,
    Say,
    SearchFor,
)
from attenda.dialogue.remember import proposed_value
from attenda.dialogue.silence import Question, after_silence
from attenda.dialogue.state import DialogueState, Frame, replay

__all__ = ["Decision", "Given", "advance", "open_question", "reduce"]

_MOST_STEPS = 200
"""Instructions between two things that happen outside; a flow that takes more goes in a circle."""
_UNCLEAR_TWICE = 2


@dataclass(frozen=True, slots=True)
class Decision:
    """What comes next, and the events on the way there."""

    events: tuple[DialogueEvent, ...]
    next: Next


def reduce(
    state: DialogueState, commands: Sequence[Command], book: FlowBook, given: Given
) -> list[DialogueEvent]:
    """What commands change, in order; one that does not fit the state changes nothing."""
    events: list[DialogueEvent] = []
    for number, command in enumerate(commands):
        now = replay(state, events)
        events += _events(now, command, book, given, f"{given.message_id}.{number}")
    return events


def _events(
    state: DialogueState, command: Command, book: FlowBook, given: Given, instance: str
) -> Iterator[DialogueEvent]:
    match command:
        case StartFlow(flow=name):
            yield from _start(state, book.current.get(name), book, instance)
        case SetSlot():
            yield from _set_slot(state, command, book, given)
        case Affirm() | Refuse():
            yield from _answer(state, book, given, yes=isinstance(command, Affirm))
        case Another(slot=slot):
            yield from _ask_anew(state, slot, book)
        case Cancel() if state.top:
            yield Understood()
            yield from _end(state, state.top, "cancelled")
        case Clarify() | NotUnderstood():
            yield from _unclear(state, command, book)
        case Remember() | Recall():
            yield Understood()
        case AskHuman():
            yield HandedOff(reason="asked")
        case Silence():
            yield from after_silence(state, command, open_question(state, book, given))
        case _:
            pass


def _unclear(
    state: DialogueState, command: Clarify | NotUnderstood, book: FlowBook
) -> Iterator[DialogueEvent]:
    if isinstance(command, Clarify):
        yield Unclear(flows=tuple(name for name in command.flows if name in book.current))
    else:
        handed_over = state.unclear + 1 >= _UNCLEAR_TWICE
        yield from (Unclear(), HandedOff(reason="unclear"))[: 1 + handed_over]


def _start(
    state: DialogueState, flow: Flow | None, book: FlowBook, instance: str
) -> Iterator[DialogueEvent]:
    """Begin a flow, unless it is the one under way.

    One that ended by handing the session over has nothing left to do, and may begin anew.
    """
    if flow is None:
        return
    yield Understood()
    top = state.top
    if top is None or top.flow != flow.name or _is_over(top, book):
        yield FlowBegan(flow=flow.name, fingerprint=flow.fingerprint, instance=instance)


def _is_over(frame: Frame, book: FlowBook) -> bool:
    """Whether nothing is left to do in a flow, which would end with the next turn."""
    steps, at = book.of(frame).instructions, frame.at
    while 0 <= at < len(steps):
        step = steps[at]
        if not isinstance(step, Jump):
            return False
        at = step.to
    return True


def _set_slot(
    state: DialogueState, command: SetSlot, book: FlowBook, given: Given
) -> Iterator[DialogueEvent]:
    """The newest flow that has such a slot gets the value; what was built on another is undone."""
    for frame in reversed(state.frames):
        flow = book.of(frame)
        slot = flow.slots.get(command.slot)
        if slot is None:
            continue
        if not at_least(command.value.label, slot.needs):
            return
        yield Understood()
        value = command.value
        known = {**given.names, **frame.values, command.slot: value}
        held = value_of(slot.check, known) if slot.check else Labelled(value=True, label=SYSTEM)
        if slot.currency and another_currency(str(value.value), slot.currency):
            held = Labelled(value=False, label=SYSTEM)
        because = held.whole_label
        if not held.value:
            refused = SlotRefused(
                instance=frame.instance, slot=command.slot, value=value, because=because
            )
            yield from _change(flow, frame, refused, command.slot)
        elif command.slot not in frame.values or frame.values[command.slot].value != value.value:
            said = SlotSet(
                instance=frame.instance,
                slot=command.slot,
                value=value,
                words=command.words,
                because=because,
            )
            yield from _change(flow, frame, said, command.slot)
        return
    if state.top and command.slot in book.slots_ahead(book.of(state.top)):
        yield Understood()
        yield SaidAhead(slot=command.slot, value=command.value, words=command.words)


def _ask_anew(state: DialogueState, slot: str, book: FlowBook) -> Iterator[DialogueEvent]:
    """The newest flow that has a value for a slot forgets it, and goes back to where it asks."""
    for frame in reversed(state.frames):
        if slot in frame.values and slot in book.of(frame).slots:
            yield Understood()
            forgotten = SlotsForgotten(instance=frame.instance, slots=(slot,))
            yield from _change(book.of(frame), frame, forgotten, slot)
            return


def _change(
    flow: Flow, frame: Frame, change: SlotSet | SlotRefused | SlotsForgotten, slot: str
) -> Iterator[DialogueEvent]:
    """Change a slot; what was built on it is done anew, unless it can't be undone."""
    back = _first_built_on(flow, frame, slot)
    if back is not None:
        if {step.id for step in flow.instructions[back : frame.at]} & set(frame.written):
            yield TooLate(instance=frame.instance, slot=slot)
            return
        yield FlowMoved(instance=frame.instance, at=back)
    yield change


def _first_built_on(flow: Flow, frame: Frame, slot: str) -> int | None:
    """The first step up to here that a slot decides, or the confirmation that came before it."""
    passed = flow.instructions[: frame.at + 1]
    readers = [at for at, step in enumerate(passed) if _rests_on(flow, at, step, slot)]
    if not readers:
        return None
    asked = [at for at, step in enumerate(passed[:-1]) if isinstance(step, ConfirmStep)]
    return flow.on_the_way(min([readers[0], *asked]), frame.at)


def _rests_on(flow: Flow, at: int, step: Instruction, slot: str) -> bool:
    collects = isinstance(step, CollectStep) and step.collect == slot
    return collects or slot in flow.reads(at)


def _answer(
    state: DialogueState, book: FlowBook, given: Given, *, yes: bool
) -> Iterator[DialogueEvent]:
    """A yes or a no to what the newest flow said it would do, or to a fact that it offered."""
    frame = state.top
    at = book.standing(frame) if frame else None
    if frame is not None and isinstance(at, CollectStep):
        yield from _answer_offer(state, frame, at.collect, book, given, yes)
    if frame is None or not isinstance(at, ConfirmStep):
        return
    yield Understood()
    if yes:
        yield Confirmed(instance=frame.instance, step=at.id)
    elif at.otherwise:
        yield FlowMoved(instance=frame.instance, at=frame.at + 2)
    else:
        yield from _end(state, frame, "refused")


def _answer_offer(
    state: DialogueState, frame: Frame, slot: str, book: FlowBook, given: Given, yes: bool
) -> Iterator[DialogueEvent]:
    """A yes sets the slot as if they had said it, with the fact's own label; a no has it asked."""
    fact = frame.offers.get(slot)
    if fact is None:
        return
    value = proposed_value(book.of(frame).slots[slot], fact, given.names) if yes else None
    if value is None:
        yield Understood()
        yield ProposalDeclined(instance=frame.instance, slot=slot)
    else:
        said = SetSlot(slot=slot, value=value, words=str(fact.value))
        yield from _set_slot(state, said, book, given)


def _end(state: DialogueState, frame: Frame, outcome: str) -> Iterator[DialogueEvent]:
    """A flow is over; one that called it and did not get what it needs is, too."""
    yield FlowEnded(instance=frame.instance, outcome=outcome)  # type: ignore[arg-type]
    place = state.frames.index(frame)
    if frame.called and outcome != "done" and place:
        yield from _end(state, state.frames[place - 1], outcome)


def advance(state: DialogueState, book: FlowBook, given: Given) -> Decision:
    """Walk on from where the dialogue stands until something must happen outside."""
    if state.handed_off:
        return Decision((), Idle())
    if state.unclear:
        return Decision((), AskWhich(state.candidates))
    events: list[DialogueEvent] = []
    for _ in range(_MOST_STEPS):
        frame = state.top
        if frame is None:
            return Decision(tuple(events), Idle())
        if frame.approval_id:
            return Decision(tuple(events), Await(frame.instance, frame.approval_id))
        step = book.standing(frame)
        found = _step(state, frame, step, book, given)
        if not isinstance(found, list):
            return Decision((*events, *_after(frame, found)), found)
        events += found
        state = replay(state, found)
    frame = state.top
    assert frame is not None
    return Decision((*events, *_end(state, frame, "failed")), Idle())


def open_question(state: DialogueState, book: FlowBook, given: Given) -> Question | None:
    """What waits for the person's answer; none where a deed, an approval or nobody's word does."""
    decision = advance(state, book, given)
    if decision.next == AskWhich(()):  # they were not understood: what was asked before still is
        decision = advance(replay(state, [Understood()]), book, given)
    found = decision.next
    return found if isinstance(found, Question) and not decision.events else None


def _after(frame: Frame, found: Next) -> Iterator[DialogueEvent]:
    """What is said is done; all else moves on when it has happened."""
    if isinstance(found, Say):
        yield FlowMoved(instance=frame.instance, at=frame.at + 1)


def _step(
    state: DialogueState, frame: Frame, step: Instruction | None, book: FlowBook, given: Given
) -> list[DialogueEvent] | Next:
    """The events of a step that needs nobody; else what must happen."""
    known = {**given.names, **frame.values}
    here, after = frame.instance, frame.at + 1
    try:
        match step:
            case None:
                return list(_end(state, frame, "done"))
            case Jump(to=to):
                return [FlowMoved(instance=here, at=to if to >= 0 else 1 << 30)]
            case Branch(condition=condition, otherwise=otherwise):
                found = value_of(condition, known)
                at = after if found.value else otherwise
                return [FlowMoved(instance=here, at=at, because=found.whole_label)]
            case SetStep(set=values):
                kept = [(name, value_of(text, known)) for name, text in values.items()]
                return [
                    *(Kept(instance=here, name=name, value=value) for name, value in kept),
                    FlowMoved(instance=here, at=after),
                ]
            case CollectStep():
                return collect(frame, step, book.of(frame), known, given)
            case ConfirmStep() if step.id in frame.confirmed:
                return [FlowMoved(instance=here, at=after)]
            case ForgetStep(ask_again=slots):
                first = book.of(frame).first_collect(slots)
                return [
                    SlotsForgotten(instance=here, slots=slots),
                    FlowMoved(instance=here, at=first),
                ]
            case CallFlowStep(call_flow=name):
                began = _call(book.current[name], f"{here}.{step.id}")
                moved = FlowMoved(instance=here, at=after)
                return [moved, began, *_named_before(replay(state, [began]), book, given)]
            case _:
                return _outside(frame, step, book.of(frame), known, given.language)
    except (BadExpression, KeyError):
        return list(_end(state, frame, "failed"))


def _call(flow: Flow, instance: str) -> FlowBegan:
    return FlowBegan(flow=flow.name, fingerprint=flow.fingerprint, instance=instance, called=True)


def _named_before(state: DialogueState, book: FlowBook, given: Given) -> Iterator[DialogueEvent]:
    """The slots of a flow that begins which were already named."""
    assert state.top is not None
    for name, value in state.ahead.items():
        if name in book.of(state.top).slots:
            yield from _set_slot(state, SetSlot(slot=name, value=value), book, given)


def _outside(
    frame: Frame, step: Instruction, flow: Flow, known: Mapping[str, Labelled], language: str
) -> Next:
    after = frame.at + 1
    match step:
        case SayStep(say=words, cite=cite):
            cites = value_of(cite, known).value if cite else None
            return Say(*fill(words_in(words, language), known), cites)
        case ConfirmStep(confirm=words):
            return AskYesNo(frame.instance, step.id, *fill(words_in(words, language), known))
        case CallStep():
            arguments = {name: value_of(text, known) for name, text in step.args.items()}
            return CallTool(
                frame.instance, step.id, step.call, arguments, frame.because, step.into, after
            )
        case SearchStep(search=text):
            return SearchFor(frame.instance, str(value_of(text, known).value or ""), after)
        case HandOffStep(hand_off=words):
            return HandOver(frame.instance, fill(words_in(words, language), known)[0], after)
    raise KeyError(step)
